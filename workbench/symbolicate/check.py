"""May this build be deployed? Every bundle has its map in the store, the map is its own, and nothing gives it away.

The rules of `workbench check-maps`, over what has been read of the build, the store and the site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from connectors.exceptions import FetchError, SourceError, SourceMapError, SourceNotFound
from connectors.stores import Refused, SourceMapStore
from connectors.tables import ARTIFACTS, conform
from workbench.symbolicate.decode import SourceMap, decode_map
from workbench.symbolicate.fit import fit
from workbench.symbolicate.hollow import is_hollow
from workbench.symbolicate.leaks import Leak, debug_id_of, find_leaks, find_leaks_beside
from workbench.symbolicate.matching import Artifact, Bundle, Catalogue, plain_debug_id, release_format, same_release

FINDING = {"severity": pl.String(), "verdict": pl.String(), "bundle": pl.String(), "detail": pl.String(),
           "way_out": pl.String()}  # fmt: skip
WAYS_OUT = {
    "no_bundles": "Give the folder that is deployed, after the build.",
    "no_maps": "Upload them before the deploy: workbench upload-maps BUILD_DIR --release {release} --store ADDRESS.",
    "missing_map": "Upload the map of this bundle with the others, or leave the bundle out with --ignore.",
    "release_mismatch": "Upload under the very name that the SDK reports: --release {release}.",
    "name_changed": "Name releases as before, in SDK and upload; where the change is meant, --allow name_changed once.",
    "dist_mismatch": "Give the upload and the SDK the same dist, or none.",
    "debug_id_mismatch": "Upload the maps that were made with these bundles, and inject debug IDs before the upload.",
    "expired": "Upload the maps of this release again.",
    "unreadable_map": "Upload the map again; what the store has is not what was uploaded.",
    "invalid_map": "Build the map again with a current bundler and upload it.",
    "other_build": "Upload the map that was made with this bundle, and let nothing change bundles after the build.",
    "no_source_content": "Let the bundler write sourcesContent: without it there is file and line, but no source text.",
    "store_unread": "Look at the store; what it could not give was not checked.",
    "comment": "Leave the comment out of what is deployed (hidden source maps), or workbench upload-maps --strip.",
    "inline": "Let the bundler write maps as files (hidden source maps): an inline map gives the source to everybody.",
    "map_in_build": "Upload maps, then remove them from what is deployed: workbench upload-maps --strip.",
    "stale_copy": "Compress again after workbench upload-maps, or remove the copy: servers send it instead.",
    "header": "Take the SourceMap header out of the server's answers.",
    "map_answers": "Remove the map from the server: anybody can read the source there.",
    "not_served": "Check after the deploy, with the site's address and the prefix under which it serves the bundles.",
    "other_bundle": "Let nothing change bundles after the build (a CDN's minifier, a proxy), or map what is served.",
}
REMARKS = frozenset({"no_source_content"})


class Built(NamedTuple):
    """A bundle of the build: its path below the build folder, the address it gets, its text."""

    path: str
    url: str
    code: str


@dataclass(frozen=True)
class Served:
    """A bundle as the site serves it: text (None: not served, with the `problem`), headers, whether its map answers."""

    code: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    map_answers: bool = False
    problem: str | None = None


class Finding(NamedTuple):
    """One finding on a bundle (None: on the build as a whole)."""

    verdict: str
    bundle: str | None
    detail: str


class Checked(NamedTuple):
    """What was found, and how many positions were tried on how many bundles."""

    findings: pl.DataFrame
    bundles: int
    positions: int

    @property
    def passed(self) -> bool:
        """Whether the build may be deployed."""
        return not (self.findings["severity"] == "bad").any()


def check_build(
    bundles: Sequence[Built],
    store: SourceMapStore | None,
    *,
    release: str,
    dist: str | None = None,
    maps_in_build: Sequence[str] = (),
    styles: Sequence[tuple[str, str]] = (),
    pages: Sequence[tuple[str, str]] = (),
    stale_copies: Sequence[tuple[str, str]] = (),
    served: Mapping[str, Served] | None = None,
    allow: Sequence[str] = (),
) -> Checked:
    """Check a build against the store that holds its maps and, where it was asked, the site that serves it.

    Parameters
    ----------
    bundles
        Every script that is to be deployed.
    store
        Where the maps were uploaded; None checks only what the build gives away.
    release, dist
        What the SDK will report.
    maps_in_build
        Paths of maps that lie in the folder to be deployed.
    styles, pages
        Paths and texts of style sheets and HTML files to be deployed.
    stale_copies
        Paths of files to be deployed, each with a compressed copy that is another text.
    served
        By bundle path, how the site serves it.
    allow
        Verdicts that are known and no reason to stop.

    Returns
    -------
    `findings`: `severity` (`bad`, `allowed`, `remark`), `verdict` (a key of `WAYS_OUT`), `bundle` (null for the whole
    build), `detail`, `way_out`; and the numbers of bundles and of positions that were tried.

    Examples
    --------
    >>> leaky = Built("app.js", "~/app.js", "total();\\n//# sourceMappingURL=app.js.map")
    >>> check_build([leaky], None, release="1f2e3d4").findings.select("severity", "verdict", "bundle").rows()
    [('bad', 'comment', 'app.js')]
    """
    found: list[Finding] = []
    positions = 0
    if not bundles:
        found.append(Finding("no_bundles", None, "there is no script in the build folder"))
    if store is not None and bundles:
        look = _Store(store, release, dist)
        found += look.whole(bundles)
        for bundle in bundles if look.known else ():
            more, tried = look.one(bundle)
            found += more
            positions += tried
    if maps_in_build:
        named = ", ".join(sorted(maps_in_build)[:4]) + (" and others" if len(maps_in_build) > 4 else "")
        found.append(Finding("map_in_build", None, f"{_count(len(maps_in_build), 'map')} would be deployed: {named}"))
    found += [Finding("stale_copy", path, f"{copy} is not the compressed {path}") for path, copy in stale_copies]
    for texts, style in ((styles, True), (pages, False)):
        found += [_led(path, leak) for path, text in texts for leak in find_leaks_beside(text, style=style)]
    for bundle in bundles:
        found += [_led(bundle.path, leak) for leak in find_leaks(bundle.code)]
        if served is not None and bundle.path in served:
            found += _as_served(bundle, served[bundle.path])
    rows = [
        ("allowed" if verdict in allow else "remark" if verdict in REMARKS else "bad", verdict, path, detail,
         WAYS_OUT[verdict].format(release=release))
        for verdict, path, detail in found
    ]  # fmt: skip
    return Checked(pl.DataFrame(rows, schema=FINDING, orient="row"), len(bundles), positions)


class _Store:
    """The store, as far as one release goes."""

    def __init__(self, store: SourceMapStore, release: str, dist: str | None) -> None:
        fetched = store.artifacts()
        self.store, self.release, self.dist = store, release, dist
        self.report = fetched.report
        self.catalogue = Catalogue(conform(fetched.frame.collect(), ARTIFACTS))

    @property
    def known(self) -> bool:
        """Whether the release has any map."""
        return bool(self.catalogue.by_release.get(self.release))

    def whole(self, bundles: Sequence[Built]) -> Iterator[Finding]:
        """What concerns the release as a whole."""
        if self.report.failed:
            yield Finding("store_unread", None, self.report.failed)
        if not self.known:
            yield self._nothing(bundles)
        before = self._before()
        if before is not None and release_format(before) != release_format(self.release):
            was, now = release_format(before), release_format(self.release)
            said = f"{self.release!r} is {now}; the release before it, {before!r}, is {was}"
            yield Finding("name_changed", None, said)

    def one(self, bundle: Built) -> tuple[list[Finding], int]:
        """What concerns one bundle, and how many positions of its map were tried."""
        match = self.catalogue.match(Bundle(self.release, self.dist, bundle.url, None))
        artifact = match.artifact
        if match.status != "mapped" or artifact is None:
            if match.status not in ("no_artifact", "not_javascript"):
                return [Finding(match.status, bundle.path, match.detail or "")], 0
            if is_hollow(bundle.code):  # bundlers write no map for it
                return [], 0
            return [Finding("missing_map", bundle.path, f"{match.detail}{self._moved(bundle)}")], 0
        try:
            raw = self.store.open_map(artifact.map_location)
            decoded = decode_map(raw)
        except SourceNotFound as error:
            return [Finding("expired", bundle.path, str(error))], 0
        except SourceMapError as error:
            return [Finding("invalid_map", bundle.path, f"{artifact.map_location}: {error}")], 0
        except (SourceError, FetchError) as error:
            return [Finding("unreadable_map", bundle.path, str(error))], 0
        tried = fit(bundle.code, decoded)
        found = [*self._damage(bundle, artifact, raw), *_ids(bundle, artifact, decoded)]
        if tried.problem:
            found.append(Finding("other_build", bundle.path, f"{artifact.map_location}: {tried.problem}"))
        if decoded.sources and not any(decoded.contents.has(i) for i in range(len(decoded.sources))):
            found.append(Finding("no_source_content", bundle.path, f"{artifact.map_location} carries no source text"))
        return found, tried.tried

    def _moved(self, bundle: Built) -> str:
        """Where the map of a bundle is listed that was renamed after the upload, as its debug ID tells."""
        artifact = self.catalogue.by_debug_id.get(plain_debug_id(debug_id_of(bundle.code)) or "")
        if artifact is None:
            return ""
        return (
            f"; its debug ID is that of {artifact.url} of release {artifact.release!r}: name bundles before the upload"
        )

    def _nothing(self, bundles: Sequence[Built]) -> Finding:
        other = self.catalogue.probable_release(self.release)
        if other is not None:
            said = f"the maps are tagged {other[0]!r}, not {self.release!r}: {other[1]}"
            return Finding("release_mismatch", None, said)
        others = _count(len(self.catalogue.releases), "other release")
        named = ", ".join(bundle.path for bundle in bundles[:4]) + (" and others" if len(bundles) > 4 else "")
        waiting = [one for one in self.report.refused if self.release in one.place]
        why = f" ({waiting[0].place}: {waiting[0].reason})" if waiting else ""
        said = f"the store has maps of {others} and none of {self.release}{why}, for {named}"
        return Finding("no_maps", None, said)

    def _before(self) -> str | None:
        """The other release that was uploaded last; another name for this very commit is none before it."""
        uploaded = [
            (artifact.uploaded_at.timestamp(), artifact.release)
            for artifact in self.catalogue.artifacts
            if artifact.release not in (None, self.release)
            and artifact.uploaded_at is not None
            and not same_release(artifact.release, self.release)
        ]
        return max(uploaded)[1] if uploaded else None

    def _damage(self, bundle: Built, artifact: Artifact, raw: bytes) -> Iterator[Finding]:
        refused: list[Refused] = [one for one in self.report.refused if one.place == artifact.map_location]
        if refused:
            yield Finding("unreadable_map", bundle.path, f"{artifact.map_location}: {refused[0].reason}")
        elif artifact.sha256 and artifact.sha256 != hashlib.sha256(raw).hexdigest():
            said = f"{artifact.map_location} is not what was uploaded: its SHA-256 is another than its listing's"
            yield Finding("unreadable_map", bundle.path, said)


def _ids(bundle: Built, artifact: Artifact, decoded: SourceMap) -> Iterator[Finding]:
    """Debug IDs agree: the bundle's with the map's and the store's, or none has one."""
    own = debug_id_of(bundle.code)
    stated = {"bundle": own, "map": decoded.debug_id, "store": artifact.debug_id}
    known = {plain_debug_id(one) for one in stated.values()} - {None}
    if len(known) > 1 or (known and own is None) or (own and not (decoded.debug_id or artifact.debug_id)):
        said = ", ".join(f"{who} {debug_id or 'none'}" for who, debug_id in stated.items())
        yield Finding("debug_id_mismatch", bundle.path, said)


def _led(path: str, leak: Leak) -> Finding:
    inside = leak.kind == "inline"
    return Finding(leak.kind, path, "the map stands in it" if inside else f"a comment in it names {leak.address}")


def _as_served(bundle: Built, served: Served) -> Iterator[Finding]:
    if served.code is None:
        yield Finding("not_served", bundle.path, served.problem or "the site does not serve it")
    elif served.code.strip() != bundle.code.strip():
        said = f"the site serves {len(served.code):,} characters where the build has {len(bundle.code):,}"
        yield Finding("other_bundle", bundle.path, f"{said}, or others")
    for leak in find_leaks("", served.headers):
        yield Finding("header", bundle.path, f"the answer's header names {leak.address}")
    if served.map_answers:
        yield Finding("map_answers", bundle.path, f"{bundle.url}.map answers with the source map")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
