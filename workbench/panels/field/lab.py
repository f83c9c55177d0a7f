"""Field beside lab: where the lab is blind, which pages it never visits, what it would have caught before a deploy."""

from __future__ import annotations

import polars as pl

from workbench.charts.field_vs_lab import field_vs_lab_chart
from workbench.charts.labels import release_name, vital
from workbench.panels.field.look import Look, on
from workbench.panels.incident.words import counted, listed, sentence
from workbench.panels.markup import Column
from workbench.panels.section import Picture, Rows, SectionView
from workbench.vitals.field_vs_lab import LAB_METRICS

MOST_ROWS = 12


def lab_view(look: Look) -> SectionView:
    """Put the field beside the lab."""
    runs = look.case.lab_runs
    if runs.is_empty():
        return SectionView(
            "No lab run is known for this window: nothing says what a check before the deploy would have shown. "
            "Put Lighthouse results into the source, or name a lab store."
        )
    every = look.slice.lab()
    beside = every.filter(pl.col("metric").cast(pl.String) == look.metric)
    by_region = look.slice.lab("region")
    far = by_region.filter(pl.col("metric").cast(pl.String) == look.metric, pl.col("finding") == "lab is blind")
    said = [*_blind(look, beside, far), _unseen(every), *_caught(look)]
    if look.metric not in LAB_METRICS:
        said.insert(0, f"The lab has no users, hence no {look.metric}: no run would have shown it.")
    parts: list[Picture | Rows] = []
    if look.metric in LAB_METRICS:
        parts.append(Picture(field_vs_lab_chart(beside)))
        parts.append(_regions(look, far))
    parts.append(_regressions(look))
    method = (
        "The field's p75 with its 95 % interval beside the median of the lab's runs of the same page "
        f"and device class{look.precision}. "
        "The lab is blind where the whole interval lies in a worse band than the lab says. A regression counts as "
        "caught when the lab's runs of the two releases differ by more than runs scatter."
        f"{look.pages_told}"
    )
    return SectionView(" ".join(part for part in said if part), parts, method)


def _blind(look: Look, beside: pl.DataFrame, far: pl.DataFrame) -> list[str]:
    said = []
    blind = beside.filter(pl.col("finding") == "lab is blind")
    if blind.height:
        names = [f"`{row['route']}` on {row['device_class']} ({vital(look.metric, row['field'])}, lab "
                 f"{vital(look.metric, row['lab'])})" for row in blind.iter_rows(named=True)]  # fmt: skip
        said.append(f"The lab is blind for {look.metric} on {listed(names)}.")
    elif look.metric in LAB_METRICS and beside.filter(pl.col("finding") == "agree").height:
        said.append(f"Over all regions the lab and the field agree on {look.metric} wherever both looked.")
    regions = far["region"].drop_nulls().unique().sort().to_list() if far.height else []
    if regions:
        said.append(f"It does not see what users in {listed(regions)} see.")
    return said


def _unseen(every: pl.DataFrame) -> str:
    visited = every.filter(pl.col("n") > 0)
    if visited.is_empty():
        return "No visit of a page is known."
    pages = (
        visited.group_by("route")
        .agg((pl.col("finding") == "no lab run").all().alias("unseen"), pl.col("n").max())
        .filter("unseen")
        .sort("n", "route", descending=[True, False])
    )
    if pages.is_empty():
        return "Every page that users visit has a lab run."
    names = listed([f"`{route}`" for route in pages["route"].fill_null("unknown")])
    return sentence(f"{counted(pages.height, 'page has', 'pages have')} no lab run: {names}")


def _caught(look: Look) -> list[str]:
    table = look.comparison.lab
    if table.is_empty():
        return []
    counts = dict(table.group_by("lab_verdict").agg(pl.len()).rows())
    told = [f"{counted(counts[verdict], 'was', 'were')} {said}" for verdict, said in (
        ("caught", "visible in the lab before the deploy"), ("missed", "missed by it"),
        ("not measured", "not measured by it")) if verdict in counts]  # fmt: skip
    return [sentence(f"of {counted(table.height, 'regression')} by page, {listed(told)}")]


def _regions(look: Look, far: pl.DataFrame) -> Rows:
    rows = [
        [f"`{row['route']}`", row["device_class"], row["region"] or "–", f"{row['n']:,}",
         f"{vital(look.metric, row['field'])} ({vital(look.metric, row['field_low'])} – "
         f"{vital(look.metric, row['field_high'])})", vital(look.metric, row["lab"]),
         "–" if row["times"] is None else f"{row['times']:.1f}×"]
        for row in far.head(MOST_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    columns = ["Page", "Device", "Region", Column("Page views", number=True), Column("Field p75", number=True),
               Column("Lab", number=True), Column("Field over lab", number=True)]  # fmt: skip
    return Rows(columns, rows, "Where the lab is blind" if rows else "")


def _regressions(look: Look) -> Rows:
    table = look.comparison.lab
    rows = [
        [on(row), f"`{release_name(row['after'])}`", f"+{vital(row['metric'], row['difference'])}",
         vital(row["metric"], row["lab_before"]), vital(row["metric"], row["lab_after"]), row["lab_verdict"]]
        for row in table.head(MOST_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    columns = ["Regression in the field", "With", Column("Change", number=True), Column("Lab before", number=True),
               Column("Lab after", number=True), "The lab"]  # fmt: skip
    return Rows(columns, rows, "Regressions and the lab" if rows else "")
