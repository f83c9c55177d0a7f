"""What belongs to an error on the other side, and if nothing does, why: traces, recordings, the backend's answers."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from connectors.tables import EVENTS, REPLAYS, REQUESTS, SESSIONS, SPANS, TEXT, require
from workbench.crawlers import crawlers
from workbench.traces.answers import all_2xx
from workbench.traces.ids import has_64_bits, low_64_bits

__all__ = ["all_2xx", "replay_joins", "trace_joins"]


def trace_joins(events: pl.DataFrame, spans: pl.DataFrame, requests: pl.DataFrame | None = None) -> pl.DataFrame:
    """Join each event to its backend trace, and say why where there is none.

    Parameters
    ----------
    events
        Canonical `events`. A tag `sampled` (or `trace_sampled`) of "false" or "0" is believed.
    spans
        Canonical `spans` of both sides, as far as there are any.
    requests
        Canonical `requests`: they add what the browser asked for in a trace whose spans were not sent.

    Returns
    -------
    event_id, trace_id, `has_backend`, `reason` and `detail`, one row an event, in the events' order. Reasons:

    - `joined`: the backend has spans of this trace (or of its low 64 bits, where it keeps only these);
    - `no_trace_id`: the event names no trace;
    - `bot_not_traced`: its user agent is a crawler's, and SDKs do not trace crawlers;
    - `no_backend_spans`: there are no backend spans at all;
    - `outside_window`: it lies outside of the time that the backend's spans cover;
    - `unsampled`: it says so, or no side has a span of the trace although browsers do send spans here;
    - `not_in_backend`: the browser called the backend in this trace, but the backend has nothing of it;
    - `no_backend_call`: the browser's spans of the trace hold no call to a backend.

    Examples
    --------
    >>> from connectors.tables import conform
    >>> events = conform(pl.DataFrame({"event_id": ["e1", "e2"], "at": 0, "trace_id": ["a", None]}), EVENTS)
    >>> spans = conform(pl.DataFrame({"trace_id": ["a"], "span_id": ["1"], "started_at": 0, "side": "backend"}), SPANS)
    >>> trace_joins(events, spans).select("event_id", "has_backend", "reason").rows()
    [('e1', True, 'joined'), ('e2', False, 'no_trace_id')]
    """
    require(events, EVENTS, ["event_id", "at", "trace_id", "user_agent", "tags"])
    require(spans, SPANS, ["trace_id", "side", "kind", "started_at", "duration_us"])
    browser = pl.col("side").cast(TEXT).eq_missing("browser")
    backend = spans.filter(~browser & pl.col("trace_id").is_not_null())
    of_browser = (
        spans.filter(browser)
        .group_by("trace_id")
        .agg(pl.len().alias("browser_spans"), pl.col("kind").cast(TEXT).eq("client").sum().alias("calls"))
    )
    if requests is not None:
        require(requests, REQUESTS, ["trace_id"])
        asked = requests.drop_nulls("trace_id").group_by("trace_id").agg(pl.len().alias("asked"))
    else:
        asked = pl.DataFrame(schema={"trace_id": TEXT, "asked": pl.UInt32})
    here = backend.select(pl.col("trace_id").unique()).with_columns(in_backend=pl.lit(True))
    short = here.filter(has_64_bits(pl.col("trace_id"))).select(low_64_bits(pl.col("trace_id")).alias("low"))
    first, last = _covered(backend)
    outside = (pl.col("at") < first) | (pl.col("at") > last)
    calls = pl.max_horizontal(pl.col("calls").fill_null(0), pl.col("asked").fill_null(0))
    verdict = _first_true(
        (pl.col("in_backend"), "joined", "the backend has spans of this trace"),
        (pl.col("in_short"), "joined", "the backend has spans of this trace's low 64 bits"),
        (pl.col("trace_id").is_null() & pl.col("is_bot"), "bot_not_traced", "the user agent is a crawler's"),
        (pl.col("trace_id").is_null(), "no_trace_id", "the event names no trace"),
        (pl.lit(backend.is_empty()), "no_backend_spans", "the trace backend gave no span at all"),
        (pl.col("is_bot"), "bot_not_traced", "the user agent is a crawler's; SDKs do not trace crawlers"),
        (pl.col("said_unsampled"), "unsampled", "the event says that its trace was not sampled"),
        (outside, "outside_window", f"the backend's spans cover {_span_of(first, last)}"),
        (
            calls > 0, "not_in_backend",
            pl.format("the browser made {} calls in this trace; the backend has none of them", calls),
        ),
        (
            pl.col("browser_spans").is_not_null(), "no_backend_call",
            "the browser's spans of this trace hold no call to a backend",
        ),
        (
            pl.lit(not of_browser.is_empty()), "unsampled",
            "no side has a span of this trace, although browsers send spans here",
        ),
        (pl.lit(True), "not_in_backend", "the backend has no span of this trace, browsers send none that could tell"),
    )  # fmt: skip
    return (
        events.select(
            "event_id", "at", "trace_id", pl.col("user_agent").cast(TEXT), _says_unsampled().alias("said_unsampled")
        )
        .join(_bots(events), on="user_agent", how="left", maintain_order="left", nulls_equal=True)
        .join(here, on="trace_id", how="left", maintain_order="left")
        .join(of_browser, on="trace_id", how="left", maintain_order="left")
        .join(asked, on="trace_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("in_backend").fill_null(False),
            pl.col("is_bot").fill_null(False),
            low_64_bits(pl.col("trace_id")).is_in(short["low"].implode()).fill_null(False).alias("in_short"),
        )
        .with_columns(verdict)
        .select("event_id", "trace_id", pl.col("reason").eq("joined").alias("has_backend"), "reason", "detail")
    )


def replay_joins(
    events: pl.DataFrame,
    replays: pl.DataFrame,
    sessions: pl.DataFrame | None = None,
    *,
    slack: timedelta = timedelta(seconds=5),
) -> pl.DataFrame:
    """Join each event to the recording that shows it, and say why where there is none.

    Parameters
    ----------
    events, replays, sessions
        Canonical tables. A recording belongs to an event that names it, else to its session.
    slack
        How far outside of a recording an event may lie and still be shown by it: an error that ends a page comes
        after the last thing that was recorded.

    Returns
    -------
    event_id, `replay_id` (null unless `has_replay`), `has_replay`, `reason`, `detail`, `offset_ms` (of the event, from
    the recording's start), one row an event, in the events' order. Reasons: `joined`; `no_session_id` (neither session
    nor recording is named); `outside_recording`; `not_kept` (the event names a recording that the store does not have);
    `bot_not_recorded`; `not_recorded` (the store has no recording of the session); `unknown_session` (nor does anything
    else know that session).

    Examples
    --------
    >>> from connectors.tables import conform
    >>> events = conform(pl.DataFrame({"event_id": ["e1"], "at": [12_000], "session_id": "s1"}), EVENTS)
    >>> replay = {"replay_id": ["r1"], "session_id": "s1", "started_at": 0, "ended_at": 5000}
    >>> replay_joins(events, conform(pl.DataFrame(replay), REPLAYS)).select("has_replay", "reason", "detail").row(0)
    (False, 'outside_recording', 'the recording ended 7.0 s before it')
    """
    require(events, EVENTS, ["event_id", "at", "session_id", "replay_id", "user_agent"])
    require(replays, REPLAYS, ["replay_id", "session_id", "started_at", "ended_at"])
    listed = replays.select(
        pl.col("replay_id").alias("found"), pl.col("session_id").alias("of_session"), "started_at", "ended_at"
    )
    ids = ("event_id", "at", "session_id", "replay_id")
    asked = events.select(*ids, pl.col("user_agent").cast(TEXT)).with_row_index("order")
    by_id = asked.join(listed.drop("of_session"), left_on="replay_id", right_on="found", how="inner", coalesce=False)
    by_session = asked.join(by_id, on="order", how="anti").join(
        listed, left_on="session_id", right_on="of_session", how="inner"
    )
    late, early = pl.col("at") - pl.col("ended_at"), pl.col("started_at") - pl.col("at")
    missed = pl.max_horizontal(late, early, pl.duration()).fill_null(pl.duration())
    found = (
        pl.concat([by_id, by_session], how="diagonal")
        .with_columns(missed.alias("missed"), (late > early).alias("too_late"))
        .sort("order", "missed", "started_at", "found")
        .unique("order", keep="first", maintain_order=True)
        .select("order", "found", "started_at", "missed", "too_late")
    )
    known = sessions["session_id"] if sessions is not None and _have(sessions) else pl.Series([], dtype=TEXT)
    seconds = (pl.col("missed").dt.total_milliseconds() / 1000).round(1)
    side = pl.when("too_late").then(pl.lit("ended")).otherwise(pl.lit("began"))
    when = pl.when("too_late").then(pl.lit("before")).otherwise(pl.lit("after"))
    verdict = _first_true(
        (pl.col("missed") <= slack, "joined", "the recording shows it"),
        (
            pl.col("found").is_not_null(), "outside_recording",
            pl.format("the recording {} {} s {} it", side, seconds, when),
        ),
        (pl.col("is_bot"), "bot_not_recorded", "the user agent is a crawler's"),
        (
            pl.col("replay_id").is_not_null() & pl.col("replay_id").ne_missing(pl.col("session_id")), "not_kept",
            pl.format("it names recording {}, which the store does not have", "replay_id"),
        ),
        (pl.col("session_id").is_null(), "no_session_id", "it names neither a session nor a recording"),
        (
            pl.col("session_id").is_in(known.implode()) | pl.lit(known.is_empty()), "not_recorded",
            "the store has no recording of its session: sampled out, too short, or never begun",
        ),
        (pl.lit(True), "unknown_session", "nothing else knows its session"),
    )  # fmt: skip
    joined = pl.col("reason") == "joined"
    offset = (pl.col("at") - pl.col("started_at")).dt.total_milliseconds()
    return (
        asked.join(_bots(events), on="user_agent", how="left", maintain_order="left", nulls_equal=True)
        .join(found, on="order", how="left", maintain_order="left")
        .with_columns(pl.col("is_bot").fill_null(False))
        .with_columns(verdict)
        .select(
            "event_id",
            pl.when(joined).then("found").alias("replay_id"),
            joined.alias("has_replay"),
            "reason",
            "detail",
            pl.when(joined).then(offset).alias("offset_ms"),
        )
    )


def _have(sessions: pl.DataFrame) -> bool:
    require(sessions, SESSIONS, ["session_id"])
    return not sessions.is_empty()


def _bots(events: pl.DataFrame) -> pl.DataFrame:
    """Judge each distinct user agent once."""
    agents = events.select(pl.col("user_agent").cast(TEXT).unique())
    judged = crawlers(agents["user_agent"].drop_nulls().to_list())
    return agents.with_columns(
        is_bot=pl.col("user_agent").replace_strict(judged, default=False, return_dtype=pl.Boolean)
    )


def _says_unsampled() -> pl.Expr:
    tag = pl.element().struct
    no = tag.field("key").is_in(["sampled", "trace_sampled"]) & tag.field("value").str.to_lowercase().is_in(
        ["false", "0"]
    )
    return pl.col("tags").list.eval(no).list.any().fill_null(False)


def _covered(backend: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    """Give the time that spans cover, with the five minutes that a trace may reach beyond the page's last call."""
    slack = pl.duration(minutes=5)
    ended = pl.col("started_at") + pl.duration(microseconds=pl.col("duration_us").fill_null(0))
    bounds = backend.select((pl.col("started_at").min() - slack).alias("first"), (ended.max() + slack).alias("last"))
    dtype = EVENTS.schema["at"]
    return pl.lit(bounds["first"][0], dtype=dtype), pl.lit(bounds["last"][0], dtype=dtype)


def _span_of(first: pl.Expr, last: pl.Expr) -> str:
    start, end = pl.select(first=first, last=last).row(0)
    return "nothing" if start is None else f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _first_true(*cases: tuple[pl.Expr, str, str | pl.Expr]) -> list[pl.Expr]:
    """Give `reason` and `detail` of the first case that holds."""
    reason, detail = pl.lit(None, dtype=TEXT), pl.lit(None, dtype=TEXT)
    for holds, name, said in reversed(cases):
        said = pl.lit(said) if isinstance(said, str) else said
        reason = pl.when(holds).then(pl.lit(name)).otherwise(reason)
        detail = pl.when(holds).then(said).otherwise(detail)
    return [reason.alias("reason"), detail.alias("detail")]
