"""Frames of bundles to frames of the team's own source, each with a verdict.

Every distinct position is looked up once: distinct bundles are matched to artifacts, each artifact's map is decoded
once, its positions are searched together, and the answers are joined back to all frames.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from connectors.stores import SourceMapStore
from connectors.tables import ARTIFACTS, FRAMES, conform, require
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.distinct import encode, positions
from workbench.symbolicate.functions import split_lines
from workbench.symbolicate.maps import Maps
from workbench.symbolicate.matching import Bundle, Catalogue
from workbench.symbolicate.numbering import Rows
from workbench.symbolicate.positions import Answers, look_up, number_matches
from workbench.symbolicate.verdicts import distinct_reads, throwing_reads, verdicts

STATUSES = (
    "mapped", "no_artifact", "release_mismatch", "dist_mismatch", "debug_id_mismatch", "expired", "invalid_map",
    "outside_map", "no_source_content", "not_javascript",
)  # fmt: skip


def symbolicate(frames: pl.DataFrame, store: SourceMapStore, *, cache: MapCache | None = None) -> pl.DataFrame:
    """Map frames to original positions with the source maps of a store.

    Nothing is lost: every frame comes back, in the order given, with a status and, where that is not `mapped`, the
    reason. A broken map costs only its own frames.

    Parameters
    ----------
    frames
        Canonical `frames`; `line` and `column` 1-based. Used where present: `release` and `dist` of the event, `at`
        (its time, for the verdict `expired`), and `message_property`, the property that the event's message names.
    store
        Where the source maps are.
    cache
        Keeps decoded maps between runs; without one each run decodes what it needs.

    Returns
    -------
    `frames` with these columns added, or replaced:

    - `source`, `source_line`, `source_column`: original position, 1-based, null where there is none;
    - `source_function`: the enclosing function; `function_from` says how it was found: `tree-sitter` (in the source
      that the map carries), `name` (the name in the caller's mapping) or `minified` (as the browser said it);
    - `in_app`: decided from the source path where there is one;
    - `map_status`: one of `STATUSES`; `map_detail`: the reason; `map_location`: the map that was used;
    - `receiver`, `property`: for a property read at a throwing position, what was read from what
      (`discount`, `amount`); null where that is not certain.

    With `release_mismatch` the position is mapped when the release is certainly the same under another name; a
    non-null `source` tells.

    Raises
    ------
    TableError
        A required column is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from connectors.stores import Fetched, FetchReport
    >>> raw = b'''{"version": 3, "sources": ["src/total.ts"], "mappings": "AAAA,SACE",
    ... "sourcesContent": ["function total(cart) {\\\\n  return cart.sum;\\\\n}"]}'''
    >>> artifact = pl.DataFrame({"release": "1f2e3d4", "url": "~/app.js", "map_location": "app.js.map"})
    >>> report = FetchReport("memory", "artifacts", "all", rows=1)
    >>> store = SimpleNamespace(
    ...     artifacts=lambda release=None: Fetched(conform(artifact.lazy(), ARTIFACTS), report),
    ...     open_map=lambda map_location: raw,
    ... )
    >>> frames = pl.DataFrame({"event_id": "e", "exception_index": 0, "frame_index": [0, 1], "release": "1f2e3d4",
    ...     "url": ["https://shop.example/app.js", "[native code]"], "line": [1, None], "column": [12, None]})
    >>> symbolicate(frames, store).select("source", "source_line", "source_function", "map_status").rows()
    [('src/total.ts', 2, 'total', 'mapped'), (None, None, None, 'not_javascript')]
    """
    require(frames, FRAMES, ["event_id", "exception_index", "frame_index", "url", "line", "column"])
    absent = [name for name in (*Bundle._fields, "function", "message_property") if name not in frames.columns]
    given = frames.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    if "in_app" not in frames.columns:
        given = given.with_columns(pl.lit(None, dtype=pl.Boolean).alias("in_app"))
    rows, answers, throwing = answer_positions(given, store, cache=cache)
    return frames.with_columns(verdicts(given, rows, answers, throwing))


class Answered(NamedTuple):
    """`rows`: for each frame the row of its position in `answers.positions`; `throwing`: as `throwing_reads` says."""

    rows: Rows
    answers: Answers
    throwing: pl.DataFrame


def answer_positions(given: pl.DataFrame, store: SourceMapStore, *, cache: MapCache | None = None) -> Answered:
    """Find the distinct positions of frames and answer those: what `symbolicate` does before it writes rows.

    Parameters
    ----------
    given
        As for `symbolicate`, with all of `release`, `dist`, `debug_id` and `message_property` there.
    """
    catalogue = Catalogue(conform(store.artifacts().frame.collect(), ARTIFACTS))
    bundles = encode(given, Bundle._fields)
    matches, group_of = number_matches([catalogue.match(Bundle(*row)) for row in bundles.values.iter_rows()])
    with_map = sum(match.artifact is not None for match in matches)
    places = positions(bundles.codes, group_of, given["line"], given["column"], mapped=with_map)
    throwing = throwing_reads(given, places.rows)
    last_seen = given["at"].max() if "at" in given.columns else None
    answers = look_up(
        places.distinct,
        matches,
        Maps(store, cache),
        distinct_reads(throwing),
        last_seen if isinstance(last_seen, datetime) else None,
    )
    return Answered(places.rows, answers, throwing)


def source_lines(
    store: SourceMapStore, map_location: str, source: str, line: int, context: int = 4, *, cache: MapCache | None = None
) -> pl.DataFrame:
    """Lines of an original source around a position, from the source map that carries it.

    Parameters
    ----------
    store, map_location, source, line
        As `symbolicate` gave them; `line` is 1-based.
    context
        How many lines before and after.

    Returns
    -------
    `line` (1-based), `text`, `is_hit`; no rows when the map carries no content for the source.

    Raises
    ------
    SourceMapError
        The map is broken.
    """
    content = Maps(store, cache).read(map_location).content_of(source)
    texts = split_lines(content) if content is not None else []
    first, last = max(1, line - context), min(len(texts), line + context)
    numbers = range(first, last + 1) if 1 <= line <= len(texts) else range(0)
    return pl.DataFrame(
        {"line": numbers, "text": [texts[n - 1] for n in numbers], "is_hit": [n == line for n in numbers]},
        schema={"line": pl.Int64, "text": pl.String, "is_hit": pl.Boolean},
    )
