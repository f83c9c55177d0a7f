"""Whose code is it: hosts, registrable domains, and whether they are ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl
import tldextract

_LOCAL = r"^(?:localhost|(?:.+\.)?localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0|<file>)$"
# The list that ships with the package: a room fetches nothing.
_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)


def host_of(url: pl.Expr) -> pl.Expr:
    """Return the host of an address in lower case; `<file>` for `file:`; null for what has none (relative, bare names).

    Examples
    --------
    >>> addresses = ["https://Shop.example:8100/a", "blob:https://shop.example/1-2", "file:///x.html", "app.js", None]
    >>> pl.DataFrame({"url": addresses}).select(host=host_of(pl.col("url")))["host"].to_list()
    ['shop.example', 'shop.example', '<file>', None, None]
    """
    host = url.str.extract(
        r"^(?:blob:)?(?:[a-zA-Z][\w+.-]*:)?//(?:[^/?#@]*@)?(\[[0-9a-fA-F:]+\]|[^/?#:]+)"
    ).str.to_lowercase()
    return pl.when(url.str.starts_with("file:")).then(pl.lit("<file>")).otherwise(host)


@cache
def registrable_domain(host: str) -> str:
    """Return the part of a host that somebody registered; the host itself where there is none (localhost, an address).

    An unlisted suffix counts as one label, which is the public suffix list's own default rule.

    Examples
    --------
    >>> [registrable_domain(host) for host in ["cdn.shop.co.uk", "www.shop.localhost", "10.0.0.1"]]
    ['shop.co.uk', 'shop.localhost', '10.0.0.1']
    """
    found = _extract(host)
    if found.suffix:
        return found.top_domain_under_public_suffix or host
    return host if found.ipv4 or found.ipv6 or host.startswith("<") else ".".join(host.split(".")[-2:])


def first_party_domains(events: pl.DataFrame, given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the domains that are ours: as given, else the registrable domains of the pages on which events happened.

    Local hosts count only when there is no other page, so that a developer's own machine does not become the shop.

    Examples
    --------
    >>> pages = pl.DataFrame({"page_url": ["https://www.shop.example/cart", "http://localhost:3000/", None]})
    >>> first_party_domains(pages, None), first_party_domains(pages, ["cdn.example"])
    (('shop.example',), ('cdn.example',))
    """
    if given:
        return tuple(given)
    if "page_url" not in events.columns:
        return ()
    urls = events.select(pl.col("page_url").cast(pl.String).unique()).drop_nulls()
    hosts = urls.select(host=host_of(pl.col("page_url"))).unique().drop_nulls()
    public = hosts.filter(~pl.col("host").str.contains(_LOCAL))
    kept = public if len(public) else hosts
    return tuple(sorted({registrable_domain(host) for host in kept["host"]}))


def is_first_party(hosts: Sequence[str], first_party: Sequence[str]) -> dict[str, bool]:
    """Say of each host whether it is ours: one of `first_party`, below one, or of the same registrable domain.

    Examples
    --------
    >>> is_first_party(["cdn.shop.example", "shop.example", "evilshop.example"], ["www.shop.example"])
    {'cdn.shop.example': True, 'shop.example': True, 'evilshop.example': False}
    """
    domains = {domain.lower().lstrip(".*") for domain in first_party}
    ours = domains | {registrable_domain(domain) for domain in domains}
    return {
        host: host in ours or registrable_domain(host) in ours or any(host.endswith("." + one) for one in domains)
        for host in hosts
    }
