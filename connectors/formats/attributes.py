"""HTTP and SQL attributes of a span, under the names of old and new OpenTelemetry conventions and of Sentry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.formats.rows import Rows
from connectors.formats.values import as_int, as_text
from connectors.tables import SPANS, TEXT

METHOD = ("http.request.method", "http.method", "http.request_method", "method")
STATUS = ("http.response.status_code", "http.status_code", "status_code")
ROUTE = ("http.route",)
STATEMENT = ("db.query.text", "db.statement")
URL = ("url.full", "http.url", "url", "http.target", "url.path")
SESSION = ("session.id", "session_id", "rum.sessionId")


class HttpAttributes(NamedTuple):
    """What a span says about HTTP and SQL; None where it says nothing."""

    method: str | None
    route: str | None
    status: int | None
    db_statement: str | None


def span_rows() -> Rows:
    """Make an empty collection of spans, with the address and the session that requests and joins need behind them.

    Examples
    --------
    >>> span_rows().frame().columns[-3:]
    ['events', 'url', 'session_id']
    """
    return Rows(SPANS, {"url": TEXT, "session_id": TEXT})


def http_attributes(attributes: Mapping[str, Any]) -> HttpAttributes:
    """Read the attributes that have columns of their own; new names come before old ones.

    Examples
    --------
    >>> http_attributes({"http.method": "GET", "http.route": "/cart", "http.status_code": "200"})
    HttpAttributes(method='GET', route='/cart', status=200, db_statement=None)
    >>> http_attributes({"db.query.text": "SELECT 1", "db.statement": "old"}).db_statement
    'SELECT 1'
    """
    method = first_text(attributes, METHOD)
    status = next((code for name in STATUS if (code := as_int(attributes.get(name))) is not None), None)
    return HttpAttributes(
        method.upper() if method else None,
        first_text(attributes, ROUTE),
        status if status else None,
        first_text(attributes, STATEMENT),
    )


def first_text(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Give the first of `names` that has a text or a number.

    Examples
    --------
    >>> first_text({"url": "", "http.url": "/cart"}, URL)
    '/cart'
    """
    for name in names:
        value = as_text(attributes.get(name)) if name in attributes else None
        if value is not None:
            return value
    return None
