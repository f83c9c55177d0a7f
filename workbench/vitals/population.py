"""Which rows of `vitals` a percentile is made of, and what became of the others.

A metric that a browser reports more than once for one page view counts with its last report. Values that cannot be true
are set aside with a reason and a count (`rules/vitals/plausible`). Page loads, restores from the back/forward cache,
prerendered pages and soft navigations are different things with different speeds: they are never mixed unasked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import polars as pl

from connectors.tables import VITALS, require
from workbench.rules.loader import load

NAVIGATIONS = ("load", "bfcache", "prerender", "soft")
"""Kinds of navigation. A reload, a restored tab and an uncached step back are loads."""

KIND_OF_TYPE = {"back-forward-cache": "bfcache", "prerender": "prerender", "soft-navigation": "soft"}
"""The kind of a `navigation_type`; all others are loads."""


class Treated(NamedTuple):
    """The rows that count, and one row per metric and reason for those that do not."""

    vitals: pl.DataFrame
    set_aside: pl.DataFrame


def navigation_kind(navigation_type: pl.Expr | None = None) -> pl.Expr:
    """Say which kind of navigation a `navigation_type` (web-vitals' words) is; unknown ones are loads.

    Examples
    --------
    >>> types = pl.DataFrame({"navigation_type": ["reload", "back-forward-cache", None]})
    >>> types.select(navigation_kind()).to_series().to_list()
    ['load', 'bfcache', 'load']
    """
    column = pl.col("navigation_type") if navigation_type is None else navigation_type
    kinds = pl.Enum(NAVIGATIONS)
    return (
        column.cast(pl.String)
        .replace_strict(list(KIND_OF_TYPE), list(KIND_OF_TYPE.values()), default="load", return_dtype=kinds)
        .alias("navigation")
    )


def only_navigations(vitals: pl.DataFrame, kinds: Sequence[str] | None) -> pl.DataFrame:
    """Keep the page views of some kinds of navigation; None keeps all, and so does a frame without the column.

    Raises
    ------
    ValueError
        A kind is not one of `NAVIGATIONS`.

    Examples
    --------
    >>> views = pl.DataFrame({"navigation_type": ["navigate", "prerender"]})
    >>> only_navigations(views, ["load"]).height
    1
    """
    require_kinds(kinds)
    if kinds is None:
        return vitals
    if "navigation_type" not in vitals.columns or vitals["navigation_type"].dtype == pl.Null:
        return vitals
    return vitals.filter(navigation_kind().is_in(list(kinds)))


def require_kinds(kinds: Sequence[str] | None) -> None:
    """Refuse what is no kind of navigation; see `only_navigations`.

    Examples
    --------
    >>> require_kinds(["load", "soft"])
    """
    if unknown := [kind for kind in kinds or () if kind not in NAVIGATIONS]:
        raise ValueError(f"no kind of navigation is called {unknown[0]!r}; there are: {', '.join(NAVIGATIONS)}")


def reason_set_aside() -> pl.Expr:
    """Say why a value cannot be true: null where it can.

    Reasons: `null`, `not a number`, `negative`, `zero`, `wrong unit` (seconds where milliseconds belong), `absurd`.
    A metric without a rule is only asked to be a number and not negative.

    Examples
    --------
    >>> rows = pl.DataFrame({"metric": ["LCP"] * 5 + ["CLS"], "value": [2.4, 2400.0, 3.6e6, -1.0, 0.0, 0.0]})
    >>> rows.select(reason_set_aside()).to_series().to_list()
    ['wrong unit', None, 'absurd', 'negative', 'zero', None]
    """
    value = pl.col("value").cast(pl.Float64)
    return (
        pl.when(value.is_null())
        .then(pl.lit("null"))
        .when(~value.is_finite())
        .then(pl.lit("not a number"))
        .when(value < 0)
        .then(pl.lit("negative"))
        .when((value == 0) & (limit_of("zero") == 0))
        .then(pl.lit("zero"))
        .when((value > 0) & (value < limit_of("smallest")))
        .then(pl.lit("wrong unit"))
        .when(value > limit_of("largest"))
        .then(pl.lit("absurd"))
        .alias("reason")
    )


def treat(vitals: pl.DataFrame) -> Treated:
    """Separate the rows of `vitals` that count from those that do not.

    Parameters
    ----------
    vitals
        Canonical `vitals`; repeated reports are told by `page_view_id` (with `session_id` and `navigation_type`), the
        one with the largest `at` stays, of those at one time the one with the largest value: what is reported again
        has grown.

    Returns
    -------
    `vitals` with the rows that count, in their order, and `set_aside` with metric, reason, n, first (a value): what the
    ledger of a report says about them. `repeated` is the reason of an earlier report.

    Examples
    --------
    >>> from datetime import datetime
    >>> day = datetime(2026, 3, 9)
    >>> rows = pl.DataFrame({"metric": "INP", "value": [40.0, 96.0, -1.0], "page_view_id": ["a", "a", "b"],
    ...                      "at": [day.replace(hour=hour) for hour in (8, 9, 10)]})
    >>> treated = treat(rows)
    >>> treated.vitals["value"].to_list(), treated.set_aside.rows()
    ([96.0], [('INP', 'negative', 1, -1.0), ('INP', 'repeated', 1, 40.0)])
    """
    require(vitals, VITALS, ["metric", "value"])
    judged = vitals.with_columns(reason_set_aside())
    later = _reported_later(judged, pl.col("reason").is_null())
    judged = judged.with_columns(pl.when(later).then(pl.lit("repeated")).otherwise(pl.col("reason")).alias("reason"))
    aside = (
        judged.filter(pl.col("reason").is_not_null())
        .group_by(pl.col("metric").cast(pl.String), "reason")
        .agg(pl.len().cast(pl.Int64).alias("n"), pl.col("value").first().alias("first"))
        .sort("metric", "reason")
    )
    return Treated(judged.filter(pl.col("reason").is_null()).drop("reason"), aside)


def only_counted(vitals: pl.DataFrame, kinds: Sequence[str] | None) -> pl.DataFrame:
    """Keep the rows that a percentile is made of: of some kinds of navigation, possible, and the last report each.

    Parameters
    ----------
    vitals
        As in `treat`, which says what went and why.
    kinds
        As in `only_navigations`.

    Examples
    --------
    >>> rows = pl.DataFrame({"metric": "CLS", "value": [0.1, 0.3, -1.0], "page_view_id": "a", "at": [1, 2, 3]})
    >>> only_counted(rows, None)["value"].to_list()
    [0.3]
    """
    possible = only_navigations(vitals, kinds).filter(reason_set_aside().is_null())
    later = _reported_later(possible, pl.lit(True))
    return possible.filter(~later) if later.any() else possible


def _reported_later(vitals: pl.DataFrame, measured: pl.Expr) -> pl.Series:
    """Say of which rows the page view reported the metric again."""
    none = pl.repeat(False, vitals.height, dtype=pl.Boolean, eager=True).alias("reported_later")
    if not {"page_view_id", "at"} <= set(vitals.columns):
        return none
    view = [name for name in ("page_view_id", "session_id", "navigation_type", "metric") if name in vitals.columns]
    asked = vitals.select(*view, "at", "value", (measured & pl.col("page_view_id").is_not_null()).alias("_asked"))
    asked = asked.with_row_index("_row").filter("_asked")
    # few are repeated, and their hashes tell them sooner than their names
    several = asked.filter(asked.select(pl.struct(view).hash()).to_series().is_duplicated())
    if several.is_empty():
        return none
    last = several.sort("at", "value", "_row").unique(view, keep="last", maintain_order=True)
    earlier = several.join(last.select("_row"), on="_row", how="anti")["_row"]
    return none.scatter(earlier, True)


@cache
def limits() -> Mapping[str, Mapping[str, float]]:
    """Return for each metric the smallest and largest plausible value, and whether zero is one (1) or not (0).

    Examples
    --------
    >>> limits()["INP"]
    {'smallest': 1.0, 'largest': 600000.0, 'zero': 1.0}
    """
    rules = load("vitals", "plausible").data
    return {metric: {part: float(limit) for part, limit in rule.items()} for metric, rule in rules.items()}


def limit_of(part: str) -> pl.Expr:
    """Return one of the `limits` of the `metric` column's metric as an expression; null for metrics without.

    Examples
    --------
    >>> pl.DataFrame({"metric": ["CLS", "TBT"]}).select(limit_of("largest")).to_series().to_list()
    [100.0, None]
    """
    known = {metric: rule[part] for metric, rule in limits().items()}
    return (
        pl.col("metric")
        .cast(pl.String)
        .replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Float64)
        .alias(part)
    )
