"""Issues to bugs: average linkage over the evidence, each bug with its evidence and its weights.

Single linkage (union-find) collapses when one deploy starts everything: one chance link joins two bugs for good.
Average linkage asks all pairs, and what speaks against counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from workbench.errors.evidence import Profiles

EVIDENCE = {
    "bug": pl.Int64,
    "issue_a": pl.String,
    "issue_b": pl.String,
    "kind": pl.String,
    "weight": pl.Float64,
    "text": pl.String,
}
# A bug of very many issues lists the links of its largest ones.
_MOST_LISTED = 12
_WORTH_SAYING = 0.05


def link_issues(profiles: Profiles, rules: dict[str, Any]) -> np.ndarray:
    """Join issues to bugs: the number of its bug for each issue.

    Parameters
    ----------
    profiles
        From `evidence.weigh`.
    rules
        The data of `rules/grouping/bugs`.
    """
    n = len(profiles.issues)
    if n < 2:
        return np.zeros(n, dtype=int)
    total = sum(profiles.weights.values())
    highest = max(float(total.max()), rules["linkage"]["join_at"]) + 1.0
    distance = highest - total
    np.fill_diagonal(distance, 0.0)
    # Average linkage does not mind a shift of all distances, so weights can be summed as they are.
    tree = linkage(squareform(distance, checks=False), method="average")
    return fcluster(tree, t=highest - rules["linkage"]["join_at"], criterion="distance") - 1


def evidence_table(profiles: Profiles, bugs: np.ndarray) -> pl.DataFrame:
    """List what joins the issues of each bug, and what is known of each issue alone (`issue_b` null, weight null).

    Returns
    -------
    `bug`, `issue_a`, `issue_b`, `kind`, `weight`, `text`; what speaks against has a negative weight and is listed too.
    """
    ids = profiles.issues["issue_id"].to_list()
    sizes = profiles.issues["n_events"].to_numpy()
    rows: list[tuple] = []
    for bug in np.unique(bugs):
        members = np.flatnonzero(bugs == bug)
        members = members[np.argsort(-sizes[members], kind="stable")][:_MOST_LISTED]
        for position, a in enumerate(members):
            for b in members[position + 1 :]:
                rows.extend(
                    (
                        int(bug),
                        ids[a],
                        ids[b],
                        kind,
                        round(float(matrix[a, b]), 2),
                        _say(kind, profiles, int(a), int(b), matrix[a, b]),
                    )
                    for kind, matrix in profiles.weights.items()
                    if abs(matrix[a, b]) >= _WORTH_SAYING
                )
    own = [(int(bugs[group]), ids[group], None, kind, None, text) for kind, group, text in _alone(profiles)]
    return pl.DataFrame(rows + own, schema=EVIDENCE, orient="row")


def _alone(profiles: Profiles) -> list[tuple[str, int, str]]:
    said = []
    for kind, leads, what in (
        ("endpoint", profiles.endpoints, "stood before"),
        ("failing span", profiles.spans, "failed in the traces of"),
    ):
        best = leads.unique("group", keep="first", maintain_order=True)
        for row in best.iter_rows(named=True):
            inside, outside = (f"{row[name]:.0%}".replace("%", " %") for name in ("share", "base"))
            said.append((kind, row["group"], f"{row['mark']} {what} {inside} of its events (elsewhere {outside})"))
    return said


def _say(kind: str, profiles: Profiles, a: int, b: int, weight: float) -> str:
    one, other = profiles.issues.row(a, named=True), profiles.issues.row(b, named=True)
    first = {"endpoint": profiles.endpoints, "failing span": profiles.spans}

    def lead(group: int, which: str = "endpoint") -> str:
        marks = first[which].filter(pl.col("group") == group)["mark"]
        asked = profiles.issues["request"][group] if which == "endpoint" else None
        return asked or (marks[0] if len(marks) else "none")

    match kind:
        case "endpoint":
            shared = [mark for mark in (lead(a), lead(b)) if mark != "none"]
            return f"both follow {' / '.join(dict.fromkeys(shared))}"
        case "other endpoint":
            return f"one follows {lead(a)}, the other {lead(b)}"
        case "failing span":
            return f"the same backend span fails in their traces: {lead(a, 'failing span')}"
        case "receiver" if weight > 0:
            return f"the missing value is `{one['receiver']}` in both"
        case "receiver":
            return f"missing are `{one['receiver']}` and `{other['receiver']}`"
        case "property" if weight > 0:
            return f"both read `{one['property']}`"
        case "property":
            return f"one reads `{one['property']}`, the other `{other['property']}`"
        case "message":
            return "the same message"
        case "own fault":
            return "one is an error of the code alone, and the other says something else"
        case "place":
            return "the same place of ours is on top: " + " ".join(filter(None, (one["top_file"], one["top_function"])))
        case "engines":
            return "the same kind of message, in different browser engines only"
        case "no map":
            return "the same message; a source map, a caller or a request is missing that would tell the places apart"
        case "onset" if weight > 0:
            return "both began at the same time" + (" (many issues did)" if weight < 1 else "")
        case "onset":
            return "one was there long before the other"
        case "end":
            return "both ended at the same time"
        case "disjoint":
            return "one had ended long before the other began"
        case "trace":
            return "events of both in one trace"
        case "session":
            return "events of both in one session, more often than chance gives"
    raise ValueError(f"no words for evidence of kind {kind}")
