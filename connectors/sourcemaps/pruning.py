"""Take maps out of a folder of maps when their time is over.

The listing says that a map has expired, then the map is removed; its entry stays, so that a frame on it can say why it
is not mapped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from connectors.exceptions import FetchError, ParameterError, SourceError
from connectors.formats.source_maps import LISTING, MAP, debug_id_of, listed, place_of
from connectors.map_listings import Entry, edit, entries_of, location_of, stamp_of
from connectors.objects import Objects

AGE = re.compile(r"(\d+)\s*([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Pruned(NamedTuple):
    """A map that was removed, or would be."""

    release: str | None
    url: str | None
    map_location: str
    uploaded_at: datetime
    bytes: int


class PartlyPruned(SourceError):
    """Some listings could not be read or written, `problems` says why; all others were seen to.

    Attributes
    ----------
    pruned
        What was removed, or would be.
    """

    def __init__(self, pruned: list[Pruned], problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.pruned = pruned
        self.problems = tuple(problems)


def age_of(text: str) -> timedelta:
    """Read an age.

    Raises
    ------
    ParameterError
        It is none.

    Examples
    --------
    >>> age_of("2w").days
    14
    """
    told = AGE.fullmatch(text.strip().lower())
    if told is None:
        raise ParameterError(f"older-than is {text!r}, which is not an age; give 90d, 12h or 2w")
    return timedelta(**{UNITS[told[2]]: int(told[1])})


def prune(
    store: Objects, before: datetime, *, keep_last: int = 1, dry_run: bool = False, now: datetime | None = None
) -> list[Pruned]:
    """Remove maps uploaded before a time; they stay listed as expired, with what they are recognised by.

    A map without a listing is as old as its file, and gets a listing. The releases uploaded last are kept whatever
    their age: they may still be deployed.

    Parameters
    ----------
    keep_last
        How many releases, by the time of their last upload, are not touched.
    dry_run
        Say what would go; change nothing.

    Raises
    ------
    PartlyPruned
        A listing is broken: nothing beside it was touched, everything else was.
    """
    infos = {one.name: one for one in store.names()}
    listings, problems = _listings(store, infos)

    def age(listing: str, entry: Entry) -> datetime | None:
        told, name = listed(entry), location_of(listing, entry)
        if told is None or told.expired_us is not None or name not in infos:
            return None
        return infos[name].modified if told.uploaded_us is None else datetime.fromtimestamp(told.uploaded_us / 1e6, UTC)

    last: dict[str | None, datetime] = {}
    for listing, entries in listings.items():
        for entry in entries:
            at = age(listing, entry)
            if at is not None:
                last[entry.get("release")] = max(at, last.get(entry.get("release"), at))
    spared = sorted(last, key=lambda release: last[release], reverse=True)[:keep_last]
    gone: list[Pruned] = []
    for listing, entries in sorted(listings.items()):
        old: list[Pruned] = []
        for entry in entries:
            at, name = age(listing, entry), location_of(listing, entry)
            if at is not None and at < before and entry.get("release") not in spared:
                old.append(Pruned(entry.get("release"), entry.get("url"), name, at, infos[name].bytes))
        names = [one.map_location for one in old]
        left_behind = [name for entry in entries if entry.get("expired_at")
                       if (name := location_of(listing, entry)) in infos]  # fmt: skip
        if (old or left_behind) and not dry_run:
            try:
                _expire(store, listing, entries, names, stamp_of(now))
                store.delete(*(name for name in [*names, *left_behind] if MAP.search(name)))
            except (SourceError, FetchError) as error:
                problems.append(str(error))
                continue
        gone += old
    if problems:
        raise PartlyPruned(gone, problems)
    return gone


def _listings(store: Objects, infos: Mapping[str, Any]) -> tuple[dict[str, list[Entry]], list[str]]:
    """The entries of each listing, those of maps that none names among them, and what is wrong with other listings."""
    listings: dict[str, list[Entry]] = {}
    problems, unread = [], []
    for name in sorted(infos):
        if PurePosixPath(name).name == LISTING:
            try:
                listings[name] = entries_of(store, name)
            except (SourceError, FetchError) as error:
                problems.append(str(error))
                unread.append(name.removesuffix(LISTING))
    named = {location_of(name, entry) for name, entries in listings.items() for entry in entries}
    for name in sorted(infos.keys() - named):
        if MAP.search(name) and not name.startswith(tuple(unread)):
            place = place_of(name)
            listings.setdefault(f"{place.folder}/{LISTING}".lstrip("/"), []).append(_adopted(store, infos[name], place))
    return listings, problems


def _expire(store: Objects, listing: str, known: list[Entry], old: Sequence[str], stamp: str) -> None:
    def change(entries: list[Entry]) -> list[Entry]:
        there = {location_of(listing, entry) for entry in entries}
        adopted = [entry for entry in known if location_of(listing, entry) not in there]
        return [
            {"expired_at": stamp, **entry} if location_of(listing, entry) in old else entry
            for entry in [*entries, *adopted]
        ]

    edit(store, listing, change)


def _adopted(store: Objects, info: Any, place: Any) -> Entry:
    """Make the entry of a map that no listing names."""
    raw = store.read(info.name)
    inside = info.name.removeprefix(f"{place.folder}/") if place.folder else info.name
    return {
        "release": place.release, "dist": None, "url": place.url, "debug_id": debug_id_of(raw)[0], "map": inside,
        "uploaded_at": stamp_of(info.modified), "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw),
    }  # fmt: skip
