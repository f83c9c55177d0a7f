"""Frames of bundles to frames of the team's own source, each with a verdict.

Every distinct position is looked up once: distinct bundles are matched to artifacts, each artifact's map is decoded
once, its positions are searched together, and the answers are joined back to all frames.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.stores import SourceMapStore
from connectors.tables import ARTIFACTS, FRAMES, conform, require
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.distinct import encode, positions
from workbench.symbolicate.functions import split_lines
from workbench.symbolicate.maps import Maps
from workbench.symbolicate.matching import Bundle, Catalogue
from workbench.symbolicate.positions import look_up, number_matches

Rows = NDArray[np.integer]

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
    catalogue = Catalogue(conform(store.artifacts().frame.collect(), ARTIFACTS))
    bundles = encode(given, Bundle._fields)
    matches, group_of = number_matches([catalogue.match(Bundle(*row)) for row in bundles.values.iter_rows()])
    with_map = sum(match.artifact is not None for match in matches)
    places = positions(group_of[bundles.codes], given["line"], given["column"], mapped=with_map)
    reads = _throwing(given, places.rows)
    last_seen = given["at"].max() if "at" in given.columns else None
    answers = look_up(
        places.distinct,
        matches,
        Maps(store, cache),
        reads.select("position", "expected").unique(),
        last_seen if isinstance(last_seen, datetime) else None,
    )
    found = answers.positions.drop("name_token")[places.rows]
    tokens = answers.positions["name_token"]
    named = _with_names(given, found, lambda rows: tokens.gather(places.rows[rows]))
    return frames.with_columns(named).with_columns(_reads(reads, answers.reads, frames.height))


def _throwing(given: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Rows of throwing frames with their positions and what their messages say was read."""
    throwing = np.flatnonzero((given["frame_index"] == 0).fill_null(False).to_numpy())
    return pl.DataFrame({"row": throwing, "position": rows[throwing]}).with_columns(
        given["message_property"].cast(pl.String).gather(throwing).alias("expected")
    )


def _reads(throwing: pl.DataFrame, known: pl.DataFrame, height: int) -> pl.DataFrame:
    """Receiver and property for every row; null where nothing was read."""
    answered = throwing.join(known.with_row_index("read"), on=["position", "expected"], how="inner", nulls_equal=True)
    which = np.full(height, known.height, np.int64)
    which[answered["row"].to_numpy()] = answered["read"].to_numpy()
    texts = known.select("receiver", "property")
    return pl.concat([texts, texts.clear(1)])[which]


def _with_names(given: pl.DataFrame, found: pl.DataFrame, token_of: Callable[[Rows], pl.Series]) -> pl.DataFrame:
    """The answers for each frame, with a name also for functions that no source content named."""
    named, origin = found["source_function"], pl.repeat("tree-sitter", given.height, eager=True)
    if named.null_count():
        last = pl.col("function").cast(pl.String).str.replace(r"^.*[.\s]", "")
        distinct = given.select(pl.col("function").unique())
        short = distinct.filter(pl.col("function").is_null() | (last.str.len_chars() <= 2))["function"]
        mangled = given["function"].is_in(short.implode(), nulls_equal=True)
        unnamed = (found["source"].is_not_null() & named.is_null() & mangled).arg_true().to_numpy()
        tokens = _callers_tokens(given, token_of, unnamed)
        both = pl.DataFrame({"parsed": named, "own": given["function"].cast(pl.String), "token": tokens})
        named, origin = both.select(
            pl.coalesce("parsed", "token", "own").alias("named"),
            pl.when(pl.col("parsed").is_not_null()).then(pl.lit("tree-sitter"))
            .when(pl.col("token").is_not_null()).then(pl.lit("name"))
            .when(pl.col("own").is_not_null()).then(pl.lit("minified")).alias("origin"),
        )  # fmt: skip
    in_app = found["source_in_app"]
    return found.select("source", "source_line", "source_column").with_columns(
        named.alias("source_function"),
        origin.alias("function_from"),
        (in_app.fill_null(given["in_app"]) if in_app.null_count() else in_app).alias("in_app"),
        found["map_status"], found["map_detail"], found["map_location"],
    )  # fmt: skip


def _callers_tokens(given: pl.DataFrame, token_of: Callable[[Rows], pl.Series], rows: Rows) -> pl.Series:
    """For each frame of `rows` the name in its caller's mapping; null elsewhere.

    A call's mapping names what is called. The caller is the next row where stacks stand in order; where they don't, it
    is looked for.
    """
    out = pl.repeat(None, given.height, dtype=pl.String, eager=True)
    if not len(rows):
        return out
    keys = ["event_id", "exception_index", "frame_index"]
    stack = given.select(keys)
    here = stack[rows]
    if _in_order(stack["frame_index"].to_numpy()):
        following = np.minimum(rows + 1, given.height - 1)
        there = stack[following]
        beside = (here["event_id"] == there["event_id"]) & (here["exception_index"] == there["exception_index"])
        beside &= here["frame_index"] + 1 == there["frame_index"]
        found = pl.select(pl.when(beside).then(token_of(following))).to_series()
    else:
        tokens = token_of(np.arange(given.height))
        callers = stack.with_columns(pl.col("frame_index") - 1, tokens.alias("token")).unique(keys, keep="first")
        found = here.join(callers, on=keys, how="left", maintain_order="left")["token"]
    return out.scatter(rows, found)


def _in_order(index: NDArray[np.int64]) -> bool:
    """Whether every frame is the first of a stack or follows the one before it."""
    return bool(index[0] == 0 and ((index[1:] == 0) | (index[1:] == index[:-1] + 1)).all())


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
