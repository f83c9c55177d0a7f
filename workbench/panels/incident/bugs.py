"""The bugs of a case as view models: the table, and one card a bug."""

from __future__ import annotations

from typing import Any

import polars as pl

from workbench.case import Case
from workbench.case.bug import Bug
from workbench.charts.labels import plural, release_name, shorten
from workbench.panels.bug import BugView, ReplayView, ThrowView, TraceView
from workbench.panels.bugs import BugsView
from workbench.panels.incident.words import stretch
from workbench.panels.recording import Mark, pack

BARS = 36
OPEN_BEFORE_MS = 500
MARKS = 14
EVIDENCE = 8
CARDS = 20
FUNCTION_FROM = {"tree-sitter": "syntax tree", "name": "name in the map", "minified": "minified name"}


def bugs_view(case: Case) -> BugsView:
    """Give the table of bugs with a small line each: events over the window, in `BARS` equal stretches."""
    if case.bugs.is_empty():
        return BugsView(case.bugs)
    start, end = case.events["at"].min(), case.events["at"].max()
    width = max((end - start).total_seconds() / BARS, 1.0)  # type: ignore[operator, union-attr]
    at = ((pl.col("at") - start).dt.total_seconds() / width).floor().clip(0, BARS - 1).cast(pl.Int64)
    counts = (
        case.grouping.events.filter(pl.col("bug_id").is_not_null())
        .join(case.events.select("event_id", "at"), on="event_id")
        .group_by("bug_id", at.alias("bar"))
        .len()
    )
    over_time = (
        case.bugs.select("bug_id")
        .join(pl.DataFrame({"bar": range(BARS)}), how="cross")
        .join(counts, on=["bug_id", "bar"], how="left")
        .sort("bug_id", "bar")
        .group_by("bug_id")
        .agg(over_time=pl.col("len").fill_null(0))
    )
    bugs = case.bugs.join(over_time, on="bug_id", how="left").with_columns(where=_where(case))
    return BugsView(bugs, span=stretch(end - start) if end > start else "over time", cards=CARDS)  # type: ignore[operator]


def bug_views(case: Case, bug_id: str | None = None) -> list[BugView]:
    """Give the card of one bug, or of the worst `CARDS`; none when the case has no such bug."""
    ids = [name for name in case.bugs["bug_id"] if bug_id in (None, name)]
    return [bug_view(case.bug(name)) for name in ids[:CARDS]]


def bug_view(bug: Bug) -> BugView:
    """Give one bug's card."""
    row = bug.row
    return BugView(
        bug_id=bug.bug_id,
        title=row["title"],
        summary=row.get("summary") or "",
        priority=row["priority"],
        n_events=row["events"],
        n_sessions=row["sessions"],
        release=row["release"],
        throws=_throws(bug),
        issues=bug.issues,
        evidence=_evidence(bug),
        contrast=bug.contrast,
        trace=_trace(bug),
        trace_missing=f"No backend trace: {_reasons(bug.traces)}.",
        replay=_replay(bug),
        replay_missing=f"No replay: {_reasons(bug.replays)}.",
        timeline=bug.timeline,
    )


def _evidence(bug: Bug) -> pl.DataFrame:
    """Say each thing once: what holds of several pairs of issues is told with how many of them, heaviest first."""
    pairs = bug.evidence.filter(pl.col("issue_b").is_not_null())
    n = pairs.select(pl.struct("issue_a", "issue_b").n_unique()).item() if pairs.height else 0
    of_pairs = (
        pairs.group_by("kind", "text")
        .agg(pl.col("weight").mean(), pl.len().alias("n"))
        .with_columns(
            pl.when(pl.lit(n) > 1)
            .then(pl.format("{} ({} of {} pairs)", "text", "n", pl.lit(n)))
            .otherwise("text")
            .alias("text")
        )
    )
    of_one = (
        bug.evidence.filter(pl.col("issue_b").is_null())
        .group_by("kind", "text")
        .agg(pl.col("weight").max(), n=pl.len())
    )
    return (
        pl.concat([of_pairs, of_one], how="diagonal_relaxed")
        .with_columns((pl.col("weight").abs() * pl.col("n")).alias("_told"))
        .sort(pl.col("weight").is_null(), "_told", "text", descending=[False, True, False])
        .head(EVIDENCE)
        .select("weight", "text")
    )


def _reasons(joins: pl.DataFrame) -> str:
    counts = joins.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return ", ".join(f"{str(reason).replace('_', ' ')} ({plural(n, 'event')})" for reason, n in counts.iter_rows())


def _throws(bug: Bug) -> tuple[ThrowView, ...]:
    """One place an issue, the issue of the example first, places that are the same said once."""
    views: dict[tuple[Any, ...], ThrowView] = {}
    for place in bug.places:
        view = _throw(place.frame, place.source, place.stack)
        views.setdefault((view.location, view.function), view)
    return tuple(views.values())


def _throw(frame: dict[str, Any], source: pl.DataFrame, stack: pl.DataFrame) -> ThrowView:
    mapped = frame["source"] is not None
    minified = f"{_file(frame['url'])}:{frame['line']}:{frame['column']}"
    return ThrowView(
        location=_location(frame) if mapped else minified,
        lines=source,
        function=frame["source_function"] if mapped else frame["function"],
        function_from=FUNCTION_FROM.get(frame["function_from"]) if mapped else None,
        mapped_from=f"{minified} of release {release_name(frame['release'])}" if mapped else None,
        problem=None if mapped and source.height else _problem(frame),
        stack=stack.select(
            pl.coalesce("source_function", "function").alias("function"),
            pl.struct(pl.all()).map_elements(_location, return_dtype=pl.String).alias("location"),
            pl.col("in_app").fill_null(False),
        ),
    )


def _problem(frame: dict[str, Any]) -> str:
    said = [str(frame["map_status"]).replace("_", " "), frame["map_detail"]]
    return f"Not mapped: {', '.join(word for word in said if word)}."


def _location(frame: dict[str, Any]) -> str:
    if frame["source"] is not None:
        return f"{_file(frame['source'])}:{frame['source_line']}:{frame['source_column']}"
    return f"{_file(frame['url'])}:{frame['line']}:{frame['column']}" if frame["url"] else "(no file)"


def _file(path: str | None) -> str:
    """Give a file's name with its folder, without hosts, queries and the way up."""
    if not path:
        return "(no file)"
    parts = [part for part in path.split("?")[0].split("/") if part not in ("", ".", "..")]
    return "/".join(parts[-2:]) if "://" not in path else parts[-1]


def _trace(bug: Bug) -> TraceView | None:
    tree = bug.trace
    if tree.is_empty() or not (tree["side"] == "backend").any():
        return None
    trace_id = tree["trace_id"][0]
    n = bug.events["trace_id"].drop_nulls().n_unique()
    failing = bug.failing_spans.filter(pl.col("trace_id") == trace_id)
    short = f"{trace_id[:4]}…{trace_id[-4:]}"
    if failing.is_empty():
        # nothing failed there: the answers are told, not how the browser spent its time
        answers = tree.filter((pl.col("side") == "backend") | (pl.col("depth") <= 1))
        quiet = answers.with_columns(on_error_path=pl.lit(False), is_root_cause=pl.lit(False))
        return TraceView(f"Trace `{short}`, one of {n}: no backend span of it failed.", quiet)
    row = failing.row(0, named=True)
    alike = bug.failing_spans.filter(pl.col("signature") == row["signature"])["trace_id"].n_unique()
    swallowed = f"; `{row['swallowed_by']}` swallowed it and answered 2xx" if row["swallowed_by"] else ""
    said = f"`{row['service']}` failed: {row['status_message'] or row['name']}{swallowed}."
    return TraceView(f"Trace `{short}`, one of {n}. {said} The same span failed in {alike} of them.", tree)


def _replay(bug: Bug) -> ReplayView | None:
    shown = bug.moment
    if shown is None:
        return None
    marks = [mark for mark in bug.marks if mark[0] >= 0]
    nearest = sorted(sorted(marks, key=lambda mark: abs(mark[0] - shown.at_ms))[:MARKS])
    return ReplayView(
        events=pack(shown.events),
        at=max(0, shown.at_ms - OPEN_BEFORE_MS),
        marks=tuple(Mark(t, kind, shorten(label, 60)) for t, kind, label in nearest),
        caption=f"Recorded on {shown.page_url or 'an unnamed page'}, {shown.width} × {shown.height}; opened half a second before the error.",  # noqa: E501
    )


def _where(case: Case) -> pl.Expr:
    named = {
        name: ", ".join(
            dict.fromkeys(place.function for place in case.bug(name).places if place.is_mapped and place.function)
        )
        for name in case.bugs["bug_id"]
    }
    return pl.col("bug_id").replace_strict(named, default=None, return_dtype=pl.String)
