"""Put the maps of a release into a folder of maps, and take them out again when their time is over.

A reader never sees half a release: an upload first announces its maps in the listing, then writes them, then lists
them in one step. Pruning goes the other way: the listing says that a map has expired, then the map is removed; its
entry stays, so that a frame on it can say why it is not mapped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from random import uniform
from time import sleep
from typing import Any, NamedTuple
from urllib.parse import quote

from connectors.exceptions import FetchError, SourceError, WrittenMeanwhile
from connectors.formats.source_maps import LISTING, MAP, debug_id_of, listed, place_of, read_entries, write_entries
from connectors.objects import Objects

DESCRIPTION = "source.toml"
Entry = dict[str, Any]
Edit = Callable[[list[Entry]], list[Entry]]
ATTEMPTS = 40


class Given(NamedTuple):
    """A map to be uploaded: the bundle's address (`~/assets/shop.js`), the map as it is, the bundle's debug ID."""

    url: str
    raw: bytes
    debug_id: str | None = None


class Put(NamedTuple):
    """What became of one map: `new`, `same` (it was there), `replaced` (another was), `restored` (it had expired)."""

    url: str
    map_location: str
    bytes: int
    outcome: str


class Pruned(NamedTuple):
    """A map that was removed, or would be."""

    release: str | None
    url: str | None
    map_location: str
    uploaded_at: datetime
    bytes: int


def put_maps(
    store: Objects,
    release: str,
    maps: Sequence[Given],
    *,
    dist: str | None = None,
    replace: bool = False,
    now: datetime | None = None,
) -> list[Put]:
    """Upload the maps of a release. Uploading the same again changes nothing.

    Parameters
    ----------
    store
        The folder of maps, on disk or on S3; maps lie in `<release>/`, with their listing beside them.
    release, dist
        What the maps are tagged with.
    replace
        Put other content in the place of a map that the release already has; without it that is an error.
    now
        When this is; the clock's time when not given.

    Raises
    ------
    SourceError
        The release has another map for one of these bundles; nothing was written.
    FetchError
        Others keep writing to the same listing.

    Examples
    --------
    >>> import tempfile
    >>> store = Objects.open(tempfile.mkdtemp())
    >>> shop = Given("~/assets/shop.js", b'{"version":3,"sources":[],"mappings":""}')
    >>> [put_maps(store, "1f2e3d4", [shop])[0].outcome for _ in range(2)]
    ['new', 'same']
    >>> put_maps(store, "1f2e3d4", [shop._replace(raw=shop.raw + b" ")])
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceError: release '1f2e3d4' has another map for ~/assets/shop.js, uploaded ...: give the build a release of its own, or say --replace
    """  # noqa: E501
    stamp = _stamp(now)
    folder = _folder(release, dist)
    listing = f"{folder}/{LISTING}"
    there = _entries(store, listing)
    plan = [_plan(one, there, folder, release, dist, replace) for one in maps]
    fresh = [(put, given) for put, given in zip(plan, maps, strict=True) if put.outcome != "same"]
    if not fresh:
        return plan
    if not store.names():  # whoever lists thousands of maps need not look into each of them to see what it is
        with suppress(WrittenMeanwhile):
            store.create(DESCRIPTION, b'sourcemaps = "."\n')
    new = [_entry(put, given, folder, release, dist, stamp) for put, given in fresh]
    announced = [{**entry, "announced_at": stamp} for entry in new]
    _edit(store, listing, lambda entries: [*_without(entries, announced, finished=False), *announced])
    for put, given in fresh:
        store.write(put.map_location, given.raw)
    _edit(store, listing, lambda entries: [*_without(entries, new), *new])
    kept = {_location(listing, entry) for entry in _entries(store, listing)}
    superseded = {_location(listing, entry) for entry in there} - kept
    store.delete(*(name for name in superseded if MAP.search(name)))
    return plan


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
    """
    infos = {one.name: one for one in store.names()}
    listings = {name: _entries(store, name) for name in infos if PurePosixPath(name).name == LISTING}
    named = {_location(name, entry) for name, entries in listings.items() for entry in entries}
    for name in sorted(infos.keys() - named):
        if MAP.search(name):
            place = place_of(name)
            listings.setdefault(f"{place.folder}/{LISTING}".lstrip("/"), []).append(_adopted(store, infos[name], place))

    def age(listing: str, entry: Entry) -> datetime | None:
        told, name = listed(entry), _location(listing, entry)
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
        old = []
        for entry in entries:
            at, name = age(listing, entry), _location(listing, entry)
            if at is not None and at < before and entry.get("release") not in spared:
                old.append(name)
                gone.append(Pruned(entry.get("release"), entry.get("url"), name, at, infos[name].bytes))
        left_behind = [name for entry in entries if entry.get("expired_at")
                       if (name := _location(listing, entry)) in infos]  # fmt: skip
        if (old or left_behind) and not dry_run:
            _expire(store, listing, entries, old, _stamp(now))
            store.delete(*(name for name in [*old, *left_behind] if MAP.search(name)))
    return gone


def _plan(given: Given, there: list[Entry], folder: str, release: str, dist: str | None, replace: bool) -> Put:
    """Say where one map goes, and what that does to what is there."""
    digest = hashlib.sha256(given.raw).hexdigest()
    name = f"{folder}/{_path(given.url)}.map"
    taken = {_location(f"{folder}/{LISTING}", entry) for entry in there if not entry.get("announced_at")}
    outcome = "new"
    for entry in there:
        if entry.get("url") != given.url or (entry.get("dist") or None) != dist or entry.get("announced_at"):
            continue
        if entry.get("expired_at"):
            return Put(given.url, name, len(given.raw), "restored")
        if entry.get("sha256") == digest:
            return Put(given.url, _location(f"{folder}/{LISTING}", entry), len(given.raw), "same")
        if not replace:
            raise SourceError(
                f"release {release!r} has another map for {given.url}, uploaded {entry.get('uploaded_at')}: give the "
                "build a release of its own, or say --replace"
            )
        outcome = "replaced"
    if name in taken:  # a reader may be reading it
        name = f"{folder}/{_path(given.url)}.{digest[:8]}.map"
    return Put(given.url, name, len(given.raw), outcome)


def _entry(put: Put, given: Given, folder: str, release: str, dist: str | None, stamp: str) -> Entry:
    return {
        "release": release,
        "dist": dist,
        "url": given.url,
        "debug_id": given.debug_id or debug_id_of(given.raw)[0],
        "map": put.map_location.removeprefix(f"{folder}/"),
        "uploaded_at": stamp,
        "sha256": hashlib.sha256(given.raw).hexdigest(),
        "bytes": len(given.raw),
    }


def _without(entries: Iterable[Entry], new: Sequence[Entry], *, finished: bool = True) -> list[Entry]:
    """Drop the entries that `new` ones take the place of; before the upload is finished only earlier announcements."""
    keys = {(entry["url"], entry["dist"]) for entry in new}
    return [
        entry
        for entry in entries
        if (entry.get("url"), entry.get("dist") or None) not in keys or not (finished or entry.get("announced_at"))
    ]


def _expire(store: Objects, listing: str, known: list[Entry], old: Sequence[str], stamp: str) -> None:
    def edit(entries: list[Entry]) -> list[Entry]:
        there = {_location(listing, entry) for entry in entries}
        adopted = [entry for entry in known if _location(listing, entry) not in there]
        return [
            {"expired_at": stamp, **entry} if _location(listing, entry) in old else entry
            for entry in [*entries, *adopted]
        ]

    _edit(store, listing, edit)


def _adopted(store: Objects, info: Any, place: Any) -> Entry:
    """Make the entry of a map that no listing names."""
    raw = store.read(info.name)
    inside = info.name.removeprefix(f"{place.folder}/") if place.folder else info.name
    return {
        "release": place.release, "dist": None, "url": place.url, "debug_id": debug_id_of(raw)[0], "map": inside,
        "uploaded_at": _stamp(info.modified), "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw),
    }  # fmt: skip


def _edit(store: Objects, listing: str, change: Edit) -> None:
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


def _entries(store: Objects, listing: str) -> list[Entry]:
    return _parsed(store.read(listing), listing) if store.exists(listing) else []


def _parsed(raw: bytes, listing: str) -> list[Entry]:
    try:
        entries = read_entries(raw)
    except ValueError as error:
        raise SourceError(f"{listing} is {error}; repair it or move it away, it is not written over") from error
    return [entry for entry in entries if listed(entry) is not None]


def _location(listing: str, entry: Entry) -> str:
    told = listed(entry)
    return (PurePosixPath(listing).parent / (told.map if told else "")).as_posix()


def _folder(release: str, dist: str | None) -> str:
    """Name a release's folder: what a path cannot hold, or hides, is percent-encoded."""
    parts = [release] if dist is None else [release, f"dist={dist}"]
    return "/".join(re.sub(r"^\.", "%2E", quote(part, safe="@+=,()")) for part in parts)


def _path(url: str) -> str:
    """Give the path of a bundle below its release's folder, by its address without host and query."""
    bare = re.sub(r"^(~|[a-z][a-z0-9+.-]*:)?/*", "", url.split("#")[0].split("?")[0])
    return "/".join(part for part in bare.split("/") if part.strip("."))


def _stamp(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
