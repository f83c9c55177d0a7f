"""What is not in these numbers: values that cannot be true, page views of another kind; where the rows came from."""

from __future__ import annotations

import polars as pl

from workbench.charts.labels import count, plural
from workbench.panels.completeness import CompletenessView, outages
from workbench.panels.field.look import Look
from workbench.panels.incident.words import listed, sentence
from workbench.panels.ledger import LedgerView
from workbench.panels.markup import Column, tag
from workbench.panels.section import Rows, SectionView

REASONS = {
    "null": "the beacon held no value",
    "not a number": "NaN or infinite: a division in the collector",
    "negative": "a clock went backwards",
    "zero": "a page that painted at 0 ms was restored or prerendered",
    "wrong unit": "too small for milliseconds, as a rule seconds; what was meant is not guessed",
    "absurd": "above ten minutes (CLS: above 100): a clock jumped, a tab slept, another unit",
    "repeated": "an earlier report of the same page view; the last one counts",
}
KINDS = {
    "load": "page loads, reloads, uncached steps back",
    "bfcache": "restored from the back/forward cache",
    "prerender": "prerendered before the click",
    "soft": "soft navigations within the page",
}


def aside_view(look: Look) -> SectionView:
    """Count what was set aside by reason, and what is kept apart by kind of navigation."""
    aside, kinds = look.case.measured.set_aside, look.case.measured.navigations
    whole = int(kinds["n"].sum() + aside["n"].sum())
    impossible = int(aside["n"].sum())
    loads = int(kinds.filter(pl.col("navigation") == "load")["n"].sum())
    apart = int(kinds["n"].sum()) - loads
    said = (
        "No vitals came."
        if not whole
        else f"Every one of {count(whole)} values can be true."
        if not impossible
        else f"{count(impossible)} of {count(whole)} values do not count."
    )
    if apart:
        said += f" {plural(apart, 'value')} of other kinds of navigation are kept apart from the page loads."
    elif whole:
        said += " All of them are of page loads."
    reasons = [
        [row["metric"], row["reason"], count(row["n"]), REASONS.get(row["reason"], "")]
        for row in aside.sort("metric", "n", descending=[False, True]).iter_rows(named=True)
    ]
    kept = [
        [tag("span", KINDS[name].capitalize(), cls="bs-nowrap"), count(rows["n"].sum()),
         listed([f"{metric} {count(n)}" for metric, n in rows.select("metric", "n").iter_rows()], 6)]
        for (name,), rows in kinds.sort("metric").group_by(["navigation"], maintain_order=True)
    ]  # fmt: skip
    parts = [
        Rows(
            ["Metric", "Reason", Column("Values", number=True), Column("What it is", wide=True)],
            reasons,
            "Set aside" if reasons else "",
        ),
        Rows(["Kind of page view", Column("Values", number=True), Column("By metric", wide=True)], kept, "By kind"),
    ]
    method = (
        "Limits of what can be true stand in the dated rules `vitals/plausible`. Values are set aside, never "
        "corrected; crawlers' page views are left out before."
    )
    return SectionView(said, parts, method)


def completeness_view(look: Look) -> CompletenessView:
    """Say what is missing of the vitals."""
    reports = [report for report in look.case.evidence.reports if report.table in ("vitals", "sessions", "lab_runs")]
    asked = [report for report in reports if report.table == "vitals"]
    none = asked and not any(report.failed for report in asked) and look.case.measured.n == 0
    return CompletenessView((
        *outages(reports),
        *(["No vitals came: either nobody measured any, or this source does not hold them."] if none else []),
        *(f"{_table(report.table)} are sampled: {report.sampling}." for report in reports if report.sampling),
        *(sentence(f"{plural(len(report.refused), 'record')} of {report.table.replace('_', ' ')} set aside: "
                   f"{report.refused[0].reason} ({report.refused[0].place})") for report in reports if report.refused),
    ), len(outages(reports)))  # fmt: skip


def ledger_view(look: Look) -> LedgerView:
    """Every fetch that this report rests on."""
    for name in ("vitals", "sessions", "releases", "lab_runs"):
        look.case.evidence.rows(name)
    assert look.case.measured.set_aside is not None
    return LedgerView(look.case.evidence.reports, method="Times are UTC. What does not count is counted in the note.")


def _table(name: str) -> str:
    return name.replace("_", " ").capitalize()
