"""Pages of a list whose next one stands in the `Link` header with a cursor, as Sentry and those like it give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.exceptions import FetchError
from connectors.http import Answer, Http


def linked_pages(http: Http, path: str, params: Mapping[str, Any]) -> Iterator[Answer]:
    """Give page after page; the header always names a next one, and `results="false"` says that it is empty.

    Parameters
    ----------
    params
        The query; a list as value is said several times, None not at all.

    Raises
    ------
    FetchError
        A page leads to itself, or to one before: reading on would never end.

    Examples
    --------
    >>> class Two:
    ...     source = "acme"
    ...     def get(self, path, params):
    ...         more = '<https://h/?cursor=1>; rel="next"; results="{}"; cursor="0:1:0"'
    ...         return Answer(200, b"[]", {"link": more.format("false" if "cursor" in dict(params) else "true")})
    >>> len(list(linked_pages(Two(), "events/", {})))
    2
    """
    seen: set[str] = set()
    asked = pairs_of(params)
    cursor: str | None = None
    while True:
        answer = http.get(path, [*asked, ("cursor", cursor)] if cursor is not None else asked)
        yield answer
        following = answer.links.get("next", {})
        cursor = following.get("cursor")
        if following.get("results") != "true" or cursor is None:
            return
        if cursor in seen:
            raise FetchError(f"{http.source} answers {answer.url} with a page that leads back to itself ({cursor})")
        seen.add(cursor)


def pairs_of(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give the pairs of a query in which a name may be said several times.

    Examples
    --------
    >>> pairs_of({"field": ["id", "trace"], "project": None, "per_page": 100})
    [('field', 'id'), ('field', 'trace'), ('per_page', 100)]
    """
    said = ((name, value if isinstance(value, list) else [value]) for name, value in params.items())
    return [(name, one) for name, values in said for one in values if one is not None]
