"""What of a source is in a lake already: `.sync/<source>.json` beside the lake's list.

A stretch of time is written down when all its rows are in the lake and its source had time enough to have seen
everything of it. What is not written down is read again: that brings nothing twice, since rows have keys.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from connectors.exceptions import FormatError, SourceNotFound
from connectors.objects import Objects
from connectors.sync_plan import Span, union

FOLDER = ".sync"


class State(msgspec.Struct, frozen=True):
    """The content of the file: the source, the lake's revision when it was written, what is settled of each feed."""

    source: str
    revision: int = 0
    feeds: dict[str, list[tuple[datetime, datetime]]] = {}

    def settled(self, feed: str) -> list[Span]:
        """Give the stretches of a feed that need not be read again."""
        return [Span(*one) for one in self.feeds.get(feed, [])]

    def with_settled(self, settled: Mapping[str, list[Span]], revision: int) -> State:
        """Add stretches to what is settled."""
        feeds = dict(self.feeds)
        for feed, spans in settled.items():
            feeds[feed] = [tuple(span) for span in union([*self.settled(feed), *spans])]
        return State(self.source, revision, {feed: spans for feed, spans in feeds.items() if spans})


def name_of(source: str) -> str:
    """Name the files of a source, without an ending.

    Examples
    --------
    >>> name_of("sentry+https://sentry.example.com/acme/shop")
    '.sync/sentry-9abf1e1316af'
    """
    system = re.match(r"[A-Za-z0-9]*", source)
    return f"{FOLDER}/{(system and system[0]) or 'folder'}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def read_state(objects: Objects, source: str, revision: int) -> State:
    """Read what is in the lake of a source; nothing, when the lake is an older one than the file speaks of.

    Raises
    ------
    FormatError
        The file cannot be read; without it everything is read again.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> write_state(objects, State("acme+https://h/shop", 7))
    >>> read_state(objects, "acme+https://h/shop", 7).revision, read_state(objects, "acme+https://h/shop", 3).revision
    (7, 0)
    """
    name = f"{name_of(source)}.json"
    try:
        raw = objects.read(name)
    except SourceNotFound:
        return State(source)
    try:
        state = msgspec.json.decode(raw, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError(
            f"{name} at {objects.address} cannot be read ({error}); delete it, and the source is read anew"
        ) from error
    return state if state.revision <= revision else State(source)


def write_state(objects: Objects, state: State) -> None:
    """Write down what is in the lake."""
    encoded = msgspec.json.format(msgspec.json.encode(state, order="deterministic"), indent=1) + b"\n"
    objects.write(f"{name_of(state.source)}.json", encoded)
