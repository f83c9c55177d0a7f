"""How the vitals are: the headline of the report, and the state of every metric and device."""

from __future__ import annotations

import polars as pl

from workbench.charts.labels import count, plural, release_name
from workbench.charts.percentiles import percentiles_chart
from workbench.panels.field.look import CORE, RANK, Look, estimate, on
from workbench.panels.headline import HeadlineView, Kpi
from workbench.panels.incident.words import counted, listed, sentence
from workbench.panels.section import Picture, SectionView

MOST_TOLD = 4
_BAD = {"poor": "is poor", "needs-improvement": "needs improvement"}


def headline_view(look: Look) -> HeadlineView:
    """Say what changed, or else how things stand, in one sentence; then in numbers."""
    state, changes = look.slice.state, look.comparison.overall
    if state.is_empty():
        return HeadlineView("No vital was measured", _nothing(look))
    core = state.filter(pl.col("metric").cast(pl.String).is_in(CORE))
    rated = core.filter(pl.col("rating").is_not_null())
    good = rated.filter(pl.col("rating") == "good")
    worse, better = (
        changes.filter(pl.col("verdict") == verdict) if changes.width else changes
        for verdict in ("regression", "improvement")
    )
    tested = changes.filter(pl.col("verdict") != "too few").height if changes.width else 0
    aside = look.case.measured.set_aside["n"].sum()
    kpis = (
        Kpi(f"{good.height} of {rated.height}", "core vitals by device are good at p75"),
        Kpi(count(state.group_by("metric").agg(pl.col("n").sum())["n"].max()), "page views measured"),
        Kpi(f"{worse.height} of {tested}", "compared cohorts got worse"),
        Kpi(str(better.height), "got better"),
        Kpi(count(aside), "values set aside as impossible"),
    )
    return HeadlineView(_title(rated, worse, look), _standing(rated, look), kpis)


def _title(rated: pl.DataFrame, worse: pl.DataFrame, look: Look) -> str:
    core = worse.filter(pl.col("metric").cast(pl.String).is_in(CORE)) if worse.width else worse
    if core.height:
        after = core["after"][0]
        metrics = sorted(core.filter(pl.col("after") == after)["metric"].cast(pl.String).unique(), key=CORE.index)
        name = release_name(after)
        since = f"release `{name}`" if after in look.case.releases["release"] else name
        return f"{listed(metrics)} got worse with {since}{look.where()}"
    bad = rated.filter(pl.col("rating") != "good").sort(_rank(), "share_poor", descending=[False, True])
    if bad.height:
        row = bad.row(0, named=True)
        return f"{on(row)} {_BAD[row['rating']]}{look.where()}: p75 {estimate(row)}"
    if rated.is_empty():
        return f"Too few page views to rate any core vital{look.where()}"
    return f"Every core vital is good{look.where()}"


def _standing(rated: pl.DataFrame, look: Look) -> str:
    told = []
    for rating, said in (*_BAD.items(), ("good", "is good")):
        names = [on(row) for row in rated.filter(pl.col("rating") == rating).iter_rows(named=True)]
        if names:
            told.append(sentence(f"{listed(names, 6)} {said if len(names) == 1 else _plural(said)}"))
    return " ".join(told) or f"Fewer than {look.few} of each."


def _plural(said: str) -> str:
    return said.replace("is ", "are ").replace("needs ", "need ")


def _rank() -> pl.Expr:
    return pl.col("rating").replace_strict(RANK, return_dtype=pl.Int64)


def _nothing(look: Look) -> str:
    rows = look.case.measured.n
    if rows == 0:
        return f"The source has no vitals for this window ({look.case.window.describe()})."
    return f"{plural(rows, 'row')} of vitals came; none of them counts or fits this choice{look.where()}."


def state_view(look: Look) -> SectionView:
    """Every metric and device with its p75, interval and shares."""
    state = look.slice.state
    unsure = state.filter(pl.col("rating").is_not_null(), ~pl.col("rating_sure"))
    bad = state.filter(pl.col("rating").is_in(list(_BAD))).sort(_rank(), "share_poor", descending=[False, True])
    told = bad.head(MOST_TOLD).iter_rows(named=True)
    finding = [sentence(f"{on(row)} {_BAD[row['rating']]}, p75 {estimate(row)}") for row in told]
    if bad.height > MOST_TOLD:
        finding.append(sentence(f"{counted(bad.height - MOST_TOLD, 'more is', 'more are')} not good"))
    if state.filter(pl.col("rating").is_not_null()).is_empty():
        finding = ["Nothing has enough page views to be rated."]
    elif not finding:
        finding = ["Every metric is good on every device."]
    if unsure.height:
        names = listed([on(row) for row in unsure.iter_rows(named=True)])
        finding.append(f"The interval of {names} reaches into another band: the rating is not sure.")
    method = (
        f"p75 with its 95 % interval (order statistics; {look.independence}) over the bands of web.dev"
        f"{look.precision}; page loads only; groups below {look.few} get none."
    )
    return SectionView(
        " ".join(finding), [Picture(percentiles_chart(state, min_samples=look.slice.min_samples))], method
    )
