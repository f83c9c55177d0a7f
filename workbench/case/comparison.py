"""Before and after: a release against another, a window against another, or every deploy against the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
from scipy import special

from connectors.exceptions import ParameterError
from connectors.stores import Window
from workbench.case.slices import WHO, WHOLE, Choice, Sample, take
from workbench.statistics import benjamini_hochberg, critical_value
from workbench.vitals.cohorts import compare_cohorts, compare_deploys
from workbench.vitals.field_vs_lab import caught_by_lab
from workbench.vitals.mix import STRATA, mix_shift

if TYPE_CHECKING:
    from workbench.case.measured import Measured

Side = str | Window


@dataclass(frozen=True)
class Pair:
    """Two sides: releases as they stand in the rows, or windows."""

    before: Side
    after: Side

    @property
    def names(self) -> tuple[str, str]:
        """Both sides in words; a release as it is."""
        return _name(self.before), _name(self.after)


def side_of(text: str, releases: list[str], name: str) -> Side:
    """Read what a side is compared: a release or the beginning of one, or a window as "2026-03-02/2026-03-09".

    Raises
    ------
    ParameterError
        No release begins so, several do, or a time cannot be read.

    Examples
    --------
    >>> side_of("7f3c", ["7f3c2e1d", "a1b2c3d4"], "after")
    '7f3c2e1d'
    >>> side_of("2026-03-02/2026-03-09", [], "before").describe()
    '2026-03-02 00:00 UTC – 2026-03-09 00:00 UTC'
    >>> side_of("9", ["7f3c2e1d"], "after")
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: after: no release begins with 9; there are: 7f3c2e1d
    """
    if "/" in text and text not in releases:
        try:
            start, end = (_utc(datetime.fromisoformat(part)) for part in text.split("/", 1))
        except ValueError:
            raise ParameterError(
                f"{name}: {text!r} is no release and no window; give two times, as 2026-03-02/2026-03-09"
            ) from None
        if start >= end:
            raise ParameterError(f"{name}: the window {text} ends before it starts")
        return Window(start, end)
    found = [text] if text in releases else [release for release in releases if release.startswith(text)]
    if len(found) == 1:
        return found[0]
    wrong = "several releases begin" if found else "no release begins"
    raise ParameterError(f"{name}: {wrong} with {text}; there are: {', '.join(found or releases) or 'none'}")


def deploys(measured: Measured) -> list[Pair]:
    """Return every release that has rows with the one that was live before it, in order of deploy.

    Where fewer than two deploys are known the order is that in which the releases were first seen.
    """
    there = set(measured.values("release"))
    order = [release for release in measured.case.releases["release"].unique(maintain_order=True) if release in there]
    if len(order) < 2 <= len(there):
        order = measured.first_seen
    return [Pair(before, after) for before, after in pairwise(order)]


class Comparison:
    """What changed between the sides of one or several pairs, for a choice of the vitals."""

    def __init__(
        self, measured: Measured, pairs: Sequence[Pair], choice: Choice | None = None, *, min_samples: int = 30
    ) -> None:
        chosen = choice or Choice()
        held = Choice(**{**chosen.__dict__, "release": None})
        self.slice = measured.slice(held, min_samples=min_samples)
        self.measured = measured
        self.pairs = list(pairs)
        self.min_samples = min_samples

    @cached_property
    def overall(self) -> pl.DataFrame:
        """Each metric and device: before, after and the columns of `vitals.compare_cohorts`."""
        return self._compare(["metric", "device_class"])

    @cached_property
    def by_route(self) -> pl.DataFrame:
        """The same for each route."""
        return self._compare(["metric", "device_class", "route"])

    @property
    def mix(self) -> pl.DataFrame:
        """Of each pair, metric and device, what the pages did and what the visitors did; see `vitals.mix_shift`."""
        return self._mixed[0]

    @property
    def mix_sample(self) -> Sample:
        """How many rows the mix was told from; of several sides, of the one with the smallest share."""
        return self._mixed[1]

    @cached_property
    def _mixed(self) -> tuple[pl.DataFrame, Sample]:
        parts, sample = [], WHOLE
        for pair in self.pairs:
            sides = [self._visitors(side) for side in (pair.before, pair.after)]
            shift = mix_shift(
                *(rows for rows, _ in sides), ["metric", "device_class"], min_samples=self.min_samples,
                cluster=self.measured.cluster,
            )  # fmt: skip
            names = dict(zip(("before", "after"), pair.names, strict=True))
            parts.append(shift.select(*(pl.lit(name).alias(side) for side, name in names.items()), pl.all()))
            sample = max(sample, *(taken for _, taken in sides), key=lambda taken: taken.one_in)
        return (_sure_of_hidden(pl.concat(parts, how="vertical_relaxed")) if parts else pl.DataFrame()), sample

    def _visitors(self, side: Side) -> tuple[pl.DataFrame, Sample]:
        """What the mix of a side is told from."""
        rows = self._rows(side)
        have = rows.collect_schema().names()
        return take(rows.select(name for name in dict.fromkeys((*WHO, *STRATA)) if name in have))

    @cached_property
    def lab(self) -> pl.DataFrame:
        """Of each regression by route whether the lab would have shown it before the deploy; windows have no lab."""
        runs = self.measured.case.lab_runs
        parts = [
            caught_by_lab(self._of(self.by_route, pair), runs, pair.before, pair.after).select(
                pl.lit(pair.before).alias("before"), pl.lit(pair.after).alias("after"), pl.all()
            )
            for pair in self.pairs
            if isinstance(pair.before, str) and isinstance(pair.after, str)
        ]
        return pl.concat(parts, how="vertical_relaxed") if parts else pl.DataFrame()

    def _all(self, by: Sequence[str]) -> pl.LazyFrame:
        """The rows of all sides, to be compared by some dimensions."""
        return self.slice.rows

    def _rows(self, side: Side, by: Sequence[str] = ()) -> pl.LazyFrame:
        """The rows of one side."""
        if isinstance(side, Window):
            return side.keep(self._all(by))
        return self._all(by).filter(pl.col("release") == pl.lit(side))

    def _compare(self, by: list[str]) -> pl.DataFrame:
        how = {"min_samples": self.min_samples, "cluster": self.measured.cluster}
        if not self.pairs:
            return pl.DataFrame()
        if all(isinstance(pair.before, str) and isinstance(pair.after, str) for pair in self.pairs):
            return compare_deploys(self._all(by), [pair.names for pair in self.pairs], by, **how)
        [pair] = self.pairs
        changed = compare_cohorts(self._rows(pair.before, by), self._rows(pair.after, by), by, **how)
        names = dict(zip(("before", "after"), pair.names, strict=True))
        return changed.select(*(pl.lit(name).alias(side) for side, name in names.items()), pl.all())

    @staticmethod
    def _of(table: pl.DataFrame, pair: Pair) -> pl.DataFrame:
        before, after = pair.names
        return table.filter(pl.col("before") == before, pl.col("after") == after)


def _sure_of_hidden(mix: pl.DataFrame) -> pl.DataFrame:
    """Call a true change hidden by the mix only when that stands among all cohorts that were looked at.

    p from the end of the interval that is nearer to zero, false discoveries by Benjamini and Hochberg.
    """
    near = pl.when(pl.col("true_change") > 0).then("true_change_low").otherwise("true_change_high")
    z = critical_value(0.95) * (pl.col("true_change") / (pl.col("true_change") - near)).abs()
    p = special.erfc(mix.select(z.fill_null(float("nan"))).to_series().to_numpy() / 2**0.5)
    unsure = pl.Series(benjamini_hochberg(p)).fill_nan(1.0) > 0.05
    hidden = pl.col("finding") == "hidden by mix"
    return mix.with_columns(pl.when(hidden & unsure).then(pl.lit("no change")).otherwise("finding").alias("finding"))


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _name(side: Side) -> str:
    if isinstance(side, str):
        return side
    return " – ".join(f"{at.day} {at:%b}" if (at.hour, at.minute) == (0, 0) else f"{at.day} {at:%b %H:%M}"
                      for at in (side.start, side.end) if at is not None)  # fmt: skip
