"""Distinct positions of bundles to original positions: the part of symbolication that looks things up."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from workbench.rules.loader import load
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.maps import Maps, Unreadable
from workbench.symbolicate.matching import Artifact, Bundle, Catalogue

ANSWER = {
    "source": pl.String(),
    "source_line": pl.Int64(),
    "source_column": pl.Int64(),
    "source_function": pl.String(),
    "source_in_app": pl.Boolean(),
    "name_token": pl.String(),
    "map_status": pl.String(),
    "map_detail": pl.String(),
    "map_location": pl.String(),
    "receiver": pl.String(),
    "property": pl.String(),
}


def look_up(
    distinct: pl.DataFrame, catalogue: Catalogue, maps: Maps, last_seen: datetime | None = None
) -> pl.DataFrame:
    """Answer every distinct position.

    Parameters
    ----------
    distinct
        `position` (0, 1, ...), the four fields of a `Bundle`, `line` and `column` (1-based), `throwing`, `expected`.
    catalogue, maps
        The store's artifacts, and its maps.
    last_seen
        Time of the newest event, to tell a map that ran out from one that was taken away.

    Returns
    -------
    The columns of `ANSWER`, one row a position, in order of `position`.
    """
    fields = list(Bundle._fields)
    bundles = distinct.select(fields).unique().with_row_index("bundle")
    matches = [catalogue.match(Bundle(*row)) for row in bundles.select(fields).iter_rows()]
    artifacts = {match.artifact.map_location: match.artifact for match in matches if match.artifact}
    numbers = {location: number for number, location in enumerate(artifacts)}
    matched = bundles.with_columns(
        pl.Series("map", [numbers[m.artifact.map_location] if m.artifact else None for m in matches], dtype=pl.Int64),
        pl.Series("status", [match.status for match in matches], dtype=pl.String),
        pl.Series("detail", [match.detail for match in matches], dtype=pl.String),
    )
    positions = distinct.join(matched, on=fields, how="left", nulls_equal=True)
    answered = [_unmatched(positions.filter(pl.col("map").is_null()))]
    for (number,), rows in positions.filter(pl.col("map").is_not_null()).partition_by("map", as_dict=True).items():
        artifact = list(artifacts.values())[int(str(number))]
        opened = maps.open(artifact)
        if isinstance(opened, Unreadable):
            answered.append(_unreadable(rows, artifact, opened, last_seen))
        else:
            answered.append(_mapped(rows.sort("line", "column"), artifact, opened, maps))
    return pl.concat(answered).sort("position").select(*ANSWER)


def _conform(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "position",
        *(
            (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in ANSWER.items()
        ),
    )


def _unmatched(rows: pl.DataFrame) -> pl.DataFrame:
    return _conform(rows.rename({"status": "map_status", "detail": "map_detail"}))


def _unreadable(rows: pl.DataFrame, artifact: Artifact, reason: Unreadable, last_seen: datetime | None) -> pl.DataFrame:
    status, detail = reason
    if status == "expired":
        status, detail = _gone(artifact, last_seen)
    return _conform(
        rows.with_columns(
            pl.lit(status).alias("map_status"), pl.lit(detail).alias("map_detail"),
            pl.lit(artifact.map_location).alias("map_location"),
        )
    )  # fmt: skip


def _gone(artifact: Artifact, last_seen: datetime | None) -> tuple[str, str]:
    """A listed map that the store no longer has: its time ran out, or somebody took it away."""
    days = load("symbolicate", "releases").data["retention_days"]
    uploaded = artifact.uploaded_at
    if uploaded is not None and last_seen is not None and last_seen - uploaded < timedelta(days=days):
        return "no_artifact", f"{artifact.map_location} is listed, uploaded {uploaded:%Y-%m-%d}, but not in the store"
    when = f", uploaded {uploaded:%Y-%m-%d}," if uploaded is not None else ""
    return "expired", f"{artifact.map_location}{when} is no longer in the store; maps are kept {days} days by default"


def _mapped(rows: pl.DataFrame, artifact: Artifact, decoded: SourceMap, maps: Maps) -> pl.DataFrame:
    lines = rows["line"].fill_null(0).to_numpy() - 1
    columns = rows["column"].fill_null(0).to_numpy() - 1
    at = decoded.find(lines, columns)
    original = decoded.take(at)
    behind = np.where(at >= 0, columns - (decoded.columns.key[at] & 0xFFFFFFFF), 0) if decoded.columns.key.size else at
    sources = decoded.columns.source[at] if decoded.columns.key.size else np.full(at.size, -1)
    sources = np.where(at >= 0, sources, -1)
    rows = rows.with_columns(
        original["source"],
        (original["line"] + 1).alias("source_line"), (original["column"] + 1).alias("source_column"),
        original["name"].alias("name_token"), pl.Series("source_index", sources), pl.Series("behind", behind),
        pl.lit(artifact.map_location).alias("map_location"),
    )  # fmt: skip
    has_content = np.array([content is not None for content in decoded.contents] + [False])
    rows = rows.with_columns(
        pl.Series("has_content", has_content[sources]),
        pl.Series("source_in_app", _in_app(decoded)[sources]),
    )
    found, why = pl.col("source_line").is_not_null(), _why_outside(decoded)
    no_line = pl.col("line").is_null() | pl.col("column").is_null()
    status = (
        pl.when(~found).then(pl.lit("outside_map"))
        .when((pl.col("status") == "mapped") & ~pl.col("has_content")).then(pl.lit("no_source_content"))
        .otherwise(pl.col("status"))
    )  # fmt: skip
    detail = (
        pl.when(~found & no_line).then(pl.lit("the frame has no line and column"))
        .when(~found).then(pl.lit(why))
        .when(pl.col("source").is_null()).then(pl.lit("the map gives the source of this position no name"))
        .when((pl.col("status") == "mapped") & ~pl.col("has_content"))
        .then(pl.lit("the map does not carry the content of this source"))
        .otherwise(pl.col("detail"))
    )  # fmt: skip
    rows = rows.with_columns(status.alias("map_status"), detail.alias("map_detail"))
    return _conform(_with_functions(rows, decoded, maps))


def _why_outside(decoded: SourceMap) -> str:
    keys = decoded.columns.key
    if not keys.size:
        return "the map maps nothing"
    return f"the map has no original position here; its mappings end at line {int(keys[-1] >> 32) + 1}"


def _with_functions(rows: pl.DataFrame, decoded: SourceMap, maps: Maps) -> pl.DataFrame:
    """Parse each source that was hit and that the map carries, once."""
    functions: list[str | None] = [None] * rows.height
    receivers: list[str | None] = [None] * rows.height
    properties: list[str | None] = [None] * rows.height
    numbered = rows.with_row_index("row").filter(pl.col("has_content"))
    for (source,), hits in numbered.partition_by("source_index", as_dict=True).items():
        index = int(str(source))
        outline = maps.outline(decoded.contents[index] or "", decoded.sources[index])
        if outline is None:
            continue
        lines, columns = hits["source_line"].to_numpy() - 1, hits["source_column"].to_numpy() - 1
        for row, name in zip(hits["row"], outline.functions_at(lines, columns), strict=True):
            functions[row] = name
        throwing = hits.filter("throwing").select("row", "source_line", "source_column", "behind", "expected")
        for row, line, column, behind, expected in throwing.iter_rows():
            read = outline.read_at(line - 1, column - 1, after=behind, expected=expected)
            if read and read[0]:
                receivers[row], properties[row] = read
    return rows.with_columns(
        pl.Series("source_function", functions, dtype=pl.String),
        pl.Series("receiver", receivers, dtype=pl.String),
        pl.Series("property", properties, dtype=pl.String),
    )


def _in_app(decoded: SourceMap) -> np.ndarray:
    """Whether each source is the team's own code; the entry past the end, for "no source", is unused."""
    ignored = set(decoded.ignore_list)
    return np.array(
        [index not in ignored and not _is_foreign(source or "") for index, source in enumerate(decoded.sources)]
        + [True]
    )


@cache
def _foreign() -> re.Pattern[str]:
    patterns = [rule["url"] for rule in load("in_app", "frames").data["not_in_app"]]
    patterns += [rule["source"] for rule in load("symbolicate", "sources").data["not_in_app"]]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _is_foreign(source: str) -> bool:
    return _foreign().search(source) is not None
