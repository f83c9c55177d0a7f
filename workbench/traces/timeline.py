"""Everything that is known of one session, event, recording or trace, in one order.

The same click stands in a breadcrumb and in the recording, the same request in a breadcrumb and in a span: each is told
once, by the source that knows more of it, and `sources` says who else saw it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from connectors.tables import INT, SPANS, TEXT, TIME
from workbench.traces import records
from workbench.traces.records import IDS, LONGEST, RECORD
from workbench.traces.subject import Subject, subject_of

TIMELINE = {
    "at": TIME,
    "offset_ms": INT,
    "kind": TEXT,
    "title": TEXT,
    "detail": TEXT,
    "severity": TEXT,
    "sources": pl.List(TEXT),
    "ids": pl.Struct(dict.fromkeys(IDS, TEXT)),
}
# of two records of one thing the one of the earlier source is told; how far apart their clocks may be
BETTER_FIRST = ("page_views", "replay", "requests (span)", "requests (beacon)", "events", "requests", "breadcrumbs")
ALIKE = {
    "page": (timedelta(seconds=5), "path"),
    "request": (timedelta(seconds=1), "path"),
    "click": (timedelta(milliseconds=1500), None),
    "input": (timedelta(seconds=2), None),
    "error": (timedelta(seconds=2), "title"),
}


def timeline(
    any_id: str,
    *,
    events: pl.DataFrame | None = None,
    requests: pl.DataFrame | None = None,
    breadcrumbs: pl.DataFrame | None = None,
    page_views: pl.DataFrame | None = None,
    vitals: pl.DataFrame | None = None,
    spans: pl.DataFrame | None = None,
    sessions: pl.DataFrame | None = None,
    replays: pl.DataFrame | None = None,
    releases: pl.DataFrame | None = None,
    marks: pl.DataFrame | None = None,
    blank_pages: pl.DataFrame | None = None,
    support: pl.DataFrame | None = None,
    zero: datetime | None = None,
) -> pl.DataFrame:
    """Put everything that belongs to an id in one order of time.

    Parameters
    ----------
    any_id
        An event, session, replay, page view, trace or span id. Whatever it is, the whole session around it is told;
        where no session is known, the event or the trace alone.
    events, requests, breadcrumbs, page_views, vitals, spans, sessions, replays, releases
        Canonical tables, with rows of anything; those that belong to the id are taken.
    marks, blank_pages
        Of the session's recordings, from `workbench.replay.dom`.
    support
        session_id and at of contacts with support; without it `sessions` says whether there was one.
    zero
        Where offsets count from; when not given, the event's own time (or trace's, or page view's), else the
        session's first error, else its first record.

    Returns
    -------
    at, `offset_ms`, `kind` (page, click, input, request, span, error, vital, breadcrumb, support, deploy), `title`, `detail`,
    `severity` (error, warning, info), `sources` (who saw it), `ids` (a struct of the ids to go on with), in the order of
    time. Of deploys those while it lasted, of spans the failures that no other failure caused.

    Raises
    ------
    ParameterError
        No table has the id.

    Examples
    --------
    >>> from datetime import UTC
    >>> from connectors.tables import EVENTS, REQUESTS, conform
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> error = {"event_id": "e1", "session_id": "s1", "at": noon, "type": "TypeError", "message": "x is undefined"}
    >>> asked = {"session_id": "s1", "at": noon - timedelta(seconds=2), "method": "GET", "url": "/api/cart", "status": 200}
    >>> told = timeline("e1", events=conform(pl.DataFrame([error]), EVENTS), requests=conform(pl.DataFrame([asked]), REQUESTS))
    >>> told.select("offset_ms", "kind", "title").rows()
    [(-2000, 'request', 'GET /api/cart → 200'), (0, 'error', 'TypeError: x is undefined')]
    """  # noqa: E501
    given = {
        "events": events, "requests": requests, "breadcrumbs": breadcrumbs, "page_views": page_views, "vitals": vitals,
        "spans": spans, "sessions": sessions, "replays": replays, "marks": marks, "blank_pages": blank_pages,
        "support": support,
    }  # fmt: skip
    tables = {name: frame for name, frame in given.items() if frame is not None}
    subject = subject_of(any_id, tables)
    mine = {name: _of(subject, frame, tables) for name, frame in tables.items()}
    told = [
        make(mine[name])
        for name, make in MAKERS.items()
        if name in mine and not (name == "spans" and mine[name].is_empty())
    ]
    told.append(records.of_support(mine["sessions"], mine.get("support")) if "sessions" in mine else _empty())
    if "sessions" not in mine and "support" in mine:
        told.append(records.of_support(pl.DataFrame(), mine["support"]))
    rows = _once(pl.concat([_empty(), *told]))
    if releases is not None and not rows.is_empty():
        first, last = rows["at"].min(), rows["at"].max()
        deploys = records.of_releases(releases).filter(pl.col("at").is_between(first, last))
        rows = pl.concat([rows, deploys.with_columns(sources=pl.concat_list("source"))])
    start = zero or subject.at or _first_error(rows)
    offset = (pl.col("at") - pl.lit(start, dtype=TIME)).dt.total_milliseconds()
    return (
        rows.with_columns(offset.alias("offset_ms"), pl.struct(IDS).alias("ids"))
        .sort("at", pl.col("kind").eq("error"), maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in TIMELINE.items())
    )


MAKERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "page_views": records.of_page_views,
    "marks": records.of_marks,
    "blank_pages": records.of_blank_pages,
    "requests": records.of_requests,
    "events": records.of_events,
    "breadcrumbs": records.of_breadcrumbs,
    "spans": records.of_spans,
    "vitals": records.of_vitals,
}


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema=RECORD)


def _of(subject: Subject, frame: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Keep a table's rows of the subject: of its sessions, of its traces, of its events."""
    have, mine = frame.columns, []
    if "session_id" in have and not set(SPANS.required) <= set(have):
        mine.append(pl.col("session_id").is_in(sorted(subject.sessions)))
    elif "replay_id" in have and "session_id" not in have:
        mine.append(pl.col("replay_id").is_in(_recordings(subject, tables)))
    elif "trace_id" in have:
        mine.append(pl.col("trace_id").is_in(sorted(subject.traces)))
    elif "event_id" in have:
        mine.append(pl.col("event_id").is_in(_events(subject, tables)))
    if not subject.sessions:
        mine += [pl.col("event_id").is_in(sorted(subject.events))] if "event_id" in have else []
        mine += [pl.col("trace_id").is_in(sorted(subject.traces))] if "trace_id" in have else []
    return frame.filter(pl.any_horizontal(pl.lit(False), *mine).fill_null(False))


def _events(subject: Subject, tables: dict[str, pl.DataFrame]) -> list[str]:
    events = tables.get("events")
    if events is None or not subject.sessions:
        return sorted(subject.events)
    return events.filter(pl.col("session_id").is_in(sorted(subject.sessions)))["event_id"].to_list()


def _recordings(subject: Subject, tables: dict[str, pl.DataFrame]) -> list[str]:
    named = [subject.id] if subject.kind == "replay" else []
    for name in ("replays", "events"):
        if name in tables:
            rows = tables[name].filter(pl.col("session_id").is_in(sorted(subject.sessions)))
            named += rows["replay_id"].drop_nulls().to_list()
    return [*named, *sorted(subject.sessions)]


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Tell a thing once: exact repeats of one source, then what a better source tells too."""
    rows = rows.unique([name for name in RECORD if name not in ("event_id", "until", "detail")], maintain_order=True)
    rank = pl.col("source").replace_strict({name: n for n, name in enumerate(BETTER_FIRST)}, default=len(BETTER_FIRST))
    rows = rows.with_columns(rank.alias("rank"), pl.concat_list("source").alias("sources")).with_row_index("row")
    alike = [rows.filter(~pl.col("kind").is_in(list(ALIKE)))]
    for kind, (tolerance, key) in ALIKE.items():
        alike.append(_merged(rows.filter(kind=kind), tolerance, key))
    return _without_echoes(pl.concat(alike).sort("row").drop("row", "rank"))


def _without_echoes(rows: pl.DataFrame) -> pl.DataFrame:
    """Fold what the console said of an error into the error itself."""
    numbered = rows.with_row_index("row")
    errors = numbered.filter(pl.col("kind") == "error", pl.col("source") == "events")
    notes = numbered.filter(pl.col("kind") == "breadcrumb", pl.col("title").str.starts_with("console: "))
    said = pl.col("title_said").str.replace(r"^\w*(?:Error|Exception): ", "")
    near = (pl.col("at") - pl.col("at_said")).abs() <= timedelta(seconds=2)
    echoes = notes.join(errors.select("row", "title", "at"), how="cross", suffix="_said").filter(
        near & (said.str.len_chars() > 0) & pl.col("title").str.contains(said.str.head(LONGEST // 2), literal=True)
    )
    heard = pl.col("row").is_in(echoes["row_said"].implode())
    return (
        numbered.filter(~pl.col("row").is_in(echoes["row"].implode()))
        .with_columns(pl.when(heard).then(_also("breadcrumbs")).otherwise("sources").alias("sources"))
        .drop("row")
    )


def _also(source: str) -> pl.Expr:
    return pl.concat_list("sources", pl.lit(source)).list.unique(maintain_order=True)


def _merged(rows: pl.DataFrame, tolerance: timedelta, key: str | None) -> pl.DataFrame:
    """Fold each record into the nearest one of a better source, if that is near enough and the same thing.

    A request's breadcrumb is written when the answer came, its span begins when it was asked: they meet at `until`.
    """
    kept = rows.clear()
    for rank in rows["rank"].unique().sort():
        new = rows.filter(rank=rank)
        if kept.is_empty():
            kept = new
            continue
        by = [] if key is None else [key]
        places = kept.select(
            "sources", pl.col("row").alias("better"), *by, pl.coalesce("until", "at").alias("met_at")
        ).sort("met_at")
        found = new.sort("at").join_asof(
            places, left_on="at", right_on="met_at", by=by or None, strategy="nearest", tolerance=tolerance,
            suffix="_better", check_sortedness=False,
        )  # fmt: skip
        seen = found.drop_nulls("better").group_by("better").agg(pl.col("source").unique().sort().alias("also"))
        kept = (
            kept.join(seen, left_on="row", right_on="better", how="left", maintain_order="left")
            .with_columns(pl.concat_list("sources", pl.col("also").fill_null([])).alias("sources"))
            .drop("also")
        )
        kept = pl.concat([kept, found.filter(pl.col("better").is_null()).select(kept.columns)])
    return kept


def _first_error(rows: pl.DataFrame) -> datetime | None:
    errors = rows.filter(pl.col("kind") == "error")["at"]
    return errors.min() if len(errors) else rows["at"].min()
