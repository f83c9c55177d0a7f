"""Maps on their way from the build to the store: uploaded, checked before the deploy, removed after their time.

Each function is a command of the same name: `workbench upload-maps`, `check-maps`, `prune-maps`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import polars as pl

from connectors.exceptions import AddressError, SourceError, SourceMapError
from connectors.formats.source_maps import bare
from connectors.objects import Objects
from connectors.registry import open_store
from connectors.sourcemaps.builds import BuildFolder, Script
from connectors.sourcemaps.pruning import Pruned, age_of, prune
from connectors.sourcemaps.site import ask_site
from connectors.sourcemaps.uploads import Given, Put, put_maps
from connectors.sources import find_sources
from workbench.symbolicate.audit import of_our_bundles
from workbench.symbolicate.check import Built, Checked, Served, check_build
from workbench.symbolicate.decode import decode_map
from workbench.symbolicate.fit import fit
from workbench.symbolicate.leaks import (
    debug_id_of,
    find_leaks,
    inline_map,
    map_reference,
    without_reference,
    without_style_reference,
)
from workbench.symbolicate.matching import plain_debug_id

Path = str | os.PathLike[str]


class Uploaded(NamedTuple):
    """What an upload did: each map's fate, scripts that have no map, and what was done to the build, in sentences."""

    put: list[Put]
    without: list[str]
    changed: list[str]


def check_maps(
    build: Path,
    release: str,
    store: Any = None,
    *,
    dist: str | None = None,
    prefix: str = "~/",
    url: str | None = None,
    ignore: Sequence[str] = (),
    allow: Sequence[str] = (),
) -> Checked:
    """Check that a build may be deployed: every bundle has its own map in the store, and nothing gives it away.

    Parameters
    ----------
    build
        The folder that is deployed.
    release, dist
        What the SDK will report; the release as it stands in the upload.
    store
        Where the maps are: an address as `open_store` takes it, or a store. Without one only leaks are looked for.
    prefix
        Where the site serves the folder: `~/` (its root), `~/static/`, `https://cdn.example/shop/`.
    url
        A site that serves this build already: it is asked for every bundle, its headers and its map.
    ignore
        Patterns of scripts that need no map, by their path in the build.
    allow
        Verdicts that do not stop this deploy.

    Returns
    -------
    What `workbench.symbolicate.check.check_build` found.

    Raises
    ------
    SourceNotFound
        There is no build, or no store.
    """
    folder = BuildFolder(build, ignore)
    bundles = [Built(script.path, _url(prefix, script.path), script.code) for script in folder.scripts]
    served = None
    if url is not None:
        paths = [_url(prefix, script.path).removeprefix("~") for script in folder.scripts]
        sent = ask_site(url, paths)
        served = {script.path: Served(*one) for script, one in zip(folder.scripts, sent, strict=True)}
    opened = open_store(store) if isinstance(store, str | os.PathLike) else store
    if opened is not None and not hasattr(opened, "open_map"):
        raise SourceError(f"{store} holds no source maps: give a folder of maps, s3://bucket/prefix or a lake")
    return check_build(
        bundles, opened, release=release, dist=dist, maps_in_build=[*folder.maps, *folder.disguised_maps()],
        styles=folder.styles, pages=folder.pages, stale_copies=folder.stale_copies(), served=served, allow=allow,
    )  # fmt: skip


def served_bundles(frames: pl.DataFrame, site: str, *, first_party: Sequence[str] = ()) -> pl.DataFrame:
    """Ask a site for the bundles that stacks name, and how each leads to its map.

    Parameters
    ----------
    frames
        Symbolicated frames, with `release`.
    site
        Where they are served.
    first_party
        Hosts whose scripts are the team's own; without them those of which anything was mapped.

    Returns
    -------
    `release`, `url`, `ways` (in words, none when nothing is given away), `problem` (why it could not be had).
    """
    named = of_our_bundles(frames, first_party).select("release", "url", "path").unique().sort("release", "url")
    sent = ask_site(site, named["path"].to_list())
    ways = [
        [f"{leak.kind} ({leak.address})" for leak in find_leaks(one.code or "", one.headers)]
        + (["its address with .map answers"] if one.map_answers else [])
        for one in sent
    ]
    return named.select("release", "url").with_columns(
        pl.Series("ways", ways, dtype=pl.List(pl.String)),
        pl.Series("problem", [one.problem for one in sent], dtype=pl.String),
    )


def upload_maps(
    build: Path,
    release: str,
    store: Path,
    *,
    dist: str | None = None,
    prefix: str = "~/",
    ignore: Sequence[str] = (),
    replace: bool = False,
    inject: bool = False,
    strip: bool = False,
    now: datetime | None = None,
) -> Uploaded:
    """Put the maps of a build into a store, all or nothing; the same upload again changes nothing.

    Parameters
    ----------
    build, release, dist, prefix, ignore
        As for `check_maps`.
    store
        A folder of maps: a path (where `source.toml` names a place for source maps, that place) or s3://bucket/prefix.
    replace
        Take the place of other maps of this very release.
    inject
        Write a debug ID into bundles and maps that have none, before the upload.
    strip
        After the upload take the maps, and the comments that name them, out of the build.
    now
        When this is; the clock's time when not given.

    Raises
    ------
    SourceError
        The build has no map at all, or the release has other maps already; nothing was written.
    SourceMapError
        A map cannot be read or is not of its bundle; nothing was written.
    """
    target = _writable(store)
    folder = BuildFolder(build, ignore)
    given: list[Given] = []
    without: list[str] = []
    changed: list[str] = []
    for script in folder.scripts:
        reference = map_reference(script.code)
        raw = folder.map_beside(script.path, reference) or inline_map(script.code)
        if raw is None:
            without.append(script.path)
            continue
        _must_fit(script, raw)
        if inject and debug_id_of(script.code) is None:
            raw = _inject(folder, script, raw, changed)
        given.append(Given(_url(prefix, script.path), raw, debug_id_of(script.code)))
    if not given:
        raise SourceError(
            f"no script in {os.fspath(build)} has a map: let the bundler write hidden source maps as files"
        )
    put = put_maps(target, release, given, dist=dist or None, replace=replace, now=now)
    if strip:
        _strip(folder, changed)
    return Uploaded(put, without, changed)


def prune_maps(
    store: Path,
    older_than: str | timedelta = "90d",
    *,
    keep_last: int = 1,
    dry_run: bool = False,
    now: datetime | None = None,
) -> list[Pruned]:
    """Remove maps that were uploaded longer ago; their entries stay, so that frames say `expired`.

    Parameters
    ----------
    store
        A folder of maps, as for `upload_maps`.
    older_than
        An age: `90d`, `12h`, `2w`.
    keep_last
        The releases uploaded last stay whatever their age: they may still be deployed.
    dry_run
        Change nothing.
    now
        When this is; the clock's time when not given.

    Raises
    ------
    ParameterError
        The age cannot be read.
    PartlyPruned
        Listings are broken, which it names; all others were seen to.
    """
    at = now or datetime.now(UTC)
    age = older_than if isinstance(older_than, timedelta) else age_of(older_than)
    return prune(_writable(store), at - age, keep_last=keep_last, dry_run=dry_run, now=at)


def _url(prefix: str, path: str) -> str:
    base = prefix if prefix.endswith("/") else f"{prefix}/"
    return f"{base if base.startswith('~') or '://' in base else '~/' + base.lstrip('/')}{path}"


def _writable(store: Path) -> Objects:
    """Open a folder of maps for writing: where `workbench.toml` or the folder's own `source.toml` says, else itself."""
    address = os.fspath(store)
    if (described := find_sources().get(address)) is not None:
        places = described.parts.get("sourcemaps", ())
        if len(places) != 1:
            raise AddressError(f"the source {address!r} names {len(places)} places for source maps; give one address")
        address = places[0]
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", address)
    if scheme and scheme[1].lower() not in ("s3", "file"):
        raise AddressError(f"maps are uploaded to a folder or to s3://bucket/prefix, not to {scheme[1]}:")
    objects = Objects.open(address)
    if objects.exists("lake.json"):
        raise SourceError(f"{objects.address} is a lake: upload to a folder of maps, and sync that into the lake")
    if objects.exists("source.toml"):
        place = tomllib.loads(objects.read("source.toml").decode("utf-8", "replace")).get("sourcemaps")
        if isinstance(place, str) and place != ".":
            return objects.below(place)
    return objects


def _must_fit(script: Script, raw: bytes) -> None:
    try:
        decoded = decode_map(raw)
    except SourceMapError as error:
        raise SourceMapError(f"{script.path}: its map breaks a rule: {error}; nothing was uploaded") from error
    own, theirs = (plain_debug_id(one) for one in (debug_id_of(script.code), decoded.debug_id))
    problem = fit(script.code, decoded).problem
    if own and theirs and own != theirs:
        problem = f"the bundle has debug ID {debug_id_of(script.code)}, the map {decoded.debug_id}"
    if problem:
        raise SourceMapError(f"{script.path}: its map is of another build: {problem}; nothing was uploaded")


def _inject(folder: BuildFolder, script: Script, raw: bytes, changed: list[str]) -> bytes:
    """Write a debug ID, made from what the bundle and its map hold, into both."""
    digest = hashlib.sha256(script.code.encode() + raw).digest()
    known = decode_map(raw).debug_id
    debug_id = known or str(UUID(bytes=digest[:16], version=4))
    fields = msgspec.json.decode(bare(raw), type=dict[str, msgspec.Raw])
    said = msgspec.Raw(msgspec.json.encode(debug_id))
    content = msgspec.json.encode({**fields, "debugId": said, "debug_id": said})
    _rewrite(folder, script.path, f"{script.code.rstrip()}\n//# debugId={debug_id}\n", f"debug ID {debug_id}", changed)
    if f"{script.path}.map" in folder.maps:
        folder.rewrite(f"{script.path}.map", content)
    return content


def _strip(folder: BuildFolder, changed: list[str]) -> None:
    now = BuildFolder(folder.root)
    bare = {file.path: without_reference(file.code) for file in now.scripts}
    bare |= {file.path: without_style_reference(file.code) for file in now.styles}
    for path, code in ((file.path, file.code) for file in (*now.scripts, *now.styles)):
        if bare[path] != code:
            _rewrite(folder, path, bare[path], "took out the comment that names its map", changed)
    changed += [f"{name}: removed" for name in folder.remove_maps()]


def _rewrite(folder: BuildFolder, path: str, code: str, what: str, changed: list[str]) -> None:
    stale = folder.rewrite(path, code)
    changed.append(f"{path}: {what}" + (f"; compress it again, {', '.join(stale)} is older" if stale else ""))
