"""What the lab, and the nightly report of it, say first."""

from __future__ import annotations

import polars as pl

from workbench.charts.labels import count, plural, share
from workbench.errors.score_table import LABELS, VENDOR
from workbench.panels.headline import HeadlineView, Kpi
from workbench.panels.lab.bench import Bench

_GOOD_PRECISION = 0.97
_FEWEST = 3  # labelled bugs, below which agreement says nothing


def headline_view(bench: Bench) -> HeadlineView:
    """Say how well the rules in force group, as far as anything is known."""
    rows = bench.tried.after if bench.names[1] == "rules in force" else bench.tried.before
    name = "rules in force"
    n, noise = int(rows["n"].sum()), int(rows.filter(pl.col("noise_class").is_not_null())["n"].sum())
    issues = rows["issue_id"].drop_nulls().n_unique()
    bugs = len(bench.case.grouping.bugs)
    known = bench.scores.filter((pl.col("way") == name) & (pl.col("weight") == "events") & (pl.col("n") > 0))
    judged = known.filter(pl.col("against").is_in([LABELS, VENDOR])).head(1)
    kpis = [
        Kpi(count(n), "raw error" if n == 1 else "raw errors"),
        Kpi(share(noise / n if n else None), "of them noise"),
        Kpi(count(issues), "issue" if issues == 1 else "issues"),
        Kpi(count(bugs), "bug" if bugs == 1 else "bugs"),
    ]
    if judged.is_empty():
        return HeadlineView(
            f"{plural(issues, 'issue')} of {plural(n, 'raw error')}; nobody has said yet whether they are right",
            "No shape is labelled, and the tracker's own issues did not come with the events: label some shapes below.",
            tuple(kpis),
        )
    row = judged.row(0, named=True)
    against = (
        f"{plural(row['truths'], 'labelled bug')}"
        if row["against"] == LABELS
        else f"the tracker's own {plural(row['truths'], 'issue')}"
    )
    kpis.append(Kpi(f"{row['pair_f1']:.2f}", f"pair F1 against {row['against']}"))
    good = row["pair_precision"] >= _GOOD_PRECISION
    few = row["against"] == LABELS and row["truths"] < _FEWEST
    title = (
        f"{plural(row['truths'], 'bug')} labelled: too few to say how well the rules in force group"
        if few
        else f"The rules in force keep bugs apart and find {share(row['pair_recall'])} of what belongs together"
        if good and row["against"] == LABELS
        else f"The rules in force put {share(1 - row['pair_precision'])} of their pairs together wrongly"
        if row["against"] == LABELS
        else f"The rules in force agree with the tracker's issues in {share(row['pair_f1'])} of pairs"
    )
    between = "" if row["f1_low"] is None else f" (95 %: {row['f1_low']:.2f} to {row['f1_high']:.2f})"
    return HeadlineView(
        title,
        f"Against {against}: pair precision {row['pair_precision']:.3f}, recall {row['pair_recall']:.3f}, "
        f"F1 {row['pair_f1']:.2f}{between}.",
        tuple(kpis),
    )
