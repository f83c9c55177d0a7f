"""Every step of one frame's look-up, in words: for the person who asks why a frame is not mapped, or maps oddly."""

from __future__ import annotations

import warnings
from typing import Any

import polars as pl
import sourcemap

from connectors.exceptions import FetchError, SourceError, SourceMapError
from connectors.stores import SourceMapStore
from connectors.tables import ARTIFACTS, conform
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.frames import symbolicate
from workbench.symbolicate.maps import Maps
from workbench.symbolicate.matching import Bundle, Catalogue, address_of, not_javascript, plain_debug_id

STEP = {"step": pl.String(), "said": pl.String(), "fine": pl.Boolean()}
Step = tuple[str, str, bool | None]


def explain_frame(frame: pl.DataFrame, store: SourceMapStore, *, cache: MapCache | None = None) -> pl.DataFrame:
    """Tell how one frame was looked up, step by step.

    Parameters
    ----------
    frame
        One row, as `symbolicate` takes it (with `release` and `dist` of its event).
    store, cache
        As for `symbolicate`.

    Returns
    -------
    `step` (address, debug ID, release, map, mapping, second reader, function, verdict), `said`, and `fine`: whether the
    step helped; null where there was nothing to judge. Steps after one that ended the search are left out.

    Raises
    ------
    ValueError
        Not exactly one row was given.
    """
    if frame.height != 1:
        raise ValueError(f"explain_frame takes one frame, not {frame.height}; pass frames.slice(n, 1)")
    verdict = symbolicate(frame, store, cache=cache).row(0, named=True)
    catalogue = Catalogue(conform(store.artifacts().frame.collect(), ARTIFACTS))
    bundle = Bundle(*(verdict.get(name) for name in Bundle._fields))
    steps = [_address(bundle), _debug_id(bundle, catalogue), _release(bundle, catalogue)]
    match = catalogue.match(bundle)
    if match.artifact is not None:
        steps += _map(match.artifact.map_location, match.artifact.sha256, verdict, store, cache)
    if verdict["source_function"]:
        steps.append(("function", f"{verdict['source_function']} ({verdict['function_from']})", None))
    detail = f": {verdict['map_detail']}" if verdict["map_detail"] else ""
    mapped = verdict["source"] is not None
    steps.append(("verdict", f"{verdict['map_status']}{detail}", mapped))
    return pl.DataFrame(steps, schema=STEP, orient="row")


def _address(bundle: Bundle) -> Step:
    reason = not_javascript(bundle.url)
    if reason or bundle.url is None:
        return "address", f"{bundle.url or 'none'}: {reason}", False
    return "address", f"{bundle.url} is {address_of(bundle.url)}", True


def _debug_id(bundle: Bundle, catalogue: Catalogue) -> Step:
    debug_id = plain_debug_id(bundle.debug_id)
    if debug_id is None:
        return "debug ID", "the frame carries none", None
    artifact = catalogue.by_debug_id.get(debug_id)
    if artifact is None:
        return "debug ID", f"no map has {bundle.debug_id}", False
    return "debug ID", f"{bundle.debug_id} is that of {artifact.map_location}", True


def _release(bundle: Bundle, catalogue: Catalogue) -> Step:
    if bundle.release is None:
        return "release", "the event names none", False
    dist = f", dist {bundle.dist}" if bundle.dist else ""
    paths = catalogue.by_release.get(bundle.release, {})
    if paths:
        there = address_of(bundle.url or "").path in paths
        n = f"{len(paths)} map{'s' * (len(paths) != 1)}"
        return "release", f"{bundle.release}{dist} has {n}, {'one' if there else 'none'} for this address", there
    probable = catalogue.probable_release(bundle.release)
    if probable is None:
        return "release", f"{bundle.release}{dist} has no maps", False
    return "release", f"{bundle.release}{dist} has no maps; {probable[0]} has, {probable[1]}", False


def _map(
    location: str, sha256: str | None, verdict: dict[str, Any], store: SourceMapStore, cache: MapCache | None
) -> list[Step]:
    try:
        decoded = Maps(store, cache).read(location, sha256)
    except SourceMapError as error:
        return [("map", f"{location} breaks a rule: {error}", False)]
    except (SourceError, FetchError) as error:
        return [("map", f"{location} could not be opened: {error}", False)]
    said = f"{location}: {len(decoded.sources):,} sources, {decoded.columns.key.size:,} mappings"
    return [("map", said, True), *_mapping(location, decoded, verdict, store)]


def _mapping(location: str, decoded: SourceMap, verdict: dict[str, Any], store: SourceMapStore) -> list[Step]:
    line, column = (verdict["line"] or 0) - 1, (verdict["column"] or 0) - 1
    at = int(decoded.find([line], [column])[0])
    if at < 0 or decoded.columns.source[at] < 0:
        what = "no mapping at or before it on its line" if at < 0 else "its mapping leads to no source"
        return [("mapping", f"{line + 1}:{column + 1}: {what}", False)]
    behind = column - int(decoded.columns.key[at] & 0xFFFFFFFF)
    place = f"{verdict['source']}:{verdict['source_line']}:{verdict['source_column']}"
    how = "exactly on a mapping" if behind == 0 else f"{behind} behind the mapping at column {column + 1 - behind}"
    first: Step = ("mapping", f"{line + 1}:{column + 1} lies {how}, which is {place}", True)
    second = _second_reader(location, store, line, column)
    if second is None:
        return [first]
    agrees = second == (verdict["source_line"] - 1, verdict["source_column"] - 1)
    said = (
        "agrees"
        if agrees
        else f"says line {second[0] + 1}, column {second[1] + 1} (of equal mappings it takes the last)"
    )
    return [first, ("second reader", f"the package sourcemap {said}", agrees)]


def _second_reader(location: str, store: SourceMapStore, line: int, column: int) -> tuple[int, int] | None:
    """What the package `sourcemap` finds; None for maps that it cannot read (index maps, null sources, a prefix)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            token = sourcemap.loads(store.open_map(location).decode("utf-8")).lookup(line, column)
    except (
        SourceError,
        FetchError,
        sourcemap.SourceMapDecodeError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):
        return None
    return (token.src_line, token.src_col) if token.src is not None else None
