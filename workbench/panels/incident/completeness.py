"""What is missing from the evidence, in sentences for the top of the report and in rows for its ledger."""

from __future__ import annotations

import polars as pl

from workbench.case import Case
from workbench.charts.labels import plural, release_name, share
from workbench.panels.completeness import CompletenessView, outages
from workbench.panels.ledger import LedgerView

RELEASES = 5
NO_ERRORS = "No errors came: either there were none, or this source does not hold them."
TOLD = (
    "events", "frames", "breadcrumbs", "requests", "page_views", "sessions", "vitals", "replays", "spans", "releases",
    "artifacts", "lab_runs",
)  # fmt: skip
"""What the ledger lists, also where no section has needed it."""


def completeness_view(case: Case) -> CompletenessView:
    """Say what is partial, the gravest first; all is asked for, so that no outage shows below the findings only."""
    _ask(case)
    unmapped = _missing_maps(case)
    joins = missing(case)
    reports = case.evidence.reports
    said = [
        *outages(reports),
        *([NO_ERRORS] if case.events.is_empty() else []),
        *unmapped,
        *_of_what(joins, "replay", "no replay"),
        *_of_what(joins, "backend trace", "no backend trace"),
        *(
            f"{plural(len(report.refused), 'record')} of {report.table.replace('_', ' ')} set aside: "
            f"{report.refused[0].reason} ({report.refused[0].place})."
            for report in reports
            if report.refused
        ),
    ]
    return CompletenessView(tuple(said), len(outages(reports)))


def ledger_view(case: Case) -> LedgerView:
    """Every fetch, and why single pieces of evidence are missing."""
    _ask(case)
    return LedgerView(
        case.evidence.reports,
        missing(case).select("what", "reason", "n", "share"),
        "A row that was set aside is named with its place; nothing else of its file is lost. Times are UTC.",
    )


def _ask(case: Case) -> None:
    for name in TOLD:
        if name == "vitals":
            case.evidence.rows(name)  # millions of them are counted, not held
        else:
            case.evidence.table(name)


def missing(case: Case) -> pl.DataFrame:
    """Count why errors that are not noise lack a replay, a backend trace, a source position.

    Returns
    -------
    what, reason (for people), n, share (of the errors that are not noise); most first.
    """
    signal = case.grouping.events.filter(pl.col("noise_class").is_null()).select("event_id")
    throwing = case.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
    looked = [
        ("replay", case.replay_joins.filter(~pl.col("has_replay"))),
        ("backend trace", case.trace_joins.filter(~pl.col("has_backend"))),
        ("source position", throwing.filter(pl.col("source").is_null()).select(
            "event_id", reason=pl.concat_str("map_status", "map_detail", separator=": ", ignore_nulls=True))),
    ]  # fmt: skip
    counted = [
        frame.join(signal, on="event_id", how="semi")
        .group_by(pl.col("reason").cast(pl.String))
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .select(pl.lit(what).alias("what"), "reason", "n", (pl.col("n") / max(signal.height, 1)).alias("share"))
        .sort("n", "reason", descending=[True, False])
        for what, frame in looked
    ]
    return pl.concat(counted).with_columns(pl.col("reason").str.replace_all("_", " "))


def _missing_maps(case: Case) -> list[str]:
    signal = case.grouping.events.filter(pl.col("noise_class").is_null()).select("event_id")
    unmapped = (
        case.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
        .filter(pl.col("source").is_null())
        .join(signal, on="event_id", how="semi")
        .group_by("release", "map_status")
        .agg(pl.len().alias("n"), pl.col("map_detail").drop_nulls().first())
        .sort("n", "release", descending=[True, False])
    )
    words = {"no_artifact": "no source map was uploaded", "not_javascript": "their code is no bundle of ours"}
    others = unmapped.tail(-RELEASES)
    rest = f"{plural(int(others['n'].sum()), 'more error')} of other releases could not be mapped; see Source maps."
    return [
        f"{plural(row['n'], 'error')} of release `{release_name(row['release'])}` could not be mapped "
        f"({words.get(row['map_status'], row['map_detail'] or row['map_status'].replace('_', ' '))})."
        for row in unmapped.head(RELEASES).iter_rows(named=True)
    ] + [rest] * (others.height > 0)


def _of_what(joins: pl.DataFrame, what: str, said: str) -> list[str]:
    rows = joins.filter(pl.col("what") == what)
    if rows.is_empty():
        return []
    reasons = ", ".join(f"{row['reason']} {share(row['share'])}" for row in rows.head(3).iter_rows(named=True))
    return [f"{share(rows['share'].sum())} of errors have {said} ({reasons})."]
