"""What changed from one release or window to another, how surely, and whether the pages or the visitors did it."""

from __future__ import annotations

from typing import Any

import polars as pl

from workbench.case.comparison import Pair
from workbench.charts.labels import plural, release_name, vital
from workbench.charts.vitals import vitals_chart
from workbench.panels.field.look import Look, on, sampled
from workbench.panels.incident.words import listed, sentence
from workbench.panels.markup import Column, join, tag
from workbench.panels.section import Picture, Rows, SectionView

MOST_DRAWN, MOST_ROWS = 6, 12
_MIX = {"mix only": "the visitors changed, not the pages", "hidden by mix": "hidden by other visitors"}


def changes_view(look: Look) -> SectionView:
    """Which cohorts changed, drawn and in numbers."""
    pairs, overall = look.comparison.pairs, look.comparison.overall
    if not pairs:
        return SectionView(
            "Nothing to compare: the vitals name fewer than two releases whose order of deploy is known. "
            "Give `before` and `after`, each a release or a window such as `2026-03-02/2026-03-09`."
        )
    changed = overall.filter(pl.col("changed"))
    parts: list[Picture | Rows] = []
    for pair in pairs:
        of_pair = _of(changed, pair)
        if of_pair.height:
            heading = f"{_name(pair.names[1])} against {_name(pair.names[0])}"
            parts.append(Picture(vitals_chart(of_pair.head(MOST_DRAWN)), heading))
    parts.append(_table(look, overall))
    routes = look.comparison.by_route
    parts.append(_routes(routes))
    few = routes.filter(pl.col("verdict") == "too few").height
    tested = overall.filter(pl.col("verdict") != "too few").height
    method = (
        f"p75 before (blue) and after (red) with 95 % intervals, {look.independence}{look.precision}. "
        f"{changed.height} of {tested} cohorts changed by more than chance (false-discovery rate 5 % over all of them) "
        "and by what a user could notice. The pages' own change weighs the visitors after as they were before (region, "
        "connection). "
        f"Of {routes.height} cohorts by page, {few} have too few page views to say."
        f"{look.pages_told}{sampled(look.comparison.mix_sample, 'which change is the pages’ own')}"
    )
    return SectionView(_finding(look, changed), parts, method, _doubts(look))


def _finding(look: Look, changed: pl.DataFrame) -> str:
    said = []
    for pair in look.comparison.pairs:
        of_pair = _of(changed, pair)
        for verdict, word in (("regression", "worse"), ("improvement", "better")):
            rows = of_pair.filter(pl.col("verdict") == verdict)
            if rows.height:
                names = [f"{on(row)} {_step(row)}" for row in rows.head(4).iter_rows(named=True)]
                more = f" and {rows.height - 4} more" if rows.height > 4 else ""
                said.append(sentence(f"{word} with {_name(pair.names[1])}: {', '.join(names)}{more}"))
    quiet = [_name(pair.names[1]) for pair in look.comparison.pairs if _of(changed, pair).is_empty()]
    if quiet:
        said.append(sentence(f"no change beyond chance with {listed(quiet)}{look.where()}"))
    return " ".join(said)


def _table(look: Look, overall: pl.DataFrame) -> Rows:
    """The cohorts that changed, and those whose change is the visitors', one row each."""
    sides = [name for name in ("before", "after", "metric", "device_class") if name in overall.columns]
    mix = look.comparison.mix.rename({"finding": "mix_finding"})
    both = overall.join(
        mix.select(*sides, "true_change", "true_change_low", "true_change_high", "mix_change", "mix_finding"),
        on=sides, how="left", nulls_equal=True,
    )  # fmt: skip
    told = both.filter(pl.col("changed") | pl.col("mix_finding").is_in(list(_MIX)))
    rows = [
        [
            on(row), _code(row["after"]), _whole(_step(row)), _interval(row, "difference"), _p(row["q"]),
            _interval(row, "true_change"), _signed(row["metric"], row["mix_change"]),
            _MIX.get(row["mix_finding"]) or row["verdict"],
        ]
        for row in told.head(MOST_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    columns = ["What", "With", "p75", Column("Change", number=True), Column("q", number=True),
               Column("The pages' own", number=True), Column("The mix", number=True), "Verdict"]  # fmt: skip
    return Rows(columns, rows, "Changes in numbers" if rows else "")


def _routes(routes: pl.DataFrame) -> Rows:
    worse = routes.filter(pl.col("changed"))
    rows = [
        [on(row), _code(row["after"]), _whole(_step(row)), _interval(row, "difference"), _p(row["q"]),
         f"{row['n_before']:,} → {row['n_after']:,}", row["verdict"]]
        for row in worse.head(MOST_ROWS).iter_rows(named=True)
    ]  # fmt: skip
    columns = ["What", "With", "p75", Column("Change", number=True), Column("q", number=True),
               Column("Page views", number=True), "Verdict"]  # fmt: skip
    return Rows(columns, rows, "By page" if rows else "")


def _doubts(look: Look) -> list[str]:
    """What a collector cut off: a p75 of what is left says nothing."""
    found, sample = look.comparison.slice.censored
    told = [f"{on(row)}{_in_release(row)}: {row['detail']}." for row in found.head(4).iter_rows(named=True)]
    more = [f"{plural(found.height - 4, 'more group')} like this."] if found.height > 4 else []
    return [f"Values look cut off: {' '.join([*told, *more])}{sampled(sample)}"] if told else []


def _in_release(row: dict[str, Any]) -> str:
    return f" in release `{release_name(row['release'])}`" if row.get("release") else ""


def _of(table: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    before, after = pair.names
    return table.filter(pl.col("before") == before, pl.col("after") == after)


def _name(side: str) -> str:
    return f"`{release_name(side)}`"


def _step(row: dict[str, Any]) -> str:
    return f"{vital(row['metric'], row['p75_before'])} → {vital(row['metric'], row['p75_after'])}"


def _signed(metric: str, value: float | None) -> str:
    if value is None:
        return "–"
    return ("+" if value > 0 else "−" if value < 0 else "") + vital(metric, abs(value))


def _interval(row: dict[str, Any], name: str) -> object:
    """A change, its interval below."""
    if row[name] is None:
        return "–"
    low, high = (_signed(row["metric"], row[f"{name}_{end}"]) for end in ("low", "high"))
    return join([_signed(row["metric"], row[name]), tag("div", f"{low} to {high}", cls="bs-cap")])


def _code(side: str) -> object:
    return tag("code", release_name(side), cls="bs-nowrap")


def _whole(text: str) -> object:
    return tag("span", text, cls="bs-nowrap")


def _p(value: float | None) -> str:
    return "–" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"
