"""The listings of maps as they are kept: read, changed in one step, never written over when broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from random import uniform
from time import sleep
from typing import Any

from connectors.exceptions import FetchError, SourceError, WrittenMeanwhile
from connectors.formats.source_maps import listed, read_entries, write_entries
from connectors.objects import Objects

Entry = dict[str, Any]
Edit = Callable[[list[Entry]], list[Entry]]
ATTEMPTS = 40


def edit(store: Objects, listing: str, change: Edit) -> None:
    """Change a listing in one step; when another was faster, change what that one wrote."""
    for attempt in range(ATTEMPTS):
        sleep(uniform(0, 0.01 * attempt))  # writers that met once do not meet again
        try:
            if store.exists(listing):
                raw, tag = store.read_tagged(listing)
                store.swap(listing, write_entries(change(_parsed(raw, listing))), tag)
            else:
                store.create(listing, write_entries(change([])))
        except WrittenMeanwhile:
            continue
        return
    raise FetchError(f"{listing} at {store.address} is being written by others all the time; try again later")


def entries_of(store: Objects, listing: str) -> list[Entry]:
    """Give the entries of a listing, none when there is no such listing.

    Raises
    ------
    SourceError
        It is no listing.
    """
    return _parsed(store.read(listing), listing) if store.exists(listing) else []


def _parsed(raw: bytes, listing: str) -> list[Entry]:
    try:
        entries = read_entries(raw)
    except ValueError as error:
        raise SourceError(f"{listing} is {error}; repair it or move it away, it is not written over") from error
    return [entry for entry in entries if listed(entry) is not None]


def location_of(listing: str, entry: Entry) -> str:
    """Give the name below the store of an entry's map."""
    told = listed(entry)
    return (PurePosixPath(listing).parent / (told.map if told else "")).as_posix()


def stamp_of(at: datetime | None) -> str:
    """Write a time, now when none is given, as listings have it."""
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
