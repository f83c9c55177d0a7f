"""What a listing of source maps needs to know of each map, without decoding its mappings.

Also the listing that an upload leaves behind: `artifacts.json`, a list of objects, one an artifact.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from connectors.formats.values import BAD_JSON, as_int, as_micros, as_text

XSSI_PREFIX = re.compile(rb"^\xef\xbb\xbf|^\)\]\}'[^\n]*\n")
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


_map = msgspec.json.Decoder(_Map)
_listing = msgspec.json.Decoder(list[dict[str, Any]])


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
        known = _map.decode(XSSI_PREFIX.sub(b"", raw, count=1))
    except BAD_JSON as error:
        return None, f"the map is not JSON ({error})"
    debug_id = (as_text(known.debugId) or as_text(known.debug_id) or "").lower()
    return (debug_id if UUID.fullmatch(debug_id) else None), None


def read_listing(raw: bytes) -> tuple[list[Listed], list[tuple[int, str]]]:
    """Read `artifacts.json`: the artifacts, and (number, reason) of the entries that cannot be read.

    Raises
    ------
    ValueError
        It is not a JSON list of objects at all.

    Examples
    --------
    >>> listed, broken = read_listing(b'[{"release":"a1b2","url":"~/assets/shop.js","map":"assets/shop.js.map"},{}]')
    >>> listed[0].url, broken
    ('~/assets/shop.js', [(2, 'it names no map')])
    """
    try:
        entries = _listing.decode(raw)
    except BAD_JSON as error:
        raise ValueError(f"not a list of artifacts ({error})") from error
    listed, broken = [], []
    for number, entry in enumerate(entries, 1):
        location = as_text(entry.get("map")) or as_text(entry.get("map_location"))
        if location is None:
            broken.append((number, "it names no map"))
            continue
        debug_id = as_text(entry.get("debug_id")) or as_text(entry.get("debugId"))
        listed.append(
            Listed(
                location,
                as_text(entry.get("release")),
                as_text(entry.get("dist")),
                as_text(entry.get("url")),
                debug_id.lower() if debug_id else None,
                as_micros(entry.get("uploaded_at"), "guess"),
                as_text(entry.get("sha256")),
                as_int(entry.get("bytes")),
            )
        )
    return listed, broken
