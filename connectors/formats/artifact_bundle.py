"""Sentry's artifact bundles: a zip with `manifest.json`, which says what each file is and which map belongs to which.

The zip may have the eight bytes of a source bundle before it (`SYSB` and a version). A minified source names its map by
the header `sourcemap`, relative to its own address; both carry the header `debug-id`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

import msgspec

from connectors.formats.source_maps import UUID
from connectors.formats.values import BAD_JSON, as_text

MANIFEST = "manifest.json"
# the first file of the zip: its name stands behind 30 bytes of header, which follow the source bundle's own eight
OPENS = re.compile(rb"^(SYSB.{4})?PK\x03\x04.{26}(manifest\.json|files/)", re.DOTALL)
HERE = "http://0/"  # stands for `~/` while addresses are resolved


class Packed(NamedTuple):
    """One map of a bundle: its path in the zip, the address of the script it is for, its debug id."""

    path: str
    url: str | None
    debug_id: str | None


class Manifest(NamedTuple):
    """What a bundle says of itself; `unused` counts its files that are neither a script nor a map."""

    release: str | None
    dist: str | None
    maps: tuple[Packed, ...]
    unused: int


def is_artifact_bundle(head: bytes) -> bool:
    r"""Say whether a file begins as an artifact bundle does.

    Examples
    --------
    >>> is_artifact_bundle(b"PK\x03\x04" + bytes(26) + b"files/_/_/shop.js"), is_artifact_bundle(b"PK\x03\x04word/")
    (True, False)
    """
    return OPENS.match(head) is not None


def read_manifest(raw: bytes) -> Manifest:
    """Read `manifest.json`.

    A map is listed under the address of the script that names it; where none does, of the script with its debug id;
    else under its own address without `.map`.

    Raises
    ------
    ValueError
        It is not the manifest of an artifact bundle.

    Examples
    --------
    >>> manifest = read_manifest(b'''{"release": "1f2e3d4", "files": {
    ...   "files/_/_/a.js": {"type": "minified_source", "url": "~/a.js", "headers": {"Sourcemap": "maps/a.map"}},
    ...   "files/_/_/maps/a.map": {"type": "source_map", "url": "~/maps/a.map"}}}''')
    >>> manifest.release, manifest.maps
    ('1f2e3d4', (Packed(path='files/_/_/maps/a.map', url='~/a.js', debug_id=None),))
    """
    try:
        said = msgspec.json.decode(raw, type=dict[str, Any])
    except BAD_JSON as error:
        raise ValueError(f"its {MANIFEST} cannot be read ({error})") from error
    files = said.get("files")
    if not isinstance(files, dict):
        raise ValueError(f"its {MANIFEST} lists no files")
    known = {path: _File.of(about) for path, about in files.items() if isinstance(about, dict)}
    scripts = [file for file in known.values() if file.kind in ("minified_source", "indexed_ram_bundle")]
    by_map = {_resolved(file.url, file.source_map): file.url for file in scripts if file.url and file.source_map}
    by_id = {file.debug_id: file.url for file in scripts if file.debug_id and file.url}
    maps = []
    for path, file in known.items():
        if file.kind == "source_map":
            own = re.sub(r"\.map$", "", file.url) if file.url else None
            url = by_map.get(_resolved(file.url, "")) or (by_id.get(file.debug_id) if file.debug_id else None) or own
            maps.append(Packed(path, url, file.debug_id))
    return Manifest(
        as_text(said.get("release")), as_text(said.get("dist")), tuple(maps), len(files) - len(scripts) - len(maps)
    )


class _File(NamedTuple):
    kind: str | None
    url: str | None
    debug_id: str | None
    source_map: str | None

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> _File:
        told = about.get("headers")
        headers = {str(name).lower(): value for name, value in told.items()} if isinstance(told, dict) else {}
        debug_id = (as_text(headers.get("debug-id")) or "").lower()
        source_map = as_text(headers.get("sourcemap")) or as_text(headers.get("x-sourcemap"))
        return cls(
            as_text(about.get("type")),
            as_text(about.get("url")),
            debug_id if UUID.fullmatch(debug_id) else None,
            None if source_map is None or source_map.startswith("data:") else source_map,
        )


def _resolved(url: str | None, reference: str | None) -> str | None:
    """Resolve a map's address against its script's; `~/` is the root of any host."""
    if url is None or reference is None:
        return None
    try:
        return urljoin(re.sub(r"^~/", HERE, url), re.sub(r"^~/", HERE, reference))
    except ValueError:  # brackets that are no IPv6 address
        return None
