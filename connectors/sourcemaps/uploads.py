"""Put the maps of a release into a folder of maps.

A reader never sees half a release: an upload first announces its maps in the listing, then writes them, then lists
them in one step.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from connectors.exceptions import SourceError, WrittenMeanwhile
from connectors.formats.source_maps import LISTING, MAP, debug_id_of
from connectors.map_listings import Entry, edit, entries_of, location_of, stamp_of
from connectors.objects import Objects

DESCRIPTION = "source.toml"


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
    stamp = stamp_of(now)
    folder = _folder(release, dist)
    listing = f"{folder}/{LISTING}"
    there = entries_of(store, listing)
    plan = [_plan(one, there, folder, release, dist, replace) for one in maps]
    fresh = [(put, given) for put, given in zip(plan, maps, strict=True) if put.outcome != "same"]
    if not fresh:
        return plan
    if not store.names():  # whoever lists thousands of maps need not look into each of them to see what it is
        with suppress(WrittenMeanwhile):
            store.create(DESCRIPTION, b'sourcemaps = "."\n')
    new = [_entry(put, given, folder, release, dist, stamp) for put, given in fresh]
    announced = [{**entry, "announced_at": stamp} for entry in new]
    edit(store, listing, lambda entries: [*_without(entries, announced, finished=False), *announced])
    for put, given in fresh:
        store.write(put.map_location, given.raw)
    edit(store, listing, lambda entries: [*_without(entries, new), *new])
    kept = {location_of(listing, entry) for entry in entries_of(store, listing)}
    superseded = {location_of(listing, entry) for entry in there} - kept
    store.delete(*(name for name in superseded if MAP.search(name)))
    return plan


def _plan(given: Given, there: list[Entry], folder: str, release: str, dist: str | None, replace: bool) -> Put:
    """Say where one map goes, and what that does to what is there."""
    digest = hashlib.sha256(given.raw).hexdigest()
    name = f"{folder}/{_path(given.url)}.map"
    taken = {location_of(f"{folder}/{LISTING}", entry) for entry in there if not entry.get("announced_at")}
    outcome = "new"
    for entry in there:
        if entry.get("url") != given.url or (entry.get("dist") or None) != dist or entry.get("announced_at"):
            continue
        if entry.get("expired_at"):
            return Put(given.url, name, len(given.raw), "restored")
        if entry.get("sha256") == digest:
            return Put(given.url, location_of(f"{folder}/{LISTING}", entry), len(given.raw), "same")
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


def _folder(release: str, dist: str | None) -> str:
    """Name a release's folder: what a path cannot hold, or hides, is percent-encoded."""
    parts = [release] if dist is None else [release, f"dist={dist}"]
    return "/".join(re.sub(r"^\.", "%2E", quote(part, safe="@+=,()")) for part in parts)


def _path(url: str) -> str:
    """Give the path of a bundle below its release's folder, by its address without host and query."""
    bare = re.sub(r"^(~|[a-z][a-z0-9+.-]*:)?/*", "", url.split("#")[0].split("?")[0])
    return "/".join(part for part in bare.split("/") if part.strip("."))
