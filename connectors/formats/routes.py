"""The route of an address: its path with the variables named, for sources that give no route of their own."""

from __future__ import annotations

import polars as pl

UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
ULID = r"[0-9A-HJKMNP-TV-Z]{26}"
HASH = r"[0-9a-fA-F]{8,}"
# A short lowercase prefix names what the id is of (`cus_9f8e7d6c`), the id is still a variable.
VARIABLE = rf"(?:\d+|(?:[a-z]{{1,12}}_)?(?:{UUID}|{ULID}|{HASH}))"


def path_of(urls: pl.Expr) -> pl.Expr:
    """Give the path of each address: no scheme, host, query or fragment; an empty path is `/`.

    Examples
    --------
    >>> urls = pl.DataFrame({"url": ["https://shop.example/cart?x=1#top", "/cart", "https://shop.example", None]})
    >>> urls.select(path_of(pl.col("url")))["url"].to_list()
    ['/cart', '/cart', '/', None]
    """
    path = urls.str.replace(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*", "").str.replace(r"(?s)[?#].*$", "")
    return pl.when(path.str.starts_with("/")).then(path).otherwise("/" + path)


def route_of(urls: pl.Expr) -> pl.Expr:
    """Give the route of each address: the path, numbers and ids in it replaced by `:id`.

    A segment is an id when it is a number, a UUID, a ULID or at least eight hex digits, with or without a short prefix
    such as `cus_`. Words stay: better one route too many than two pages under one name.

    Examples
    --------
    >>> urls = [
    ...     "https://shop.example/product/12?ref=mail",
    ...     "/orders/6f1c2b9a-9f0e-4c1b-8a51-0b6c7d8e9f00/items/3/",
    ...     "/help/returns",
    ...     "/u/cus_9f8e7d6c5b",
    ... ]
    >>> pl.DataFrame({"url": urls}).select(route_of(pl.col("url")))["url"].to_list()
    ['/product/:id', '/orders/:id/items/:id', '/help/returns', '/u/:id']
    """
    # Every slash doubled gives each segment two slashes of its own: Polars' regex has no lookaround to share one.
    doubled = (path_of(urls) + "/").str.replace_all("/+", "//")
    named = doubled.str.replace_all(rf"/{VARIABLE}/", "/:id/").str.replace_all("/+", "/")
    return pl.when(named == "/").then(named).otherwise(named.str.strip_suffix("/"))


def endpoint_of(methods: pl.Expr, urls: pl.Expr) -> pl.Expr:
    """Give `GET /api/cart/:id` for a method and an address; without a method only the route.

    Examples
    --------
    >>> requests = pl.DataFrame({"method": ["get", None], "url": ["/api/cart/7", "/api/cart/7"]})
    >>> requests.select(endpoint_of(pl.col("method"), pl.col("url")).alias("endpoint"))["endpoint"].to_list()
    ['GET /api/cart/:id', '/api/cart/:id']
    """
    route = route_of(urls)
    return pl.when(methods.is_null()).then(route).otherwise(methods.str.to_uppercase() + " " + route)
