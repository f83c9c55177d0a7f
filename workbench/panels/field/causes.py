"""Behind slow page views: what they have in common, and which element, script or interaction is blamed."""

from __future__ import annotations

from typing import Any

import polars as pl

from workbench.charts.contrast import contrast_chart
from workbench.charts.labels import count, milliseconds, plural, release_name, share, shorten, vital
from workbench.panels.field.look import Look, sampled
from workbench.panels.incident.words import listed, sentence
from workbench.panels.markup import Column, tag
from workbench.panels.section import Picture, Rows, SectionView
from workbench.vitals.thresholds import thresholds

MOST_CULPRITS = 5
_KINDS = ("element", "script", "resource", "interaction", "moment")


def common_view(look: Look) -> SectionView:
    """What slow page views have in common and the others have not."""
    slow = look.slice.slow(look.metric)
    if slow.n == 0 or slow.n_slow in (0, slow.n):
        which = "None" if slow.n_slow == 0 else "Every one"
        return SectionView(f"{which} of {plural(slow.n, 'page view')} is slow by {look.metric}{look.where()}.")
    differing = slow.values.filter(pl.col("differs"), pl.col("share_hit") > pl.col("share_other"))
    who = f"{count(slow.n_slow)} of {count(slow.n)} page views are slow by {look.metric} ({slow.means}){look.where()}"
    if differing.height:
        traits = [f"{_trait(row)} ({share(row['share_hit'])} against {share(row['share_other'])} of the others)"
                  for row in differing.head(3).iter_rows(named=True)]  # fmt: skip
        finding = f"{who}. What they have in common: {listed(traits)}."
    else:
        finding = f"{who}. Nothing that is known of them sets them apart."
    parts = [Picture(contrast_chart(slow.values, top=6, hit="slow", what="page views")), _numbers(slow.numbers)]
    method = (
        "One page view of each session, so that all are independent. Shares with Wilson's 95 % intervals, ratio of "
        f"slow to others; numbers by rank sum; false-discovery rate 5 % each.{sampled(slow.sample)}"
    )
    return SectionView(finding, parts, method)


def _trait(row: dict[str, Any]) -> str:
    name = {"device_class": "device", "route": "page"}.get(row["dimension"], row["dimension"])
    value = release_name(row["value"]) if row["dimension"] == "release" else row["value"]
    value = f"`{value}`" if row["dimension"] in ("route", "release") else value
    return f"{name} {value}"


def _numbers(numbers: pl.DataFrame) -> Rows:
    told = numbers.filter(pl.col("p").is_not_null())
    rows = [
        [
            row["number"] if row["number"] not in thresholds() else f"{row['number']} of the same page view",
            _number(row["number"], row["median_hit"]), _number(row["number"], row["median_other"]),
            share(row["above"]), "differs" if row["differs"] else "no difference",
        ]
        for row in told.iter_rows(named=True)
    ]  # fmt: skip
    columns = ["Number", Column("Median, slow", number=True), Column("Median, others", number=True),
               Column("Slow one is larger", number=True), ""]  # fmt: skip
    return Rows(columns, rows, "Numbers beside it" if rows else "")


def _number(name: str, value: float) -> str:
    return vital(name, value) if name in thresholds() else f"{value:.0f}"


def behind_view(look: Look) -> SectionView:
    """Who is blamed by the browsers themselves, and the quick fix."""
    blamed, phases, sample = look.slice.behind(look.metric)
    blamed = blamed.filter(pl.col("metric") == look.metric)
    if blamed.is_empty() and phases.is_empty():
        return SectionView(
            f"No page view whose {look.metric} is not good says what was behind it{look.where()}: either all are good, "
            "or the beacons carry no attribution (web-vitals' `attribution` build sends it).",
            method=sampled(sample).strip(),
        )
    said = [
        sentence(
            f"on {row['device_class'] or 'unknown devices'} {share(row['share'])} of the time goes into the "
            f"{_phase(row['phase'])}: {row['fix']}"
        )
        for row in phases.group_by("device_class", maintain_order=True).first().iter_rows(named=True)
    ]
    if blamed.height:
        row = blamed.sort(_kind(), "n", descending=[False, True]).row(0, named=True)
        said.insert(0, sentence(f"most blamed: `{shorten(row['culprit'], 60)}`"))
        if phases.is_empty() and row["fix"]:
            said.append(sentence(row["fix"]))
    parts = [
        part
        for (device,), rows in blamed.group_by(["device_class"], maintain_order=True)
        for part in (_named(device, rows), _spent(phases.filter(pl.col("device_class").eq_missing(pl.lit(device)))))
    ]
    method = (
        f"Of page views whose {look.metric} is not good, what web-vitals' attribution names; kinds overlap, so shares "
        f"do not add up. Fixes after web.dev, by the phase in which most of the time goes.{sampled(sample)}"
    )
    return SectionView(" ".join(said), parts, method)


def _named(device: str | None, blamed: pl.DataFrame) -> Rows:
    """Who is named, the most often first within its kind."""
    shown = (
        blamed.group_by("kind", maintain_order=True).head(MOST_CULPRITS).sort(_kind(), "n", descending=[False, True])
    )
    timed = shown["phase"].is_not_null().any()
    rows = [
        [
            row["kind"], tag("code", shorten(row["culprit"], 58), title=row["culprit"]), count(row["n"]),
            share(row["share"]), tag("span", vital(row["metric"], row["p75"]), cls="bs-nowrap"),
            *([_most(row)] if timed else []),
        ]
        for row in shown.iter_rows(named=True)
    ]  # fmt: skip
    columns = ["Kind", Column("Named", wide=True), Column("Page views", number=True), Column("Share", number=True),
               Column("p75", number=True), *([_WHERE] if timed else [])]  # fmt: skip
    return Rows(columns, rows, str(device or "unknown device").capitalize())


def _most(row: dict[str, Any]) -> object:
    """In which phase most of the time of a culprit's page views goes."""
    if row["phase"] is None:
        return "–"
    return tag("span", f"{_phase(row['phase'])} {share(row['phase_share'])}", cls="bs-nowrap")


def _spent(phases: pl.DataFrame) -> Rows:
    """Where the time goes, and the quick fix of each phase."""
    rows = [
        [tag("span", _phase(row["phase"]), cls="bs-nowrap"), share(row["share"]),
         tag("span", milliseconds(row["mean"]), cls="bs-nowrap"), row["fix"]]
        for row in phases.iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        "Phase",
        Column("Share of the time", number=True),
        Column("Mean", number=True),
        Column("Quick fix", wide=True),
    ]
    return Rows(columns, rows)


_WHERE = "Most of its time in"


def _kind() -> pl.Expr:
    return pl.col("kind").replace_strict(list(_KINDS), range(len(_KINDS)), default=9, return_dtype=pl.Int64)


def _phase(name: str) -> str:
    return name.replace("_", " ")
