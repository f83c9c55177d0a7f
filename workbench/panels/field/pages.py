"""The chosen metric page by page, over time, and how its values lie."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from workbench.charts.distribution import distribution_chart
from workbench.charts.heatmap import MARKS, heatmap_chart
from workbench.charts.labels import plural, share, vital
from workbench.charts.trend import trend_chart
from workbench.panels.field.look import Look, estimate, on
from workbench.panels.incident.words import counted, listed, sentence
from workbench.panels.section import Picture, SectionView

MOST_MARKS = 8
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def pages_view(look: Look) -> SectionView:
    """The route by device heatmap."""
    routes = look.slice.routes(look.metric)
    if routes.is_empty():
        return SectionView(f"No page view sent {look.metric}{look.where()}.")
    rated = routes.filter(pl.col("rating").is_not_null())
    few = routes.height - rated.height
    said = []
    for rating, word in (("poor", "poor"), ("needs-improvement", "in need of improvement")):
        rows = rated.filter(pl.col("rating") == rating).sort("n", descending=True)
        if rows.height:
            names = [f"`{row['route']}` on {row['device_class']} ({vital(look.metric, row['p75'])})"
                     for row in rows.iter_rows(named=True)]  # fmt: skip
            said.append(sentence(f"{look.metric} is {word} on {listed(names)}"))
    if not said and rated.height:
        said.append(f"{look.metric} is good on every page that has enough page views to say.")
    if few:
        said.append(sentence(f"{counted(few, 'page and device', 'pages and devices')} have fewer than {look.few}"))
    method = f"p75 and page views of each page and device, most page views first{look.precision}: {MARKS}. "
    method += f"Hover for the interval.{look.pages_told}"
    return SectionView(" ".join(said), [Picture(heatmap_chart(routes))], method)


def trend_view(look: Look) -> SectionView:
    """The p75 over time, from roll-ups."""
    step, points = look.slice.trend(look.metric)
    shown, left_out = _deploys(look)
    drawn = trend_chart(points, _length(step), shown)
    told = points.filter(pl.col("p75").is_not_null())
    said = []
    for (device,), rows in told.sort("at").group_by(["device_class"], maintain_order=True):
        worst, best = rows.sort("p75").row(-1, named=True), rows.sort("p75").row(0, named=True)
        between = f"between {vital(look.metric, best['p75'])} and {vital(look.metric, worst['p75'])}"
        said.append(sentence(f"{on({'metric': look.metric, 'device_class': device})} was {between}" if rows.height > 1
                    else f"{on({'metric': look.metric, 'device_class': device})} was {estimate(worst)}"))  # fmt: skip
    gaps = points.height - told.height
    length = {"1h": "an hour", "1d": "a day", "1w": "a week"}.get(step, f"{step[:-1]} {_UNITS[step[-1]]}")
    method = (
        f"p75 of stretches of {length} with its 95 % interval, read from {'daily' if step[-1] != 'h' else 'hourly'} "
        "histograms (within 0.5 % of exact; page views taken as independent); each strip has its own scale."
    )
    if gaps:
        method += f" {plural(gaps, 'stretch', 'stretches')} with fewer than {look.few} are gaps."
    if left_out:
        method += f" The last {MOST_MARKS} of {MOST_MARKS + left_out} deploys are marked."
    return SectionView(" ".join(said), [Picture(drawn)], method)


def spread_view(look: Look) -> SectionView:
    """How the values lie, with p75 and p95."""
    state, metric = look.state, look.metric
    said = [
        sentence(
            f"{on(row)}: three in four page views within {vital(metric, row['p75'])}, nineteen in twenty within "
            f"{vital(metric, row['p95'])}; {share(row['share_poor'])} are poor"
        )
        for row in state.filter(pl.col("p75").is_not_null()).iter_rows(named=True)
    ]
    method = (
        "Page loads by value on a logarithmic scale, bars a tenth wide, each strip to its own highest bar; p75 and p95 "
        f"marked{look.precision}."
    )
    return SectionView(" ".join(said), [Picture(distribution_chart(look.slice.histogram(metric), state))], method)


def _deploys(look: Look) -> tuple[pl.DataFrame, int]:
    """The newest deploys of the window as marks, and how many are left out."""
    window = look.case.window
    deployed = look.case.releases.filter(pl.col("deployed_at").is_not_null())
    if window.start is not None:
        deployed = deployed.filter(pl.col("deployed_at") >= window.start)
    if window.end is not None:
        deployed = deployed.filter(pl.col("deployed_at") < window.end)
    marks = deployed.sort("deployed_at").select(
        pl.col("deployed_at").alias("at"),
        pl.concat_str(pl.lit("deploy "), pl.col("release").str.head(7)).alias("label"),
        pl.lit("deploy").alias("kind"),
    )
    return marks.tail(MOST_MARKS), max(0, marks.height - MOST_MARKS)


def _length(step: str) -> timedelta:
    return timedelta(**{_UNITS[step[-1]]: int(step[:-1])})
