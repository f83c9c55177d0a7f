"""What a listing of source maps needs to know of each map, without decoding its mappings.

Also the listing that an upload leaves behind: `artifacts.json`, a list of objects, one an artifact. An entry with
`announced_at` is of an upload that has not finished, one with `expired_at` of a map that was removed after its time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.formats.values import BAD_JSON, as_int, as_micros, as_text

LISTING = "artifacts.json"
MAP = re.compile(r"\.map(\.gz|\.zst|\.zstd)?$")
HOLDERS = frozenset({"releases", "sourcemaps", "source-maps", "source_maps", "maps", "artifacts"})
RELEASE_LIKE = re.compile(r"[0-9a-f]{7,40}|v?\d+\.\d+(\.\d+)?([.+-].+)?|.+@.+")
MARK = b"\xef\xbb\xbf"
GUARD = b")]}"  # with an apostrophe and the rest of its line, as servers put it before JSON against inclusion
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class _Map(msgspec.Struct):
    version: Any = None
    file: Any = None
    debugId: Any = None
    debug_id: Any = None


class Listed(NamedTuple):
    """One artifact as its uploader listed it; `map` is the map's path beside the listing."""

    map: str
    release: str | None
    dist: str | None
    url: str | None
    debug_id: str | None
    uploaded_us: int | None
    sha256: str | None
    bytes: int | None
    announced_us: int | None = None
    expired_us: int | None = None


class _Parts(msgspec.Struct):
    version: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    mappings: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    sections: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_map = msgspec.json.Decoder(_Map)
_parts = msgspec.json.Decoder(_Parts)
_listing = msgspec.json.Decoder(list[dict[str, Any]])


def bare(raw: bytes) -> bytes:
    r"""Give a map's JSON without byte-order mark and guard, which takes its line unless the JSON begins on it.

    Examples
    --------
    >>> bare(b"\xef\xbb\xbf)]}',for(;;);\n{}"), bare(b")]}'{}"), bare(b"{}")
    (b'{}', b'{}', b'{}')
    """
    raw = raw.removeprefix(MARK)
    if raw.startswith(GUARD):
        rest = raw[len(GUARD) :].removeprefix(b"'")
        raw = rest if rest[:64].lstrip().startswith(b"{") else rest.partition(b"\n")[2]
    return raw.removeprefix(MARK)


def is_map(raw: bytes) -> bool:
    """Say whether bytes are a source map.

    Examples
    --------
    >>> is_map(b'{"version":3,"sources":[],"mappings":""}'), is_map(b'{"version":3}'), is_map(b"<!doctype html>")
    (True, False, False)
    """
    try:
        said = _parts.decode(bare(raw))
    except BAD_JSON:
        return False
    return said.version is not msgspec.UNSET and not (said.mappings is said.sections is msgspec.UNSET)


def debug_id_of(raw: bytes) -> tuple[str | None, str | None]:
    """Give a map's debug id (null when it has none), and the reason why the map cannot be read (null when it can).

    Examples
    --------
    >>> debug_id_of(b'{"version":3,"debugId":"85314830-023F-4CF1-A267-535F4E37BB17","mappings":""}')
    ('85314830-023f-4cf1-a267-535f4e37bb17', None)
    >>> debug_id_of(b'{"version":3,"mapp')
    (None, 'the map is not JSON (Input data was truncated)')
    """
    try:
        known = _map.decode(bare(raw))
    except BAD_JSON as error:
        return None, f"the map is not JSON ({error})"
    debug_id = (as_text(known.debugId) or as_text(known.debug_id) or "").lower()
    return (debug_id if UUID.fullmatch(debug_id) else None), None


def read_entries(raw: bytes) -> list[dict[str, Any]]:
    """Read `artifacts.json` as it is written.

    Raises
    ------
    ValueError
        It is not a JSON list of objects at all.

    Examples
    --------
    >>> read_entries(b'[{"map":"assets/shop.js.map"}]')
    [{'map': 'assets/shop.js.map'}]
    """
    try:
        return _listing.decode(raw)
    except BAD_JSON as error:
        raise ValueError(f"not a list of artifacts ({error})") from error


def write_entries(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Write `artifacts.json`, one field a line as people and diffs want it; fields that are not ours stay.

    Examples
    --------
    >>> read_entries(write_entries([{"map": "a.js.map", "team": "cart"}]))
    [{'map': 'a.js.map', 'team': 'cart'}]
    """
    return msgspec.json.format(msgspec.json.encode(list(entries)), indent=1) + b"\n"


def listed(entry: Mapping[str, Any]) -> Listed | None:
    """Read one entry of a listing, None when it names no map.

    Examples
    --------
    >>> listed({"map": "a.js.map", "debugId": "85314830-023F-4CF1-A267-535F4E37BB17"}).debug_id
    '85314830-023f-4cf1-a267-535f4e37bb17'
    """
    location = as_text(entry.get("map")) or as_text(entry.get("map_location"))
    if location is None:
        return None
    debug_id = as_text(entry.get("debug_id")) or as_text(entry.get("debugId"))
    return Listed(
        location,
        as_text(entry.get("release")),
        as_text(entry.get("dist")),
        as_text(entry.get("url")),
        debug_id.lower() if debug_id else None,
        as_micros(entry.get("uploaded_at"), "guess"),
        as_text(entry.get("sha256")),
        as_int(entry.get("bytes")),
        as_micros(entry.get("announced_at"), "guess"),
        as_micros(entry.get("expired_at"), "guess"),
    )


def read_listing(raw: bytes) -> tuple[list[Listed], list[tuple[int, str]]]:
    """Read `artifacts.json`: the artifacts, and (number, reason) of the entries that cannot be read.

    Raises
    ------
    ValueError
        It is not a JSON list of objects at all.

    Examples
    --------
    >>> entries, broken = read_listing(b'[{"release":"a1b2","url":"~/assets/shop.js","map":"assets/shop.js.map"},{}]')
    >>> entries[0].url, broken
    ('~/assets/shop.js', [(2, 'it names no map')])
    """
    entries = [listed(entry) for entry in read_entries(raw)]
    broken = [(number, "it names no map") for number, entry in enumerate(entries, 1) if entry is None]
    return [entry for entry in entries if entry is not None], broken


class Place(NamedTuple):
    """What a map's name tells: the release's folder (\"\" for none), the release, the address of its bundle."""

    folder: str
    release: str | None
    url: str


def place_of(name: str) -> Place:
    """Tell the release by a map's folders: the one below `releases` or its like, else the first that looks like one.

    Examples
    --------
    >>> place_of("releases/1.4.0/assets/shop.js.map")
    Place(folder='releases/1.4.0', release='1.4.0', url='~/assets/shop.js')
    >>> place_of("shop.js.map.gz")
    Place(folder='', release=None, url='~/shop.js')
    """
    *folders, last = [part for part in name.split("/") if part]
    bundle = MAP.sub("", last)
    at = next((n + 1 for n, folder in enumerate(folders[:-1]) if folder.lower() in HOLDERS), None)
    if at is None:
        at = next((n for n, folder in enumerate(folders) if RELEASE_LIKE.fullmatch(folder)), 0)
    if at >= len(folders):
        return Place("/".join(folders), None, "~/" + "/".join([*folders, bundle]))
    return Place("/".join(folders[: at + 1]), folders[at], "~/" + "/".join([*folders[at + 1 :], bundle]))
