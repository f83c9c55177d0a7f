"""Each table's rows as records of a timeline: when, what kind, a title and a detail for people, how bad."""

from __future__ import annotations

import polars as pl

from connectors.tables import BOOL, FLOAT, INT, TEXT, TIME
from workbench.traces.failures import failing_spans

IDS = ("event_id", "session_id", "page_view_id", "trace_id", "span_id", "replay_id")
RECORD = {
    "at": TIME,
    "kind": TEXT,
    "title": TEXT,
    "detail": TEXT,
    "severity": TEXT,
    "source": TEXT,
    "path": TEXT,
    "until": TIME,
    **dict.fromkeys(IDS, TEXT),
}
LONGEST = 200


def records(frame: pl.DataFrame, kind: str, source: str, /, **columns: pl.Expr) -> pl.DataFrame:
    """Make records of a frame's rows; what is not given is null, ids are taken where the frame has them."""
    ids = {name: pl.col(name) for name in IDS if name in frame.columns}
    given = {"kind": pl.lit(kind), "source": pl.lit(source), "severity": pl.lit("info"), **ids, **columns}
    return frame.select(
        (given[name].cast(dtype) if name in given else pl.lit(None, dtype)).alias(name)
        for name, dtype in RECORD.items()
    )


def joined(*parts: pl.Expr | str) -> pl.Expr:
    """Put what is known side by side; null when nothing is."""
    said = pl.concat_str(*parts, separator=" · ", ignore_nulls=True)
    return pl.when(said != "").then(said)


def path_of(url: pl.Expr) -> pl.Expr:
    """Take scheme, host and fragment off an address."""
    return url.cast(TEXT).str.replace(r"^(?:[a-z][a-z+.-]*:)?//[^/?#]*", "").str.replace(r"#.*$", "").replace("", "/")


def cut(text: pl.Expr) -> pl.Expr:
    """Shorten a text to what a line of a table can hold."""
    text = text.cast(TEXT)
    return pl.when(text.str.len_chars() > LONGEST).then(text.str.head(LONGEST - 1) + "…").otherwise(text)


def of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Errors, as the browser reported them."""
    name = pl.col("type").cast(TEXT).fill_null("Error")
    handled = pl.when(pl.col("handled")).then(pl.lit("handled")).when(~pl.col("handled")).then(pl.lit("unhandled"))
    return records(
        events, "error", "events", at=pl.col("at"), severity=pl.lit("error"),
        title=cut(pl.concat_str(name, pl.col("message"), separator=": ", ignore_nulls=True)),
        detail=joined(handled, pl.col("mechanism").cast(TEXT), pl.col("route").cast(TEXT)),
    )  # fmt: skip


def of_page_views(page_views: pl.DataFrame) -> pl.DataFrame:
    """Pages that were opened."""
    return records(
        page_views, "page", "page_views", at=pl.col("at"), path=path_of(pl.col("page_url")),
        title=pl.format("page {}", pl.coalesce(path_of(pl.col("page_url")), pl.col("route").cast(TEXT), pl.lit("?"))),
        detail=pl.col("navigation_type").cast(TEXT),
    )  # fmt: skip


def of_requests(requests: pl.DataFrame) -> pl.DataFrame:
    """What the browser asked for; `until` is when the answer came, where that is known."""
    status, took = pl.col("status"), pl.col("duration_ms").cast(FLOAT)
    said = pl.coalesce(pl.col("endpoint").cast(TEXT), pl.concat_str(pl.col("method").cast(TEXT), "url", separator=" "))
    answer = pl.when(status >= 100).then(status.cast(TEXT)).otherwise(pl.lit("no answer"))
    bad = pl.when(status >= 400).then(pl.lit("error")).when((status < 100) | status.is_null()).then(pl.lit("warning"))
    return records(
        requests, "request", "requests", at=pl.col("at"),
        source=pl.format("requests ({})", pl.col("initiator").cast(TEXT).fill_null("?")),
        path=pl.concat_str(pl.col("method").cast(TEXT).fill_null("GET"), path_of(pl.col("url")), separator=" "),
        until=pl.col("at") + pl.duration(microseconds=(took * 1000).cast(INT)),
        title=pl.format("{} → {}", said.fill_null("?"), answer), severity=bad.otherwise(pl.lit("info")),
        detail=joined(path_of(pl.col("url")), pl.format("{} ms", took.round(0).cast(INT))),
    )  # fmt: skip


def of_breadcrumbs(breadcrumbs: pl.DataFrame) -> pl.DataFrame:
    """What the SDK noted: clicks, entries, navigations, console; requests and errors have tables of their own."""
    category = pl.col("category").cast(TEXT).fill_null("")
    target = pl.col("message").str.split(" > ").list.last()
    to = pl.coalesce(pl.col("data").str.json_path_match("$.to"), pl.col("message"))
    console = pl.coalesce(
        pl.col("message"), pl.col("data").str.json_path_match("$.arguments[0].message"), pl.col("data")
    )
    level = pl.col("level").cast(TEXT)
    severity = (
        pl.when(level.is_in(["error", "fatal"])).then(pl.lit("error")).when(level == "warning").then(pl.lit("warning"))
        .otherwise(pl.lit("info"))
    )  # fmt: skip
    own_tables = category.is_in(["fetch", "xhr", "http", "sentry.transaction", "replay"]) | category.str.starts_with(
        "performance"
    )
    rest = breadcrumbs.filter(~own_tables).unique(["at", "category", "message", "data"], maintain_order=True)
    kind = (
        pl.when(category == "ui.click").then(pl.lit("click")).when(category == "ui.input").then(pl.lit("input"))
        .when(category == "navigation").then(pl.lit("page")).when(category.is_in(["sentry.event", "exception"]))
        .then(pl.lit("error")).otherwise(pl.lit("breadcrumb"))
    )  # fmt: skip
    title = (
        pl.when(category == "ui.click").then(pl.format("click on {}", target.fill_null("?")))
        .when(category == "ui.input").then(pl.format("entry in {}", target.fill_null("?")))
        .when(category == "navigation").then(pl.format("page {}", path_of(to).fill_null("?")))
        .when(category.is_in(["sentry.event", "exception"])).then(pl.col("message").fill_null("error"))
        .otherwise(pl.format("{}: {}", category.replace("", "note"), cut(console).fill_null("")))
    )  # fmt: skip
    return records(
        rest, "breadcrumb", "breadcrumbs", at=pl.col("at"), kind=kind, title=cut(title), severity=severity,
        path=path_of(to), detail=pl.when(category.is_in(["ui.click", "ui.input"])).then("message"),
    )  # fmt: skip


def of_marks(marks: pl.DataFrame) -> pl.DataFrame:
    """What the recording shows the user doing."""
    own = marks.filter(pl.col("kind").is_in(["page", "click", "input"]))
    words = (
        pl.when(pl.col("kind") == "page").then(pl.format("page {}", path_of(pl.col("label")).fill_null("?")))
        .when(pl.col("kind") == "click").then(pl.format("click on {}", pl.col("label").fill_null("?")))
        .otherwise(pl.format("entry in {}", pl.col("label").fill_null("?")))
    )  # fmt: skip
    return records(
        own, "click", "replay", at=pl.col("at"), kind=pl.col("kind"), title=words, detail=pl.col("target"),
        path=pl.when(pl.col("kind") == "page").then(path_of(pl.col("label"))),
    )  # fmt: skip


def of_blank_pages(blank_pages: pl.DataFrame) -> pl.DataFrame:
    """Pages on which nothing could be read any more."""
    never = pl.col("kind") == "never_shown"
    words = pl.when(never).then(pl.lit("the page never shows anything")).otherwise(pl.lit("the page goes blank"))
    until = pl.when("until_end").then(pl.lit("until its recording ends")).otherwise(pl.lit("then its text comes back"))
    return records(
        blank_pages, "page", "replay", at=pl.col("blank_from"), title=words, detail=until, severity=pl.lit("error")
    )


def of_vitals(vitals: pl.DataFrame) -> pl.DataFrame:
    """Web vitals of the pages, the last value of each."""
    metric, value = pl.col("metric").cast(TEXT), pl.col("value")
    number = (
        pl.when(metric == "CLS").then(value.round(2).cast(TEXT))
        .when(value >= 1000).then(pl.format("{} s", (value / 1000).round(1)))
        .otherwise(pl.format("{} ms", value.round(0).cast(INT)))
    )  # fmt: skip
    rating = pl.col("rating").cast(TEXT)
    last = vitals.sort("at", maintain_order=True).unique(["page_view_id", "metric"], keep="last", maintain_order=True)
    return records(
        last, "vital", "vitals", at=pl.col("at"), title=pl.format("{} {}", metric, number),
        detail=joined(rating.str.replace("-", " "), path_of(pl.col("page_url"))),
        severity=pl.when(rating == "poor").then(pl.lit("warning")).otherwise(pl.lit("info")),
    )  # fmt: skip


def of_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Where the backend failed, and who swallowed it: one record a root cause, not one a span it failed through."""
    failed = failing_spans(spans, every=True)
    who = pl.concat_str(pl.col("service"), pl.col("name"), separator=" ", ignore_nulls=True)
    swallowed = pl.format(
        "{} answered {} all the same", pl.col("swallowed_by"), pl.col("swallowed_status").cast(TEXT).fill_null("well")
    )
    return records(
        failed, "span", "spans", at=pl.col("started_at"), title=cut(pl.format("{} failed", who)),
        detail=cut(joined("status_message", swallowed)), severity=pl.lit("error"),
    )  # fmt: skip


def of_support(sessions: pl.DataFrame, support: pl.DataFrame | None) -> pl.DataFrame:
    """Contacts with support; where only the fact is known, at the end of the session."""
    words = {"title": pl.lit("contacted support"), "severity": pl.lit("warning")}
    if support is not None:
        return records(support, "support", "support", at=pl.col("at"), **words)
    timed = "support_at" in sessions.columns
    at = pl.coalesce(pl.col("support_at") if timed else pl.lit(None, TIME), "ended_at", "started_at")
    known = pl.col("support_at").is_not_null() if timed else pl.lit(False, dtype=BOOL)
    return records(
        sessions.filter(pl.col("contacted_support").fill_null(False)), "support", "sessions", at=at, **words,
        detail=pl.when(~known).then(pl.lit("when is not recorded; put at the end of the session")),
    )  # fmt: skip


def of_releases(releases: pl.DataFrame) -> pl.DataFrame:
    """Deploys."""
    return records(
        releases.filter(pl.col("deployed_at").is_not_null()), "deploy", "releases", at=pl.col("deployed_at"),
        title=pl.format("release {} deployed", pl.col("release").cast(TEXT).str.head(12)),
        detail=pl.col("environment").cast(TEXT), severity=pl.lit("warning"),
    )  # fmt: skip
