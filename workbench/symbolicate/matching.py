"""Which source map belongs to a bundle that a stack names: by debug ID, else by release, dist and address.

Where none does, the reason is found: another debug ID, another dist, the release under another name, the bundle under
another address, or nothing uploaded at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import polars as pl

from workbench.rules.loader import load

_PORTS = {"http": ":80", "https": ":443"}
SURE_STATUSES = ("mapped", "release_mismatch")


class Bundle(NamedTuple):
    """What a frame says about the bundle it stands in."""

    release: str | None
    dist: str | None
    url: str | None
    debug_id: str | None


class Artifact(NamedTuple):
    """One row of the canonical `artifacts`, as far as matching needs it."""

    release: str | None
    dist: str | None
    url: str | None
    debug_id: str | None
    map_location: str
    uploaded_at: Any
    sha256: str | None


class Match(NamedTuple):
    """The artifact for a bundle with the status its frames get, or why there is none."""

    status: str
    detail: str | None
    artifact: Artifact | None = None


class Address(NamedTuple):
    """Where a script was served: host (None when unknown) and path."""

    host: str | None
    path: str

    def __str__(self) -> str:
        return f"{self.host or '~'}{self.path}"


def address_of(url: str) -> Address:
    """Take an address apart, without query and fragment; `~/`, bare and rooted paths have no host.

    Escapes are undone, as a build has `[slug]` in a file's name where browsers say `%5Bslug%5D`; so are doubled
    slashes and the port that a scheme has anyway.

    Examples
    --------
    >>> address_of("https://Shop.example:8443/assets/app.js?v=3")
    Address(host='shop.example:8443', path='/assets/app.js')
    >>> address_of("~/assets/app.js") == address_of("assets/app.js") == address_of("app:///assets/app.js")
    True
    >>> address_of("https://shop.example:443//app/%5Bslug%5D.js")
    Address(host='shop.example', path='/app/[slug].js')
    """
    url = url.strip().split("#")[0].split("?")[0]
    if "://" in url or url.startswith("//"):
        try:
            parts = urlsplit(url)
        except ValueError:  # brackets that are no IPv6 address
            return Address(None, url)
        web = parts.scheme in ("http", "https", "")
        host = parts.netloc.rpartition("@")[2].lower().removesuffix(_PORTS.get(parts.scheme, ":"))
        return Address(host or None if web else None, _plain_path(parts.path or "/"))
    path = url.removeprefix("~")
    while path.startswith("./"):
        path = path[2:]
    return Address(None, _plain_path(path if path.startswith("/") else f"/{path}"))


def _plain_path(path: str) -> str:
    return re.sub("/{2,}", "/", unquote(path))


def plain_debug_id(debug_id: str | None) -> str | None:
    """A debug ID without case and dashes, which tools write differently; None for an empty one."""
    return (debug_id or "").replace("-", "").strip().lower() or None


def same_release(one: str, other: str) -> str | None:
    """Say why two release names mean the same release, None when they don't seem to.

    Examples
    --------
    >>> same_release("shop@1f2e3d4c5b6a", "1f2e3d4c5b6a79880123456789abcdef01234567")
    'the same commit in another format'
    >>> same_release("shop@1.4.2", "v1.4.2")
    'the same version in another format'
    >>> same_release("1f2e3d4", "4d3e2f1") is None
    True
    """
    commits, others = _commits(one), _commits(other)
    if any(a.startswith(b) or b.startswith(a) for a in commits for b in others):
        return "the same commit in another format"
    version = re.compile(load("symbolicate", "releases").data["version"])
    left, right = version.match(one), version.match(other)
    if left and right and left[1] == right[1]:
        return "the same version in another format"
    return None


def release_format(release: str) -> str:
    """Name the format of a release name.

    Examples
    --------
    >>> release_format("1f2e3d4c5b6a79880123456789abcdef01234567"), release_format("shop@1f2e3d4c5b6a")
    ('a commit of 40 digits', 'package@ a commit of 12 digits')
    >>> release_format("v1.4.2"), release_format("night-shift")
    ('a version', 'a name')
    """
    package, at, rest = release.rpartition("@")
    before = "package@ " if at and package else ""
    commits = _commits(rest)
    if commits and len(commits[0]) == len(rest):
        return f"{before}a commit of {len(rest)} digits"
    return before + ("a version" if re.match(load("symbolicate", "releases").data["version"], rest) else "a name")


def not_javascript(url: str | None) -> str | None:
    """Say why no source map can belong to an address, None when one may."""
    return _first_reason("not_javascript", url or "")


class Catalogue:
    """All artifacts of a store, ready to be asked for many bundles."""

    def __init__(self, artifacts: pl.DataFrame) -> None:
        self.artifacts = [Artifact(*row) for row in artifacts.select(Artifact._fields).iter_rows()]
        self.by_debug_id: dict[str, Artifact] = {}
        self.by_release: dict[str | None, dict[str, list[Artifact]]] = {}
        self.by_path: dict[str, list[Artifact]] = defaultdict(list)
        for artifact in sorted(self.artifacts, key=_age, reverse=True):
            debug_id = plain_debug_id(artifact.debug_id)
            if debug_id:
                self.by_debug_id.setdefault(debug_id, artifact)
            if artifact.url:
                path = address_of(artifact.url).path
                self.by_release.setdefault(artifact.release, {}).setdefault(path, []).append(artifact)
                self.by_path[path].append(artifact)
        self.releases = sorted(release for release in self.by_release if release)
        self._probable: dict[str, tuple[str, str] | None] = {}

    def match(self, bundle: Bundle) -> Match:
        """Find the artifact of one bundle.

        A debug ID decides alone, as it is made from the build's content. Without one the artifact must have the
        release, the address (an artifact without a host serves every host) and the dist (an artifact without one
        serves every dist). A release that is stored under another name for the same commit or version, or that has a
        file whose name carries a hash of its content, still gives its map, with the status `release_mismatch`.
        """
        debug_id = plain_debug_id(bundle.debug_id)
        if debug_id and debug_id in self.by_debug_id:
            return Match("mapped", None, self.by_debug_id[debug_id])
        reason = not_javascript(bundle.url)
        if reason or bundle.url is None:
            return Match("not_javascript", reason)
        address = address_of(bundle.url)
        here = self._stored(bundle.release, address)
        if here:
            return _with_dist(here, bundle, address, debug_id)
        return self._elsewhere(bundle, address, debug_id)

    def _stored(self, release: str | None, address: Address) -> list[Artifact]:
        return _served(self.by_release.get(release, {}).get(address.path, []), address)

    def probable_release(self, release: str) -> tuple[str, str] | None:
        """The stored release that `release` probably is, and why; None when none or several fit."""
        if release not in self._probable:
            fits = [
                (other, why) for other in self.releases if other != release and (why := same_release(release, other))
            ]
            self._probable[release] = fits[0] if len(fits) == 1 else None
        return self._probable[release]

    def _elsewhere(self, bundle: Bundle, address: Address, debug_id: str | None) -> Match:
        known = self.probable_release(bundle.release) if bundle.release else None
        there = self._stored(known[0], address) if known else []
        said = f"no map under release {bundle.release!r}" if bundle.release else "the event names no release"
        if known:
            said = f"{said}; {known[0]!r} is {known[1]}"
        elif _carries_hash(address.path):
            there = _served(self.by_path.get(address.path, []), address)
            if there:
                said = f"{said}; {there[0].release!r} has a file of this name, which carries a hash of its content"
        if there:
            found = _with_dist(there, bundle, address, debug_id)
            return found if found.status != "mapped" else Match("release_mismatch", said, found.artifact)
        page = _first_reason("page", bundle.url or "")
        if page:
            return Match("not_javascript", page)
        if known:
            return Match("no_artifact", f"{said}, and has no map for {address} either")
        return Match("no_artifact", self._why_none(bundle, address, debug_id))

    def _why_none(self, bundle: Bundle, address: Address, debug_id: str | None) -> str:
        if not self.artifacts:
            return "the store has no source maps at all"
        unknown = f"; no map has the debug ID {bundle.debug_id}" if debug_id else ""
        if bundle.release is None:
            return f"the event names no release{unknown}"
        paths = self.by_release.get(bundle.release)
        if not paths:
            return f"no map was uploaded for release {bundle.release!r}{unknown}; {_count(self.releases)} have maps"
        name = address.path.rpartition("/")[2]
        moved = sorted(path for path in paths if path.rpartition("/")[2] == name)
        if moved:
            there = address_of(paths[moved[0]][0].url or "")
            return (
                f"release {bundle.release!r} has {name} as {there}, not as {address}: the upload's URL prefix is wrong"
            )
        n = len(paths)
        return f"release {bundle.release!r} has {n} map{'s' * (n != 1)}, none for {address}{unknown}"


def _with_dist(found: list[Artifact], bundle: Bundle, address: Address, debug_id: str | None) -> Match:
    fits = [artifact for artifact in found if not artifact.dist or artifact.dist == bundle.dist]
    fits.sort(key=lambda artifact: not artifact.dist and bool(bundle.dist))
    if not fits:
        there = ", ".join(sorted({repr(artifact.dist) for artifact in found}))
        mine = f"dist {bundle.dist!r}" if bundle.dist else "no dist"
        return Match("dist_mismatch", f"the event has {mine}; the map for {address} was uploaded for dist {there}")
    chosen = fits[0]
    stored = plain_debug_id(chosen.debug_id)
    if debug_id and stored and stored != debug_id:
        return Match("debug_id_mismatch", f"the bundle has debug ID {bundle.debug_id}, the map {chosen.debug_id}")
    return Match("mapped", None, chosen)


def _served(artifacts: Iterable[Artifact], address: Address) -> list[Artifact]:
    """Artifacts of one path that this host may have served; those that name the host come first."""
    hosts = [(address_of(artifact.url or "").host, artifact) for artifact in artifacts]
    named = [artifact for host, artifact in hosts if host == address.host]
    return named + [artifact for host, artifact in hosts if host is None and host != address.host]


def _carries_hash(path: str) -> bool:
    return any(re.search(pattern, path) for pattern in load("symbolicate", "releases").data["content_hash"])


def _commits(release: str) -> list[str]:
    return re.findall(load("symbolicate", "releases").data["commit"], release.lower())


@cache
def _first_reason(kind: str, url: str) -> str | None:
    for pattern, reason in _patterns(kind):
        if pattern.search(url):
            return reason
    return None


@cache
def _patterns(kind: str) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(rule["url"]), rule["reason"]) for rule in load("symbolicate", "addresses").data[kind]]


def _age(artifact: Artifact) -> tuple[bool, Any, str]:
    known = artifact.uploaded_at is not None
    return known, artifact.uploaded_at.timestamp() if known else 0, artifact.map_location


def _count(releases: list[str]) -> str:
    return f"{len(releases)} other release{'s' * (len(releases) != 1)}"
