"""What the user saw: the page at a moment of a recording, and the pages that went blank.

The page is rebuilt from the recording alone, without a browser. Only what changes the page is decoded, so that
hundreds of recordings are read in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

import polars as pl

from connectors.exceptions import ParameterError
from connectors.tables import TEXT, TIME
from workbench.replay.html import to_html
from workbench.replay.marks import replay_marks
from workbench.replay.mirror import Mirror
from workbench.replay.moments import Moment, moment
from workbench.replay.recording import Stream, streams
from workbench.replay.rrweb import INPUT, MUTATION, Mutation, Node, Snapshot
from workbench.replay.text import first_text, is_readable, visible_text

__all__ = ["Moment", "Page", "blank_pages", "moment", "page_at", "replay_marks"]

BLANK_PAGES = {
    "replay_id": TEXT,
    "session_id": TEXT,
    "page_view_id": TEXT,
    "page_url": TEXT,
    "kind": TEXT,
    "blank_from": TIME,
    "blank_to": TIME,
    "until_end": pl.Boolean(),
    "visible_text_before": TEXT,
}


@dataclass(frozen=True)
class Page:
    """A page as it stood at one moment.

    Attributes
    ----------
    at
        The last change of the page at or before the moment asked for.
    page_url
        The address of the page load.
    text
        What could be read, one line a block.
    html
        The page as markup, for reading and searching. It is somebody else's data: escape it, never insert it.
    size
        How many nodes the page had.
    lost
        How many changes before that moment named nodes that the recording never brought; 0 for a whole recording.
    """

    replay_id: str
    page_view_id: str | None
    at: datetime
    page_url: str | None
    text: str
    html: str
    size: int
    width: int
    height: int
    lost: int

    @property
    def is_blank(self) -> bool:
        """True when nothing could be read."""
        return not self.text


def page_at(replay_events: pl.DataFrame, at: datetime, *, page_view_id: str | None = None) -> Page:
    """Rebuild the page that a recording shows at a moment.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of one recording.
    at
        The moment (UTC). Of several page views the one that began last before it is taken.
    page_view_id
        Take this page view instead: two tabs can be open at a time.

    Raises
    ------
    ParameterError
        The recording shows no page at that moment.

    Examples
    --------
    >>> from datetime import UTC
    >>> snapshot = '{"node":{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"body","attributes":{},"childNodes":[{"type":3,"id":3,"textContent":"Your cart"}]}]}}'
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> events = pl.DataFrame({"replay_id": ["r1"], "at": [noon], "type": [2], "data": [snapshot]})
    >>> page_at(events, noon).text
    'Your cart'
    """  # noqa: E501
    found: Page | None = None
    for stream in streams(replay_events.filter(pl.col("at") <= at), sources=(MUTATION, INPUT)):
        last = stream.starts_at
        for step in stream.play():
            last = step.at
        if stream.mirror.root is not None and page_view_id in (None, stream.page_view_id):
            found = _page(stream, stream.mirror.root, last)
    if found is None:
        about = f" of page view {page_view_id}" if page_view_id else ""
        raise ParameterError(f"the recording shows no page{about} at {at}: no full snapshot lies before that moment")
    return found


def _page(stream: Stream, root: Node, at: datetime) -> Page:
    return Page(
        replay_id=stream.replay_id,
        page_view_id=stream.page_view_id,
        at=at,
        page_url=stream.href,
        text=visible_text(root),
        html=to_html(root),
        size=len(stream.mirror.nodes),
        width=stream.width,
        height=stream.height,
        lost=stream.mirror.lost,
    )


def blank_pages(
    replay_events: pl.DataFrame,
    *,
    at_least: timedelta = timedelta(seconds=1),
    never_shown: timedelta = timedelta(seconds=5),
) -> pl.DataFrame:
    """Find the pages on which nothing could be read any more, one row a blank stretch.

    A page went blank when it had visible text and then either ended with none, or stayed without for `at_least`.
    Before its first text a page is loading, not blank, unless it stays so for `never_shown`: a client-rendered page
    whose script dies at once never shows anything. Only the main document is judged: what a chat bubble's iframe
    still shows does not make a page whole.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of any number of recordings.
    at_least
        How long a page must have stayed without text to count when its text came back. Shorter gaps are ordinary
        re-rendering.
    never_shown
        How long a recorded page may take to its first text.

    Returns
    -------
    replay_id, session_id, page_view_id, page_url; `kind`, `went_blank` or `never_shown`; blank_from and blank_to
    (the end of the page's recording, mouse moves included, where `until_end`); visible_text_before, what could be
    read on the page last.

    Examples
    --------
    >>> from datetime import UTC
    >>> snapshot = '{"node":{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"body","attributes":{},"childNodes":[{"type":3,"id":3,"textContent":"Your cart"}]}]}}'
    >>> crash = '{"source":0,"adds":[],"removes":[{"parentId":2,"id":3}],"texts":[],"attributes":[]}'
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> events = pl.DataFrame({"replay_id": "r1", "at": [noon, noon + timedelta(seconds=2)], "type": [2, 3], "source": [None, 0], "data": [snapshot, crash]})
    >>> blank_pages(events).select("kind", "until_end", "visible_text_before").rows()
    [('went_blank', True, 'Your cart')]
    """  # noqa: E501
    rows = []
    for stream in streams(replay_events):
        for stretch in _blank_stretches(stream, at_least, never_shown):
            before = _text_before(stream, stretch.step) if stretch.kind == "went_blank" else None
            about = (stream.replay_id, stream.session_id, stream.page_view_id, stretch.page_url)
            rows.append((*about, stretch.kind, stretch.start, stretch.end, stretch.until_end, before))
    return pl.DataFrame(rows, schema=BLANK_PAGES, orient="row")


class _Stretch(NamedTuple):
    kind: str
    page_url: str | None
    start: datetime
    end: datetime
    until_end: bool
    step: int


class _Watch:
    """Whether text can be read on a page, told change by change.

    It holds on to one readable text node: as long as that one stands, no other needs looking at.
    """

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.witness: Node | None = None

    def readable(self) -> bool:
        root = self.mirror.root
        if root is None:
            return False
        if self.witness is None or not is_readable(self.witness, root):
            self.witness = first_text(root)
        return self.witness is not None


@dataclass
class _Load:
    """One page load while it is watched."""

    starts_at: datetime
    page_url: str | None
    had_text: bool
    blank_from: datetime | None = None
    blank_step: int = 0

    def close(self, at: datetime, at_least: timedelta, never_shown: timedelta, *, ends: bool) -> Iterator[_Stretch]:
        """End the blank stretch that is open, if there is one, because text came or the page ended."""
        if not self.had_text:
            if at - self.starts_at >= never_shown:
                yield _Stretch("never_shown", self.page_url, self.starts_at, at, ends, 0)
        elif self.blank_from is not None and (ends or at - self.blank_from >= at_least):
            yield _Stretch("went_blank", self.page_url, self.blank_from, at, ends, self.blank_step)
        self.had_text, self.blank_from = True, None


def _blank_stretches(stream: Stream, at_least: timedelta, never_shown: timedelta) -> Iterator[_Stretch]:
    watch = _Watch(stream.mirror)
    load = _Load(stream.starts_at, stream.href, had_text=watch.readable()) if stream.mirror.root else None
    for number, step in enumerate(stream.play()):
        if not isinstance(step.change, Snapshot | Mutation):
            continue
        if step.new_load or load is None:
            if load is not None:
                yield from load.close(step.at, at_least, never_shown, ends=True)
            load = _Load(step.at, stream.href, had_text=False)
        if watch.readable():
            yield from load.close(step.at, at_least, never_shown, ends=False)
        elif load.had_text and load.blank_from is None:
            load.blank_from, load.blank_step = step.at, number
    if load is not None and (load.blank_from is not None or not load.had_text):
        yield from load.close(stream.ends_at, at_least, never_shown, ends=True)


def _text_before(stream: Stream, number: int) -> str | None:
    """Play a stream again up to the step before `number`, and read the page."""
    again = replace(stream, mirror=Mirror())
    for _ in islice(again.play(), number):
        pass
    return None if again.mirror.root is None else visible_text(again.mirror.root)
