"""What the lab works on: a case prepared once, the rules as they are edited, the labels as they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from connectors.exceptions import ParameterError, RuleError, SourceError
from connectors.journal import Journal
from workbench.case import Case
from workbench.case.regrouping import regrouping
from workbench.errors.known import KnownNoise, parse_known
from workbench.errors.labels import Labels, fold, record
from workbench.errors.regroup import Regrouping
from workbench.errors.rule_faults import Fault, faults_of
from workbench.errors.score_table import score_table
from workbench.panels.mode import is_static
from workbench.panels.turns import in_turn

IN_FORCE, EDITED, DEFAULT = "rules in force", "edited rules", "default, no rules"


class Tried(NamedTuple):
    """Two groupings over the same cells, what became of the first, and which known noise has ended in the second."""

    before: pl.DataFrame
    after: pl.DataFrame
    changes: pl.DataFrame
    ended: pl.DataFrame
    seconds: float


class Bench:
    """The state of the lab; panels ask it and are told when it changes.

    Parameters
    ----------
    case
        From `open_case`.
    rules, known
        The rules and the team's list of known noise that are in force, as text.
    journal
        Where labels are kept; None: nowhere, and the lab says so when one is given.

    In a report nobody edits: there the rules in force stand against the default without any.
    """

    def __init__(self, case: Case, rules: str = "", known: str = "", journal: Journal | None = None) -> None:
        self.case, self.journal = case, journal
        self.in_force = ("", "") if is_static() else (rules, known)
        self.text, self.known_text = rules, known
        self.names = (DEFAULT, IN_FORCE) if is_static() else (IN_FORCE, EDITED)
        self._good = (rules, known)
        self._listeners: list[Callable[[], None]] = []
        self._tried: tuple[tuple[str, str], Tried] | None = None
        self._labels: Labels | None = None
        self.torn = 0
        faults = self.faults
        if faults:
            raise RuleError(f"{faults[0].file}:{faults[0].line}:{faults[0].column}: {faults[0].message}")

    selection: Mapping[str, Any] = {}
    """A header's selection; the lab has none."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` when rules or labels have changed."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """Tell all panels that something changed."""
        for listener in self._listeners:
            listener()

    @cached_property
    def trial(self) -> Regrouping:
        """The events, prepared once."""
        return regrouping(self.case)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the text as it stands, with line and column."""
        return faults_of(self.text, "rules") + faults_of(self.known_text, "known noise", known=True)

    def write(self, text: str | None = None, known: str | None = None) -> None:
        """Take down what is typed; nothing follows it before `edit`."""
        self.text = self.text if text is None else text
        self.known_text = self.known_text if known is None else known

    @in_turn
    def edit(self, text: str | None = None, known: str | None = None) -> None:
        """Change the rules or the list of known noise; while they have faults, the last good ones stay at work."""
        self.write(text, known)
        if not self.faults:
            self._good = (self.text, self.known_text)
        self.tell()

    @property
    def good(self) -> tuple[str, tuple[KnownNoise, ...]]:
        """The rules and the list at work."""
        return self._good[0], parse_known(self._good[1])

    @property
    def tried(self) -> Tried:
        """The grouping in force, the edited one, and what changed between them."""
        if self._tried is None or self._tried[0] != self._good:
            trial, began = self.trial, datetime.now(UTC)
            lists = [parse_known(text) for text in (self.in_force[1], self._good[1])]
            before, after = trial.under(self.in_force[0], self._good[0], known=lists)
            table = trial.compare(before, after)
            took = (datetime.now(UTC) - began).total_seconds()
            ended = trial.ended(lists[1], after)
            self._tried = (self._good, Tried(before, after, table, ended, took))
        return self._tried[1]

    @property
    def scores(self) -> pl.DataFrame:
        """Both groupings and two usual ones against labels, the tracker's issues, and the one in force."""
        tried = self.tried
        ways = dict(zip(self.names, (tried.before, tried.after), strict=True))
        return score_table(ways, self.trial.prepared.distinct, self.labels.bug_of)

    @property
    def labels(self) -> Labels:
        """What people said of shapes, read from the journal; another kernel may have added to it."""
        if self._labels is None:
            if self.journal is None:
                self._labels = Labels({}, 0)
            else:
                records, self.torn = self.journal.read()
                self._labels = fold(records)
        return self._labels

    @in_turn
    def label(self, act: str, shapes: Sequence[str], bug: str | None = None) -> None:
        """Record what was said of shapes; it is on the disk before the panels show it.

        Raises
        ------
        ParameterError
            There is nothing to record, or no file to keep it in.
        SourceError
            The file cannot be written.
        """
        if self.journal is None:
            raise ParameterError("this source has no folder to keep labels in; give a path, labels='shop.labels.jsonl'")
        try:
            made = record(act, shapes, bug, at=datetime.now(UTC).isoformat(timespec="seconds"))
        except ValueError as error:
            raise ParameterError(str(error)) from error
        self.journal.append(made)
        self._labels = None
        self.tell()

    @property
    def truth(self) -> tuple[str, pl.DataFrame]:
        """What sweeps and suggestions are judged by: labels, else the tracker's issues: its name, shape_id, truth."""
        if self.labels.bug_of:
            rows = list(self.labels.bug_of.items())
            return "labels", pl.DataFrame(rows, schema={"shape_id": pl.String, "truth": pl.String}, orient="row")
        vendor = self.tried.before.drop_nulls("vendor_issue_id").group_by("shape_id", "vendor_issue_id")
        most = vendor.agg(pl.col("n").sum()).sort(["n", "vendor_issue_id"], descending=[True, False])
        return "the tracker's issues", most.unique("shape_id", keep="first", maintain_order=True).select(
            "shape_id", truth="vendor_issue_id"
        )


def labels_path(case: Case, given: str | None) -> Path | None:
    """Say where a case's labels are kept: where `given` says, in a lake, or beside a folder; None where it has none.

    Raises
    ------
    ParameterError
        `given` is no path of a file.
    """
    if given:
        if "://" in given:
            raise ParameterError(f"labels is {given}; labels are kept in a local file, give its path")
        return Path(given)
    address = str(getattr(case.store, "address", ""))
    folder = Path(address)
    if not address or "://" in address or not folder.is_dir():
        return None
    return (
        folder / "labels.jsonl" if (folder / "lake.json").is_file() else folder.with_name(folder.name + ".labels.jsonl")
    )


def journal_of(case: Case, given: str | None) -> Journal | None:
    """Open the journal of a case's labels.

    Raises
    ------
    SourceError
        There is a file, and it cannot be read.
    """
    path = labels_path(case, given)
    if path is None:
        return None
    if path.is_dir():
        raise SourceError(f"labels is {path}, which is a folder; give the path of a file")
    return Journal(path)
