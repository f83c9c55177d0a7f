"""Distinct positions of bundles to original positions: the part of symbolication that looks things up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workbench.rules.loader import load
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.maps import Maps, Unreadable
from workbench.symbolicate.matching import Artifact, Match

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
}
READ = {"position": pl.UInt32(), "expected": pl.String(), "receiver": pl.String(), "property": pl.String()}


class Answers(NamedTuple):
    """`positions`: the columns of `ANSWER`, one row a position; `reads`: the columns of `READ`, only those found."""

    positions: pl.DataFrame
    reads: pl.DataFrame


def number_matches(matches: Sequence[Match]) -> tuple[list[Match], NDArray[np.int64]]:
    """Distinct matches, and the number of each bundle's: bundles with equal verdicts share their positions.

    Bundles without a map come after those with one.
    """
    distinct = sorted(dict.fromkeys(matches), key=lambda match: match.artifact is None)
    numbers = {match: number for number, match in enumerate(distinct)}
    return distinct, np.array([numbers[match] for match in matches], np.int64)


def look_up(
    distinct: pl.DataFrame,
    matches: Sequence[Match],
    maps: Maps,
    reads: pl.DataFrame,
    last_seen: datetime | None = None,
) -> Answers:
    """Answer every distinct position.

    Parameters
    ----------
    distinct
        `group` (the number of a match), `line`, `column` (1-based, 0 for none), sorted by all three.
    matches, maps
        What was found for each group, and the store's maps.
    reads
        `position` (row number in `distinct`) and `expected`: where to look for the property that was read.
    last_seen
        Time of the newest event, to tell a map that ran out from one that was taken away.
    """
    groups = pl.DataFrame(
        {
            "group": range(len(matches)),
            "status": [match.status for match in matches],
            "detail": [match.detail for match in matches],
            "location": [match.artifact.map_location if match.artifact else None for match in matches],
        },
        schema={"group": pl.Int64, "status": pl.String, "detail": pl.String, "location": pl.String},
    )
    rows = distinct.with_row_index("position").join(groups, on="group", how="left", maintain_order="left")
    artifacts = {match.artifact.map_location: match.artifact for match in matches if match.artifact}
    answered, found = [_unmatched(rows.filter(pl.col("location").is_null()))], [pl.DataFrame(schema=READ)]
    for (location,), hits in (
        rows.filter(pl.col("location").is_not_null()).partition_by("location", as_dict=True).items()
    ):
        artifact = artifacts[str(location)]
        opened = maps.open(artifact)
        if isinstance(opened, Unreadable):
            answered.append(_unreadable(hits, artifact, opened, last_seen))
            continue
        mapped = _mapped(hits, artifact, opened)
        named, read = _with_functions(
            mapped, reads.filter(pl.col("position").is_in(hits["position"].implode())), opened, maps
        )
        answered.append(_conform(named))
        found.append(read)
    return Answers(pl.concat(answered).sort("position").select(*ANSWER), pl.concat(found))


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


def _mapped(rows: pl.DataFrame, artifact: Artifact, decoded: SourceMap) -> pl.DataFrame:
    lines, columns = rows["line"].to_numpy() - 1, rows["column"].to_numpy() - 1
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
    has_content = np.array([*(decoded.contents.has(index) for index in range(len(decoded.sources))), False])
    rows = rows.with_columns(
        pl.Series("has_content", has_content[sources]),
        pl.Series("source_in_app", _in_app(decoded)[sources]),
    )
    found, why = pl.col("source_line").is_not_null(), _why_outside(decoded)
    no_line = (pl.col("line") == 0) | (pl.col("column") == 0)
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
    return rows.with_columns(status.alias("map_status"), detail.alias("map_detail"))


def _why_outside(decoded: SourceMap) -> str:
    keys = decoded.columns.key
    if not keys.size:
        return "the map maps nothing"
    return f"the map has no original position here; its mappings end at line {int(keys[-1] >> 32) + 1}"


def _with_functions(
    rows: pl.DataFrame, reads: pl.DataFrame, decoded: SourceMap, maps: Maps
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parse each source that was hit and that the map carries, once: functions, and properties read."""
    functions: list[str | None] = [None] * rows.height
    found: list[tuple[int, str | None, str, str]] = []
    asked = rows.select("position", "source_index", "source_line", "source_column", "behind").join(reads, on="position")
    numbered = rows.with_row_index("row").filter(pl.col("has_content"))
    for (source,), hits in numbered.partition_by("source_index", as_dict=True).items():
        outline = maps.outline(decoded, int(str(source)))
        if outline is None:
            continue
        lines, columns = hits["source_line"].to_numpy() - 1, hits["source_column"].to_numpy() - 1
        for row, name in zip(hits["row"], outline.functions_at(lines, columns), strict=True):
            functions[row] = name
        for position, _, line, column, behind, expected in asked.filter(pl.col("source_index") == source).iter_rows():
            read = outline.read_at(line - 1, column - 1, after=behind, expected=expected)
            if read and read[0]:
                found.append((position, expected, read[0], read[1]))
    named = rows.with_columns(pl.Series("source_function", functions, dtype=pl.String))
    return named, pl.DataFrame(found, schema=READ, orient="row")


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
