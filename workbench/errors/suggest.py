"""Rules for the worst merges and splits: what in the events tells the parts apart, or holds them together.

Every suggestion is tried before it is made: it carries what it changes and what that does to the scores.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from workbench.errors.regroup import Regrouping
from workbench.errors.rule_reader import quoted
from workbench.errors.scoring import score
from workbench.errors.templates import common_glob

SUGGESTIONS = {
    "wrong": pl.String,
    "what": pl.String,
    "rule": pl.String,
    "gain": pl.Float64,
    "pair_precision": pl.Float64,
    "pair_recall": pl.Float64,
    "pair_f1": pl.Float64,
    "splits": pl.Int64,
    "merges": pl.Int64,
    "n_events": pl.Int64,
}
# What a merged issue can be split by; `{{ default }}` alone is no change.
_TELL_APART = ("function", "module", "type", "transaction", "endpoint", "message")
_LEAST_GAIN = 1e-4
_LONGEST_NAME = 40
# A rule that names a bug must not catch another's events, however much it gains by chance.
_PURE = 0.95


def suggest(
    trial: Regrouping,
    rules: str,
    truth: pl.DataFrame,
    *,
    most: int = 6,
) -> pl.DataFrame:
    """Suggest rules that mend the worst merges and splits.

    Parameters
    ----------
    trial
        The case's events.
    rules
        The rules in force, as text; a suggestion is put before them, where it wins.
    truth
        `shape_id`, `truth`: the bug of each shape that is known, from labels or from the tracker's issues.
    most
        How many merges, and how many splits, are looked at.

    Returns
    -------
    The best rule for each, those that gain most first: `wrong` (merge, split), `what` (a sentence), `rule` (a line in
    Sentry's syntax), `gain` of pair F1, the scores with it, how many `splits` and `merges` it makes, and `n_events` it
    touches. What no single rule mends is not in the table.
    """
    (rows,) = trial.under(rules)
    known = rows.join(truth.select("shape_id", "truth").unique("shape_id"), on="shape_id").drop_nulls("issue_id")
    if known.is_empty():
        return pl.DataFrame(schema=SUGGESTIONS)
    now = score(known, found="issue_id", weight="n").pair_f1
    merged = _mixed(known, "issue_id", "truth")[:most]
    torn = _mixed(known, "truth", "issue_id")[:most]
    wrong = [("merge", issue, _apart(trial, known.filter(pl.col("issue_id") == issue))) for issue in merged]
    wrong += [("split", bug, _together(trial, known.filter(pl.col("truth") == bug), bug)) for bug in torn]
    made = [_best(trial, rules, truth, now, kind, name, candidates) for kind, name, candidates in wrong]
    rows_made = [row for row in made if row is not None]
    return (
        pl.DataFrame(rows_made, schema=SUGGESTIONS, orient="row")
        .unique("rule", keep="first", maintain_order=True)
        .sort("gain", descending=True)
    )


def _mixed(known: pl.DataFrame, group: str, other: str) -> list[str]:
    """Groups that hold several of the other, by how many pairs that costs."""
    cells = known.group_by(group, other).agg(pl.col("n").sum())
    cost = (pl.col("n").sum() ** 2 - (pl.col("n") ** 2).sum()).alias("cost")
    mixed = cells.group_by(group).agg(cost, k=pl.len()).filter(pl.col("k") > 1)
    return mixed.sort(["cost", group], descending=[True, False])[group].to_list()


def _best(
    trial: Regrouping, rules: str, truth: pl.DataFrame, now: float, kind: str, name: str, candidates: Iterator[str]
) -> tuple | None:
    best: tuple | None = None
    for rule in dict.fromkeys(candidates):
        text = f"{rule}\n{rules}"
        before, after = trial.under(rules, text)
        known = after.join(truth.select("shape_id", "truth").unique("shape_id"), on="shape_id")
        if kind == "split" and _purity(known.filter(pl.col("rule").str.starts_with("rule in line 1:")), name) < _PURE:
            continue
        scores = score(known, found="issue_id", weight="n")
        gain = scores.pair_f1 - now
        if gain < _LEAST_GAIN or (best is not None and gain <= best[3] + 1e-9):
            continue
        table = trial.compare(before, after)
        count = {change: (table["change"] == change).sum() for change in ("split", "merged", "moved")}
        what = f"issue {name[:8]} holds several bugs" if kind == "merge" else f"`{name}` is in several issues"
        best = (
            kind, what, rule, gain, scores.pair_precision, scores.pair_recall, scores.pair_f1,
            count["split"] + count["moved"], count["merged"] + count["moved"], int(table["n_events"].sum()),
        )  # fmt: skip
    return best


def _purity(caught: pl.DataFrame, bug: str) -> float:
    """How much of the known events that a rule catches is of the bug that it is made for."""
    total = caught["n"].sum()
    return caught.filter(pl.col("truth") == bug)["n"].sum() / total if total else 0.0


def _apart(trial: Regrouping, rows: pl.DataFrame) -> Iterator[str]:
    """Refine the issue by whatever differs between the bugs in it."""
    said = _said(trial, rows)
    narrow = _narrow(said)
    for name in _TELL_APART:
        if name != "message":
            yield f"{narrow} -> {{{{ default }}}}, {{{{ {name} }}}}"
    for bug in rows["truth"].unique().sort():
        mine, others = said.filter(pl.col("truth") == bug), said.filter(pl.col("truth") != bug)
        for matcher in _matchers(trial, mine):
            if matcher not in set(_matchers(trial, others)):
                yield f"{narrow} {matcher} -> {{{{ default }}}}, {quoted(bug)}".strip()


def _together(trial: Regrouping, rows: pl.DataFrame, bug: str) -> Iterator[str]:
    """Put the bug's issues together by what all its errors share, from narrow to wide."""
    said = _said(trial, rows)
    shared = list(_matchers(trial, said))
    parts = _narrow(said)
    for extra in ("", *shared):
        if rule := f"{parts} {extra}".strip():
            yield f"{rule} -> {quoted(bug[:_LONGEST_NAME])}"
    for matcher in shared:
        yield f"{matcher} -> {quoted(bug[:_LONGEST_NAME])}"
    # No one rule holds all of it: the two largest issues, by their own words.
    for issue in rows.group_by("issue_id").agg(pl.col("n").sum()).sort("n", descending=True)["issue_id"].head(4):
        own = said.filter(pl.col("issue_id") == issue)
        yield f"{_narrow(own)} {' '.join(_matchers(trial, own))}".strip() + f" -> {quoted(bug[:_LONGEST_NAME])}"


def _said(trial: Regrouping, rows: pl.DataFrame) -> pl.DataFrame:
    facts = trial.prepared.errors.select("error_id", "type", "message", "top_file", "top_function", "top_mapped")
    return rows.join(facts, on="error_id", how="left").sort("n", descending=True)


def _narrow(said: pl.DataFrame) -> str:
    """`type:` and `message:` that all rows fit."""
    types = said["type"].drop_nulls().unique().to_list()
    glob = common_glob(said["message"].fill_null("").unique(maintain_order=True).to_list())
    parts = [f"type:{quoted(types[0])}"] if len(types) == 1 else []
    return " ".join([*parts, *([f"message:{quoted(glob)}"] if glob.strip("* ") else [])])


def _matchers(trial: Regrouping, said: pl.DataFrame) -> list[str]:
    """Matchers on place and network that all rows fit."""
    found = []
    files, functions = (said[name].drop_nulls().unique().to_list() for name in ("top_file", "top_function"))
    if len(files) == 1 and said["top_mapped"].fill_null(False).all():
        found.append(f"path:{quoted('**/' + files[0].lstrip('/'))}")
    if len(functions) == 1:
        found.append(f"function:{quoted(functions[0])}")
    # A cell knows its event alone; the share of the cells that follow an endpoint stands for that of all events.
    before = trial.prepared.before.filter(pl.col("event_id").is_in(said["event_id"].implode()))
    if len(before):
        counts = before.group_by("endpoint").agg(n=pl.col("event_id").n_unique())
        most = counts.sort(["n", "endpoint"], descending=[True, False])
        shared = most.filter(pl.col("n") >= 0.8 * before["event_id"].n_unique())
        found += [f"endpoint:{quoted(name)}" for name in shared["endpoint"].head(3)]
    return found
