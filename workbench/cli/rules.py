"""`workbench rules`: what a changed file of rules would do, before it goes live."""

from __future__ import annotations

import json as as_text
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from connectors.exceptions import BlindspotError, FetchError, ParameterError
from workbench.cli.asked import EVERYTHING, Asked

if TYPE_CHECKING:
    import polars as pl

    from workbench.case import Case

rules = App(name="rules", help="Fingerprint and stack-trace rules: what a change does to events that there are.")
_WIDE = 96


@rules.command
def diff(
    old: Path,
    new: Path,
    *,
    asked: Asked = EVERYTHING,
    known_old: Path | None = None,
    known_new: Path | None = None,
    top: int = 20,
    json: bool = False,
) -> int:
    """Show which issues split, merge and move when NEW takes the place of OLD.

    The exit code is for a review in CI: 0 nothing changes, 1 something does, 2 the rules or the source cannot be used
    (a rule's error names file, line and column).

    Parameters
    ----------
    old
        The file of rules that is live; an empty file is the default grouping alone.
    new
        The file of rules that is to replace it.
    known_old
        The team's list of known noise that is live.
    known_new
        The list that is to replace it; that of --known-old when not given.
    top
        So many changes are shown, the rest is counted.
    json
        Write every change as JSON to stdout instead.
    """
    from workbench.case import open_case
    from workbench.case.regrouping import n_events, read_known, read_rules, regrouping

    try:
        if top < 1:
            raise ParameterError(f"--top is {top}; give 1 or more")
        if faults := [*_faults(old), *_faults(new)]:
            print("\n".join(f"workbench: {said}" for said in dict.fromkeys(faults)), file=sys.stderr)
            return 2
        lists = read_known(known_old), read_known(known_new or known_old)
        case = open_case(**asked.given())
        trial, n = regrouping(case), n_events(case)
        before, after = trial.under(read_rules(old), read_rules(new), known=lists)
        table, ended = trial.compare(before, after), trial.ended(lists[1], after)
        partial = _partial(case)
    except BlindspotError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 2
    for entry in ended.iter_rows(named=True):
        again = f"{entry['n']:,} events that it names count again"
        print(
            f"workbench: known noise {entry['id']} ({entry['author']}) ended on {entry['expires']}: {again}",
            file=sys.stderr,
        )
    for said in partial:
        print(f"workbench: partial: {said}", file=sys.stderr)
    if json:
        print(as_text.dumps(_as_json(table, n, partial), indent=1, ensure_ascii=False))
    else:
        print("\n".join(_lines(table, n, top)))
    return 1 if len(table) else 0


def _faults(path: Path) -> Iterator[str]:
    """Name everything that is wrong with a file of rules, not the first fault alone."""
    from workbench.case.regrouping import read_text
    from workbench.errors.rule_faults import faults_of

    for fault in faults_of(read_text(path)):
        yield f"{path}:{fault.line}:{fault.column}: {fault.message}"


def _partial(case: Case) -> list[str]:
    """Say what is missing of the evidence; where the events themselves did not come, nothing can be said of rules."""
    for report in case.evidence.reports:
        if report.table == "events" and report.failed:
            raise FetchError(report.failed)
    return [
        f"{report.table}: {report.failed or 'there was more than the source would give'}"
        for report in case.evidence.reports
        if report.failed or report.truncated
    ]


def _as_json(table: pl.DataFrame, n_events: int, partial: list[str]) -> dict[str, Any]:
    counts = dict(table["change"].value_counts().sort("change").iter_rows())
    return {"events": n_events, "counts": counts, "partial": partial, "changes": table.to_dicts()}


def _lines(table: pl.DataFrame, n_events: int, top: int) -> Iterator[str]:
    if table.is_empty():
        yield f"No change: all {n_events:,} events stay together as they were, under the same names."
        return
    counts = dict(table["change"].value_counts(sort=True).iter_rows())
    yield f"{', '.join(f'{n:,} {change}' for change, n in counts.items())}; over {n_events:,} events"
    for row in table.head(top).iter_rows(named=True):
        issues = f"{row['n_old']:,} → {row['n_new']:,} issues"
        moved = f", {row['n_moved']:,} moved" if row["change"] in ("split", "merged", "moved") else ""
        noise = "".join(f", {row[k]:,} {k.replace('_', ' ')}" for k in ("to_noise", "from_noise") if row[k])
        yield ""
        yield f"{row['change']:<11}{issues}, {row['n_events']:,} events{moved}{noise}, {row['n_shapes']:,} shapes"
        yield from (f"           {_cut(text)}" for text in row["examples"] or [row["title"] or ""])
        yield from (f"           by {_cut(text)}" for text in row["rules"] or [])
        yield f"           {_ids(row['old'], row['n_old'])} → {_ids(row['new'], row['n_new'])}"
    if len(table) > top:
        yield ""
        yield f"and {len(table) - top:,} more; --top {len(table)} shows all, --json writes them"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…"


def _ids(ids: list[str] | None, n: int) -> str:
    if not ids:
        return "noise"
    more = f" and {n - 3:,} more" if n > 3 else ""
    return ", ".join(one[:8] for one in ids[:3]) + more
