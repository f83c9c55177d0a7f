"""Who is behind a bad vital: the element, script or interaction that web-vitals' attribution names, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from connectors.tables import VITALS, require
from workbench.rules.loader import load
from workbench.vitals.population import only_counted
from workbench.vitals.thresholds import rating

NOT_GOOD = ("needs-improvement", "poor")


def culprits(
    vitals: pl.DataFrame,
    by: Sequence[str] = (),
    *,
    ratings: Sequence[str] = NOT_GOOD,
    navigations: Sequence[str] | None = ("load",),
) -> pl.DataFrame:
    """Count what attribution blames for the page views whose vital was not good.

    Parameters
    ----------
    vitals
        Canonical `vitals`; `attribution` as the web-vitals library sends it.
    by
        Dimensions to keep apart beside the metric.
    ratings
        Page views looked at, by what their value is worth.
    navigations
        As in `vitals_percentiles`.

    Returns
    -------
    `by`, metric, `kind` (element, resource, script, interaction, moment), `culprit`, `n` page views, `share` of all
    that were looked at for the metric (kinds overlap), `p75` of their values, `phase` in which most of their time went
    with `phase_share`, the quick `fix`; for scripts and resources `url`, for scripts `char_position` in it (to
    symbolicate); `page_view_id` of the worst. Most blamed first. A page view whose attribution names nobody counts in
    the shares only.

    Examples
    --------
    >>> slow = '{"interactionTarget": "#buy", "inputDelay": 10, "processingDuration": 380, "presentationDelay": 10}'
    >>> vitals = pl.DataFrame({"metric": "INP", "value": [400.0, 40.0], "attribution": [slow, "{}"]})
    >>> culprits(vitals)["metric", "kind", "culprit", "n", "phase", "phase_share"].rows()
    [('INP', 'element', '#buy', 1, 'processing_duration', 0.95)]
    """
    bad, keys = _bad(vitals, by, ratings, navigations)
    who = [*keys, "kind", "culprit"]
    named = _named(bad)
    first_fix = {metric: rule["fix"] for metric, rule in _rules().items() if "fix" in rule}
    main_phase = (
        named.select("row", *who)
        .join(_spent(bad), on="row")
        .group_by([*who, "phase", "fix"])
        .agg(pl.col("ms").sum())
        .with_columns((pl.col("ms") / pl.col("ms").sum().over(who)).fill_nan(None).alias("phase_share"))
        .sort("phase_share", "phase", descending=[True, False], nulls_last=True)
        .unique(who, keep="first", maintain_order=True)
    )
    return (
        named.sort("value", "row", descending=[True, False])
        .group_by(who, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("value").quantile(0.75, interpolation="linear").alias("p75"),
            pl.col("url", "char_position", "page_view_id").first(),
        )
        .join(bad.group_by(keys).agg(pl.len().alias("_all")), on=keys, how="left", nulls_equal=True)
        .join(main_phase, on=who, how="left", nulls_equal=True)
        .with_columns(
            (pl.col("n") / pl.col("_all")).alias("share"),
            pl.coalesce("fix", _lookup("metric", first_fix)).alias("fix"),
        )
        .sort([*keys, "kind", "n", "culprit"], descending=[*[False] * (len(keys) + 1), True, False])
        .select(*who, "n", "share", "p75", "phase", "phase_share", "fix", "url", "char_position", "page_view_id")
    )


def phases(
    vitals: pl.DataFrame,
    by: Sequence[str] = (),
    *,
    ratings: Sequence[str] = NOT_GOOD,
    navigations: Sequence[str] | None = ("load",),
) -> pl.DataFrame:
    """Say in which part of the vital the time goes: one row per metric and phase, the longest first.

    Parameters
    ----------
    vitals, by, ratings, navigations
        As in `culprits`.

    Returns
    -------
    `by`, metric, phase, `n` page views that know it, `mean` (ms), `share` of the metric's time in all phases, `fix`.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "FCP", "value": [2000.0],
    ...                        "attribution": ['{"timeToFirstByte": 1500, "firstByteToFCP": 500}']})
    >>> phases(vitals)["phase", "mean", "share"].rows()
    [('time_to_first_byte', 1500.0, 0.75), ('first_byte_to_fcp', 500.0, 0.25)]
    """
    bad, keys = _bad(vitals, by, ratings, navigations)
    return (
        bad.select("row", *keys)
        .join(_spent(bad), on="row")
        .group_by([*keys, "phase", "fix"])
        .agg(pl.len().cast(pl.Int64).alias("n"), pl.col("ms").mean().alias("mean"), pl.col("ms").sum().alias("_all"))
        .with_columns((pl.col("_all") / pl.col("_all").sum().over(keys)).fill_nan(None).alias("share"))
        .sort([*keys, "share", "phase"], descending=[*[False] * len(keys), True, False])
        .select(*keys, "phase", "n", "mean", "share", "fix")
    )


def _rules() -> Mapping[str, Any]:
    return load("vitals", "attribution").data


def _bad(
    vitals: pl.DataFrame, by: Sequence[str], ratings: Sequence[str], navigations: Sequence[str] | None
) -> tuple[pl.DataFrame, list[str]]:
    require(vitals, VITALS, ["metric", "value", "attribution", *by])
    if "page_view_id" not in vitals.columns:
        vitals = vitals.with_columns(pl.lit(None, pl.String).alias("page_view_id"))
    bad = (
        only_counted(vitals, navigations)
        .with_columns(pl.col("metric", "attribution").cast(pl.String))
        .filter(rating(pl.col("value")).is_in(list(ratings)))
    )
    return bad.with_row_index("row"), list(dict.fromkeys([*by, "metric"]))


def _named(bad: pl.DataFrame) -> pl.DataFrame:
    """One row per page view, kind and culprit."""
    script = "$.longestScript.entry"
    unknown = pl.lit(None, pl.String)
    parts = []
    for metric, rule in _rules().items():
        for kind, paths in rule.get("culprits", {}).items():
            url = _text(paths) if kind in ("script", "resource") else unknown
            position = _text([f"{script}.sourceCharPosition"]) if kind == "script" else unknown
            position = position.cast(pl.Int64, strict=False)
            parts.append(
                bad.filter(pl.col("metric") == metric).with_columns(
                    pl.lit(kind).alias("kind"),
                    (_script(script, paths) if kind == "script" else _text(paths)).alias("culprit"),
                    url.alias("url"),
                    # browsers say -1 where they know no place
                    pl.when(position >= 0).then(position).alias("char_position"),
                )
            )
    return pl.concat(parts).filter(pl.col("culprit").is_not_null())


def _spent(bad: pl.DataFrame) -> pl.DataFrame:
    """One row per page view and phase that its attribution knows."""
    return pl.concat(
        bad.filter(pl.col("metric") == metric).select(
            "row",
            pl.lit(phase).alias("phase"),
            _text(part["paths"]).cast(pl.Float64, strict=False).alias("ms"),
            pl.lit(part["fix"]).alias("fix"),
        )
        for metric, rule in _rules().items()
        for phase, part in rule.get("phases", {}).items()
    ).filter(pl.col("ms") >= 0)


def _text(paths: Sequence[str]) -> pl.Expr:
    found = pl.coalesce(pl.col("attribution").str.json_path_match(path) for path in paths)
    return pl.when(found.str.len_bytes() > 0).then(found)


def _script(entry: str, paths: Sequence[str]) -> pl.Expr:
    """Name a script "function in file.js", or by what invoked it where the function has no name."""
    file = _text(paths).str.replace(r"[?#].*$", "").str.extract(r"([^/]+)/?$")
    function = pl.coalesce(_text([f"{entry}.sourceFunctionName"]), _text([f"{entry}.invoker"]))
    return (
        pl.when(file.is_not_null() & function.is_not_null())
        .then(pl.format("{} in {}", function, file))
        .otherwise(pl.coalesce(function, file))
    )


def _lookup(column: str, known: Mapping[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
