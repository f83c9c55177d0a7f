"""A slice of a recording that plays alone: from a full snapshot before the moment until some seconds after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from connectors.exceptions import ParameterError
from workbench.replay.mirror import Mirror, descendants
from workbench.replay.recording import Recorded, Stream, streams
from workbench.replay.rrweb import (
    ADOPTED_STYLE_SHEET,
    DOCTYPE,
    DOCUMENT,
    ELEMENT,
    FULL_SNAPSHOT,
    INCREMENTAL,
    META,
    MUTATION,
    RESIZE,
    SCROLL,
    STYLE_DECLARATION,
    STYLE_SHEET_RULE,
    Node,
)

CUSTOM = 5
STYLES = (STYLE_SHEET_RULE, STYLE_DECLARATION, ADOPTED_STYLE_SHEET)
AFTER_SEEK = timedelta(milliseconds=500)


@dataclass(frozen=True)
class Moment:
    """A part of a recording that a player can play with nothing else.

    Attributes
    ----------
    at, at_ms
        The moment, and where it lies in the slice (ms from its first event). Seek about 100 ms past it.
    starts_at
        When the slice begins; `timestamp` 0 of its first event.
    events
        rrweb events (`type`, `data`, `timestamp` in ms from `starts_at`); the first two are the size of the page and
        a full snapshot.
    marks
        Those of `replay_marks` that lie in the slice, each {t, kind, label}, `t` in ms from `starts_at`.
    width, height
        The recorded viewport, in CSS pixels.
    """

    replay_id: str
    page_view_id: str | None
    page_url: str | None
    at: datetime
    at_ms: int
    starts_at: datetime
    events: list[dict[str, Any]] = field(repr=False)
    marks: list[dict[str, Any]] = field(repr=False)
    width: int
    height: int

    def to_json(self) -> bytes:
        """Give the events as the JSON array that a player loads."""
        return msgspec.json.encode(self.events)


def moment(
    replay_events: pl.DataFrame,
    at: datetime,
    *,
    before: timedelta = timedelta(seconds=15),
    after: timedelta = timedelta(seconds=5),
    page_view_id: str | None = None,
    marks: pl.DataFrame | None = None,
) -> Moment:
    """Cut the slice out of a recording that shows a moment, an error for instance.

    It starts with the last full snapshot at least `before` the moment (the first there is, if none is as old), pages
    of the same recording before the moment's own included. When that snapshot is much older, the page as it was
    `before` the moment takes its place, so that a report of an hour-long visit carries seconds of it.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of one recording, every event of it.
    at
        The moment (UTC). It may lie a little outside the recording: an error that ended the page often does.
    before, after
        How much to show on either side.
    page_view_id
        The page view to show, where two tabs were open at a time.
    marks
        From `replay_marks`: those inside the slice are given along.

    Raises
    ------
    ParameterError
        No full snapshot lies before the moment's end: there is nothing to play.

    Examples
    --------
    >>> page = '{"node":{"type":0,"id":1,"childNodes":[]},"initialOffset":{"top":0,"left":0}}'
    >>> times = pl.Series([0, 4000]).cast(pl.Datetime("ms", "UTC"))
    >>> recording = pl.DataFrame({"replay_id": "r1", "at": times, "type": [2, 3], "source": [None, 1], "data": [page, "{}"]})
    >>> one = moment(recording, recording["at"][1])
    >>> one.at_ms, [(event["type"], event["timestamp"]) for event in one.events]
    (4000, [(4, 0), (2, 0), (3, 4000), (5, 4500)])
    """  # noqa: E501
    played = [stream for stream in streams(replay_events, sources=None) if stream.starts_at <= at + after]
    chosen = [n for n, stream in enumerate(played) if page_view_id in (None, stream.page_view_id)]
    in_time = [n for n in chosen if played[n].starts_at <= at] or chosen[:1]
    if not in_time:
        raise ParameterError(f"the recording shows no page at {at}: its first event is later")
    shown = played[in_time[-1]]
    events = _before_each_other(played[: in_time[-1] + 1])
    events = [event for event in events if event.at <= at + after]
    events = _from_snapshot(events, at - before, shown)
    if events[0].at < at - 2 * before:
        events = _folded(events, at - before, shown)
    return _rebased(events, at, shown, marks)


def _before_each_other(played: Sequence[Stream]) -> list[Recorded]:
    """Put page views one after the other: what a page sent after the next one began (its unload) is left out."""
    ordered: list[Recorded] = []
    for stream, following in zip(played, [*played[1:], None], strict=True):
        ordered += [event for event in stream.events if following is None or event.at < following.starts_at]
    return ordered


def _from_snapshot(events: list[Recorded], earliest: datetime, shown: Stream) -> list[Recorded]:
    snapshots = [n for n, event in enumerate(events) if event.type == FULL_SNAPSHOT and event.data]
    if not snapshots:
        raise ParameterError(f"recording {shown.replay_id} holds no full snapshot up to that moment: nothing to play")
    start = next((n for n in reversed(snapshots) if events[n].at <= earliest), snapshots[0])
    size = next((event for event in reversed(events[:start]) if event.type == META), None)
    if size is None:
        size = Recorded(events[start].at, META, None, '{"href":"","width":1280,"height":800}', None)
    return [size._replace(at=events[start].at), *events[start:]]


def _folded(events: list[Recorded], cut: datetime, shown: Stream) -> list[Recorded]:
    """Replace everything up to `cut` by a snapshot of the page as it was then."""
    past, rest = [event for event in events if event.at <= cut], [event for event in events if event.at > cut]
    stream = replace(shown, events=past, mirror=Mirror(), href=None)
    for _ in stream.play():
        pass
    if stream.mirror.root is None:
        return events
    size = {"href": stream.href or "", "width": stream.width, "height": stream.height}
    last: dict[tuple[int | None, str | None], Recorded] = {}
    snapshot_at = max(n for n, event in enumerate(past) if event.type == FULL_SNAPSHOT)
    for number, event in enumerate(past[snapshot_at:]):
        if event.type == INCREMENTAL and event.source in (*STYLES, SCROLL, RESIZE):
            about = str(number) if event.source in STYLES else _scrolled(event)
            last[event.source, about] = event._replace(at=cut)
    page = {"node": plain(stream.mirror.root), "initialOffset": {"top": 0, "left": 0}}
    # as a recorder sends it: a document inside an iframe is no part of the snapshot, it is attached afterwards
    frames = [
        {"source": MUTATION, "adds": [{"parentId": node.parent.id, "nextId": None, "node": plain(node)}],
         "removes": [], "texts": [], "attributes": [], "isAttachIframe": True}
        for node in descendants(stream.mirror.root)
        if node.type == DOCUMENT and node.parent is not None
    ]  # fmt: skip
    return [
        Recorded(cut, META, None, msgspec.json.encode(size).decode(), None),
        Recorded(cut, FULL_SNAPSHOT, None, msgspec.json.encode(page).decode(), None),
        *(Recorded(cut, INCREMENTAL, MUTATION, msgspec.json.encode(frame).decode(), None) for frame in frames),
        *last.values(),
        *rest,
    ]


def _scrolled(event: Recorded) -> str | None:
    """Give the id of the node that was scrolled: of several positions only the last one matters."""
    return str((_read(event) or {}).get("id")) if event.source == SCROLL else None


def _read(event: Recorded) -> dict[str, Any] | None:
    """Decode what an event holds; None when it is damaged: a player would stop at it."""
    try:
        data = msgspec.json.decode(event.data or "{}")
    except msgspec.DecodeError:
        return None
    return data if isinstance(data, dict) else {}


def _rebased(events: list[Recorded], at: datetime, shown: Stream, marks: pl.DataFrame | None) -> Moment:
    starts_at = events[0].at
    ends_at = max(events[-1].at, at + AFTER_SEEK)

    def ms(time: datetime) -> int:
        return (time - starts_at) // timedelta(milliseconds=1)

    read = [(event, _read(event)) for event in events]
    rows = [{"type": e.type, "data": data, "timestamp": ms(e.at)} for e, data in read if data is not None]
    inside = [] if marks is None else _marks(marks.filter(replay_id=shown.replay_id), starts_at, ends_at)
    if rows[-1]["timestamp"] < ms(ends_at):
        # a player's time line ends with the last event, and the moment must lie on it
        rows.append({"type": CUSTOM, "data": {"tag": "end", "payload": {}}, "timestamp": ms(ends_at)})
    size = rows[0]["data"]
    return Moment(
        replay_id=shown.replay_id,
        page_view_id=shown.page_view_id,
        page_url=_last_address(events),
        at=at,
        at_ms=max(0, ms(at)),
        starts_at=starts_at,
        events=rows,
        marks=[{"t": ms(time), "kind": kind, "label": label} for time, kind, label in inside],
        width=size.get("width") or 1280,
        height=size.get("height") or 800,
    )


def _marks(marks: pl.DataFrame, first: datetime, last: datetime) -> list[tuple[datetime, str, str]]:
    return marks.filter(pl.col("at").is_between(first, last)).select("at", "kind", "label").rows()


def _last_address(events: Sequence[Recorded]) -> str | None:
    last = next((event for event in reversed(events) if event.type == META), None)
    return None if last is None else (_read(last) or {}).get("href") or None


def plain(root: Node) -> dict[str, Any]:
    """Write a page's tree in rrweb's own form, as a full snapshot holds it: without documents inside iframes.

    Examples
    --------
    >>> plain(Node(type=DOCUMENT, id=1, child_nodes=[Node(type=DOCTYPE, id=2, name="html")]))["childNodes"]
    [{'type': 1, 'id': 2, 'name': 'html', 'publicId': '', 'systemId': ''}]
    """
    whole: dict[str, Any] = {}
    stack: list[tuple[Node, dict[str, Any]]] = [(root, whole)]
    while stack:
        node, out = stack.pop()
        out.update(type=node.type, id=node.id)
        if node.type in (DOCUMENT, ELEMENT):
            children = [child for child in node.child_nodes if child.type != DOCUMENT]
            out["childNodes"] = [{} for _ in children]
            stack.extend(zip(children, out["childNodes"], strict=True))
            if node.type == ELEMENT:
                out.update(tagName=node.tag_name, attributes=node.attributes)
        elif node.type == DOCTYPE:
            out.update(name=node.name, publicId=node.public_id, systemId=node.system_id)
        else:
            out["textContent"] = node.text_content or ""
        said = {
            "rootId": node.root_id, "isShadowHost": node.is_shadow_host, "isShadow": node.is_shadow,
            "isCustom": node.is_custom, "isSVG": node.is_svg, "compatMode": node.compat_mode,
        }  # fmt: skip
        out.update({key: value for key, value in said.items() if value})
    return whole
