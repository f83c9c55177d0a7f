"""web-vitals beacons, page-view beacons and support contacts: JSON objects that a team's own collector wrote down.

A beacon may be one metric (`{"name": "LCP", "value": 2100, ...}`), a list of metrics, or an object that holds a list
of them (`metrics`, `vitals`) and says for all what they share. The user agent is the payload's, never the header's:
beacons at unload carry the browser's own agent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.formats.fields import Fields
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_hex_id, as_micros, as_number, as_text, shown
from connectors.tables import PAGE_VIEWS, TEXT, TIME, VITALS

METRICS = ("LCP", "INP", "CLS", "FCP", "TTFB", "FID")
# good / poor in ms, CLS unitless; web.dev/articles/vitals
THRESHOLDS = {"LCP": (2500, 4000), "INP": (200, 500), "CLS": (0.1, 0.25), "FCP": (1800, 3000), "TTFB": (800, 1800)}
LISTS = ("metrics", "vitals", "measurements")
# What stands behind the canonical columns until sessions are made of it.
BEHIND = {"user_id": TEXT, "user_agent": TEXT}

_json = msgspec.json.Decoder()
_vital = Fields(
    (
        "at", "received_at", "page_view_id", "session_id", "metric", "value", "rating", "navigation_type", "page_url",
        "route", "release", "environment", "device_class", "region", "connection", "attribution", "trace_id",
        "sample_rate", "id", "user_id", "user_agent",
    )
)  # fmt: skip
_page_view = Fields(
    (
        "page_view_id", "session_id", "at", "received_at", "page_url", "route", "release", "environment",
        "device_class", "region", "navigation_type", "trace_id", "user_id", "user_agent",
    )
)  # fmt: skip
_contact = Fields(("session_id", "at", "received_at", "release", "page_url"))


def vital_rows() -> Rows:
    """Make an empty collection of vitals, with the metric's id and the visitor behind the canonical columns."""
    return Rows(VITALS, {"id": TEXT, **BEHIND})


def page_view_rows() -> Rows:
    """Make an empty collection of page views, with the visitor behind the canonical columns."""
    return Rows(PAGE_VIEWS, BEHIND)


def contact_rows() -> Rows:
    """Make an empty collection of support contacts: at, session_id."""
    from connectors.tables import Table

    return Rows(Table("support", {"session_id": TEXT, "at": TIME}, key=("session_id", "at"), required=("session_id",)))


def read_beacon(raw: bytes, place: str, rows: Rows) -> None:
    """Read one beacon into `rows`: each metric in it is a row, or is refused with its reason.

    Examples
    --------
    >>> rows = vital_rows()
    >>> read_beacon(b'{"ts":1741530000500,"name":"LCP","value":2612.5,"id":"v5-1","sessionId":"s1"}', "b:1", rows)
    >>> read_beacon(b'{"time":1741530000.5,"metrics":[{"name":"CLS","value":0.02,"id":"v5-2"}]}', "b:2", rows)
    >>> read_beacon(b'{"ts":1741530000500,"name":"INP","value":null}', "b:3", rows)
    >>> rows.frame().select("metric", "value", "rating", "session_id").rows()
    [('LCP', 2612.5, 'needs-improvement', 's1'), ('CLS', 0.02, 'good', None)]
    >>> rows.refused
    [Refused(place='b:3', reason='INP: value is None, not a finite number')]
    """
    try:
        document = _json.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the beacon is not JSON ({error})")
    for metric in _metrics(document):
        if isinstance(metric, dict):
            _add_vital(metric, place, rows)
        else:
            rows.refuse(place, f"{shown(metric)} is not a metric")
    return None


def _metrics(document: Any) -> Iterator[Any]:
    if isinstance(document, list):
        for one in document:
            yield from _metrics(one)
        return
    if isinstance(document, dict):
        inner = next((name for name in LISTS if isinstance(document.get(name), list)), None)
        if inner is not None:
            shared = {key: value for key, value in document.items() if key != inner}
            for one in document[inner]:
                yield {**shared, **one} if isinstance(one, dict) else one
            return
    yield document


def _add_vital(metric: dict[str, Any], place: str, rows: Rows) -> None:
    (at, received, page_view, session, name, value, rating, navigation, url, route, release, environment, device,
     region, connection, attribution, trace, sample_rate, metric_id, user, agent) = _vital.of(metric)  # fmt: skip
    name = as_text(name)
    if name not in METRICS:
        return rows.skip(f"metrics named {shown(name)}") if name else rows.refuse(place, "the beacon names no metric")
    number = as_number(value) if not isinstance(value, str) else None
    if number is None or number < 0:
        return rows.refuse(
            place, f"{name}: value is {shown(value)}, not a finite number" + (" from 0" if number else "")
        )
    when = as_micros(at, "guess") or as_micros(received, "guess")
    if when is None:
        return rows.refuse(place, f"{name}: no time ({shown(at)})")
    metric_id = as_text(metric_id)
    rate = as_number(sample_rate)
    rows.add(
        (
            when,
            # a metric whose page view nobody names still counts as one of its own
            as_text(page_view) or metric_id,
            as_text(session),
            name,
            number,
            as_text(rating) or rating_of(name, number),
            as_text(navigation),
            as_text(url),
            as_text(route),
            as_text(release),
            as_text(environment),
            device_of(device),
            as_text(region),
            None,
            as_text(connection),
            None if attribution is None else msgspec.json.encode(attribution).decode(),
            as_hex_id(trace, 32),
            rate if rate is not None and 0 < rate <= 1 else None,
            metric_id,
            as_text(user),
            as_text(agent),
        )
    )
    return None


def read_page_view(raw: bytes, place: str, rows: Rows) -> None:
    """Read one page view into `rows`.

    Examples
    --------
    >>> rows = page_view_rows()
    >>> read_page_view(b'{"ts":1741530000500,"pageViewId":"p1","url":"https://shop.example/cart"}', "p:1", rows)
    >>> read_page_view(b'{"ts":1741530000500,"url":"https://shop.example/"}', "p:2", rows)
    >>> rows.frame().select("page_view_id", "page_url").rows(), rows.refused[0].reason
    ([('p1', 'https://shop.example/cart')], 'the page view has no id')
    """
    try:
        document = _json.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the page view is not JSON ({error})")
    for view in document if isinstance(document, list) else [document]:
        if not isinstance(view, dict):
            rows.refuse(place, f"{shown(view)} is not a page view")
            continue
        (page_view, session, at, received, url, route, release, environment, device, region, navigation, trace, user,
         agent) = _page_view.of(view)  # fmt: skip
        when = as_micros(at, "guess") or as_micros(received, "guess")
        page_view = as_text(page_view)
        if page_view is None or when is None:
            rows.refuse(place, "the page view has no id" if page_view is None else f"no time ({shown(at)})")
            continue
        rows.add(
            (
                page_view,
                as_text(session),
                when,
                as_text(url),
                as_text(route),
                as_text(release),
                as_text(environment),
                device_of(device),
                as_text(region),
                None,
                as_text(navigation),
                as_hex_id(trace, 32),
                as_text(user),
                as_text(agent),
            )
        )
    return None


def read_contact(raw: bytes, place: str, rows: Rows) -> None:
    """Read one support contact into `rows`: which session, and when.

    Examples
    --------
    >>> rows = contact_rows()
    >>> read_contact(b'{"at":1741530000500,"session_id":"s1"}', "support:1", rows)
    >>> rows.frame()["session_id"].to_list()
    ['s1']
    """
    try:
        document = _json.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the support contact is not JSON ({error})")
    for contact in document if isinstance(document, list) else [document]:
        session, at, received, *_ = _contact.of(contact) if isinstance(contact, dict) else (None, None, None)
        if (session := as_text(session)) is None:
            rows.refuse(place, "the support contact names no session")
        else:
            rows.add((session, as_micros(at, "guess") or as_micros(received, "guess")))
    return None


def rating_of(name: str, value: float) -> str | None:
    """Rate a value as web-vitals does, for sources that do not; None for a metric without thresholds.

    Examples
    --------
    >>> rating_of("LCP", 2500), rating_of("CLS", 0.2), rating_of("INP", 501), rating_of("FID", 9)
    ('good', 'needs-improvement', 'poor', None)
    """
    if name not in THRESHOLDS:
        return None
    good, poor = THRESHOLDS[name]
    return "good" if value <= good else "poor" if value > poor else "needs-improvement"


def device_of(value: Any) -> str | None:
    """Give a class of device in the words of the tables.

    Examples
    --------
    >>> device_of("Phone"), device_of("desktop"), device_of(None)
    ('mobile', 'desktop', None)
    """
    text = (as_text(value) or "").lower()
    return {"phone": "mobile", "smartphone": "mobile"}.get(text, text) or None
