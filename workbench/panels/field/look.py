"""What the sections of the vitals report look at: one slice of the vitals, one metric of it, one comparison."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from workbench.case import Case
from workbench.case.comparison import Comparison
from workbench.case.slices import MIXED, Sample, Slice
from workbench.charts.labels import release_name, vital
from workbench.charts.percentiles import ORDER

CORE = ("LCP", "INP", "CLS")
RANK = {"poor": 0, "needs-improvement": 1, "good": 2}


class Look(NamedTuple):
    """A metric of a slice, and what it is compared with."""

    case: Case
    slice: Slice
    comparison: Comparison
    metric: str

    @property
    def state(self) -> pl.DataFrame:
        """The metric's own rows of the state."""
        return self.slice.state.filter(pl.col("metric") == self.metric)

    @property
    def few(self) -> str:
        """The fewest page views that get a p75, in words."""
        return f"{self.slice.min_samples} page views"

    @property
    def independence(self) -> str:
        """What intervals assume, in words."""
        if self.case.measured.is_held:
            return "page views of one session are taken for alike"
        return "page views are taken as independent, there are too many to join by session"

    @property
    def precision(self) -> str:
        """How exact a percentile is, to stand behind what it is; empty where it is exact."""
        said = self.case.measured.precision
        return f"; {said}" if said else ""

    @property
    def pages_told(self) -> str:
        """Which pages are told apart where there are too many, a sentence; empty where all are."""
        told = self.slice.pages_told
        return f" Of {told[1]:,} pages the {told[0]:,} most visited are told apart." if told else ""

    def where(self) -> str:
        """The choice in words, to stand behind a metric: " on `/cart` in eu-west"; empty where all is looked at."""
        choice = self.slice.choice
        said = [f"on `{choice.route}`"] if choice.route else []
        said += [f"in {choice.region}"] if choice.region else []
        said += [f"with {choice.browser}"] if choice.browser else []
        said += [f"over {choice.connection}"] if choice.connection else []
        said += [f"in release `{release_name(choice.release)}`"] if choice.release else []
        said += ["on all devices together"] if choice.device == MIXED else []
        return " ".join(["", *said]) if said else ""


def worst_metric(state: pl.DataFrame, changes: pl.DataFrame) -> str:
    """Choose the metric to look at first: a core one that got worse, else the one rated worst, else the first there is.

    Parameters
    ----------
    state
        `Slice.state`.
    changes
        `Comparison.overall`; may be empty.

    Examples
    --------
    >>> state = pl.DataFrame({"metric": ["LCP", "INP"], "rating": ["good", "poor"], "n": [90, 90]})
    >>> worst_metric(state, pl.DataFrame())
    'INP'
    """
    there = [metric for metric in ORDER if metric in set(state["metric"].cast(pl.String))]
    if changes.width:
        worse = changes.filter(pl.col("verdict") == "regression", pl.col("metric").cast(pl.String).is_in(CORE))
        if worse.height:
            strongest = worse.sort(
                (pl.col("difference") / pl.col("p75_before")).abs(), descending=True, nulls_last=True
            )
            return str(strongest.sort("q", maintain_order=True)["metric"][0])
    rated = {
        metric: min((RANK[rating] for rating in state.filter(metric=metric)["rating"].drop_nulls()), default=3)
        for metric in there
    }
    others = state["metric"].cast(pl.String).to_list()
    return min(there, key=lambda metric: rated[metric]) if there else (others[0] if others else ORDER[0])


def sampled(sample: Sample, what: str = "this") -> str:
    """Say that only a sample was looked at, a sentence with a space before it; empty where everything was.

    Examples
    --------
    >>> sampled(Sample(1, 90, 90))
    ''
    >>> sampled(Sample(67, 301_233, 20_000_000))
    ' A sample says this: 301,233 of 20,000,000 values, those of one session in 67 by a hash of its id.'
    """
    if sample.one_in <= 1:
        return ""
    return (
        f" A sample says {what}: {sample.taken:,} of {sample.of:,} values, those of one session in {sample.one_in:,} "
        "by a hash of its id."
    )


def estimate(row: dict[str, object], name: str = "p75") -> str:
    """Write a p75 with its interval.

    Examples
    --------
    >>> estimate({"metric": "INP", "p75": 376.0, "p75_low": 320.0, "p75_high": None})
    '376 ms (320 ms – –)'
    """
    metric = str(row["metric"])
    low, high = (vital(metric, row[f"{name}_{end}"]) for end in ("low", "high"))  # type: ignore[arg-type]
    return f"{vital(metric, row[name])} ({low} – {high})"  # type: ignore[arg-type]


def on(row: dict[str, object]) -> str:
    """Name a cohort in a sentence: "INP on mobile", "LCP on mobile `/cart`".

    Examples
    --------
    >>> on({"metric": "INP", "device_class": "mobile"})
    'INP on mobile'
    """
    device = row.get("device_class")
    route = f" `{row['route']}`" if row.get("route") else ""
    return f"{row['metric']}{f' on {device}' if device else ''}{route}"
