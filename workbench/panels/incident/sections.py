"""The sections that need only a few lines each: funnel, errors over time, vitals, noise, source maps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from workbench.case import Case
from workbench.charts.labels import count, milliseconds, release_name, share, shorten, vital
from workbench.panels.funnel import FunnelView
from workbench.panels.incident.words import listed, sentence
from workbench.panels.noise import NoiseView
from workbench.panels.privacy import LeaksView
from workbench.panels.rates import RatesView
from workbench.panels.source_maps import SourceMapsView
from workbench.panels.vitals import VitalsView

COHORTS_SHOWN = 8
STEPS = ("1s", "5s", "15s", "1m", "5m", "15m", "1h", "3h", "6h", "1d")
BARS = 80
FEWEST = 12
NAMED = 6


def funnel_view(case: Case) -> FunnelView:
    """Give the funnel of a case."""
    return FunnelView(
        case.funnel.rename({"step": "stage"}), case.noise.select("noise_class", pl.col("events").alias("n"))
    )


def rates_view(case: Case) -> RatesView:
    """Give errors over time in the finest stretches of which no more than `BARS` are needed."""
    events = case.events
    if events.is_empty():
        return RatesView(pl.DataFrame(), pl.DataFrame())
    span = events["at"].max() - events["at"].min()  # type: ignore[operator]
    every = next((step for step in STEPS if span / _length(step) <= BARS), STEPS[-1]) if span else "5m"
    counts = case.errors_over_time(every)
    grid = _grid(case, counts, every)
    rates = grid.join(counts, on="at", how="left").with_columns(pl.col("errors", "noise").fill_null(0))
    marks = _marks(case)
    many = f" {count(marks.height)} deploys and other moments are marked, and named where there is room." * (
        marks.height > NAMED
    )
    said = milliseconds(_length(every).total_seconds() * 1000)
    return RatesView(rates, marks, f"Errors in stretches of {said}, noise in grey behind them.{many}")


def _grid(case: Case, counts: pl.DataFrame, every: str) -> pl.DataFrame:
    """Give every stretch from the first to the last, and where these are few, some of the window around them."""
    step, (first, last) = _length(every), counts.select(pl.min("at"), pl.max("at").alias("last")).row(0)
    around = max(FEWEST - 1 - round((last - first) / step), 0)
    start, end = first - step * (around // 2), last + step * (around - around // 2)
    while case.window.start is not None and start + step <= case.window.start:
        start += step
    while case.window.end is not None and end >= case.window.end and end > last:
        end -= step
    return pl.DataFrame({"at": pl.datetime_range(start, end, every, eager=True).cast(counts.schema["at"])})


def _length(step: str) -> timedelta:
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    return timedelta(**{units[step[-1]]: int(step[:-1])})


def _marks(case: Case) -> pl.DataFrame:
    blamed = case.bugs["release"].drop_nulls().unique()
    deploys = case.deploys.select(
        at="deployed_at",
        label=pl.format("deploy {}", pl.col("release").map_elements(deploy_name, return_dtype=pl.String)),
        kind=pl.lit("deploy"),
        chief=pl.col("release").is_in(blamed.implode()),
    )
    support = case.sessions["support_at"].min()
    heard = pl.DataFrame(
        {
            "at": [support] if support else [],
            "label": ["support hears"] if support else [],
            "kind": ["support"] if support else [],
            "chief": [True] if support else [],
        },
        schema=deploys.schema,
    )
    return pl.concat([deploys, heard]).sort("at")


def deploy_name(release: str) -> str:
    """Name a release so that it fits above a line: without its package, a commit by its first digits.

    Examples
    --------
    >>> deploy_name("shop@7f3c2e1d90aa"), deploy_name("storefront@4.2.0"), deploy_name("main-branch-2026-03-09-build-7")
    ('7f3c2e1', '4.2.0', 'main-bra…build-7')
    """
    return shorten(release_name(release.rpartition("@")[2] or release), 16)


def vitals_view(case: Case) -> VitalsView:
    """Give the vitals of the breaking release against the one before it."""
    before, after = case.previous_release, case.breaking_release
    if before is None or after is None:
        why = "no bug names a release" if after is None else f"no release before `{release_name(after)}` is known"
        return VitalsView("", pl.DataFrame(), nothing=f"Nothing to compare: {why}.")
    overall, by_route = case.vitals_change, case.vitals_change_by_route
    pair = f"release `{release_name(after)}` against `{release_name(before)}`"
    worse = overall.filter(pl.col("verdict") == "regression")
    if worse.is_empty():
        finding = f"No vital got worse with {pair}."
    else:
        told = [_cohort(row) for row in worse.sort(_urgency(), maintain_order=True).head(4).iter_rows(named=True)]
        finding = sentence(f"With {pair} got worse: {listed(told)}")
    routes = by_route.filter(pl.col("verdict") == "regression")
    where = (
        f" By page: {'; '.join(_cohort(row) for row in routes.head(3).iter_rows(named=True))}." if routes.height else ""
    )
    few = by_route.filter(pl.col("verdict") == "too few").height
    changed, measured = _counts(overall)
    method = (
        f"p75 with its 95 % interval over the good, needs-improvement and poor bands, {release_name(before)} in blue, "
        f"{release_name(after)} in red; {changed} of {measured} cohorts changed (false-discovery rate 5 %).{where} "
        f"Of {by_route.height} cohorts by page, {few} have too few page views to say."
        f"{f' Percentiles are {precision}.' if (precision := case.measured.precision) else ''}"
    )
    shown = overall.filter(pl.col("verdict") != "too few")
    return VitalsView(finding, shown.sort(_urgency(), maintain_order=True).head(COHORTS_SHOWN), method)


def _urgency() -> pl.Expr:
    """Put what got worse first, and what users feel (INP, CLS, LCP) before the parts it is made of."""
    order = {"INP": 0, "CLS": 1, "LCP": 2, "FCP": 3, "TTFB": 4}
    worse = pl.col("verdict") != "regression"
    return worse.cast(pl.Int64) * 10 + pl.col("metric").cast(pl.String).replace_strict(
        order, default=5, return_dtype=pl.Int64
    )


def _counts(changes: pl.DataFrame) -> tuple[int, int]:
    verdicts = changes["verdict"].to_list()
    return sum(v in ("regression", "improvement") for v in verdicts), sum(v != "too few" for v in verdicts)


def _cohort(row: dict[str, Any]) -> str:
    where = f" `{row['route']}`" if row.get("route") else ""
    before, after = vital(row["metric"], row["p75_before"]), vital(row["metric"], row["p75_after"])
    return f"{row['metric']} on {row['device_class']}{where} {before} → {after}".replace(" ms", "\u00a0ms")


def noise_view(case: Case) -> NoiseView:
    """Give the noise by class."""
    n = int(case.noise["events"].sum())
    total = case.funnel["n"][0]
    left = share(n / total) if total else "–"
    return NoiseView(case.noise, total, f"{left} of all errors. Nothing was dropped: "
                     "`case.noise` counts them, `case.grouping.events` names the rule of each.")  # fmt: skip


def leaks_view(case: Case) -> LeaksView:
    """Give the personal data that stands in clear in recordings."""
    return LeaksView(case.leaks, case.recordings["replay_id"].n_unique())


def maps_view(case: Case) -> SourceMapsView:
    """Give the verdict on each release's source maps."""
    return SourceMapsView(case.map_audit)
