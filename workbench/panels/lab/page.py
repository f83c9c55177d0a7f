"""The grouping lab over one case: an editor that every section follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workbench.case import Case, open_case
from workbench.case.regrouping import read_text
from workbench.panels.completeness import Completeness
from workbench.panels.headline import Headline
from workbench.panels.incident.completeness import completeness_view, ledger_view
from workbench.panels.lab.bench import Bench, journal_of
from workbench.panels.lab.changes import Changes, changes_view
from workbench.panels.lab.editor import Editor
from workbench.panels.lab.explaining import Explaining
from workbench.panels.lab.exporting import Exporting
from workbench.panels.lab.findings import headline_view
from workbench.panels.lab.labelling import Labelling
from workbench.panels.lab.scores import ScoresPanel, scores_view
from workbench.panels.lab.suggestions import Suggestions
from workbench.panels.lab.sweeping import Sweeping
from workbench.panels.ledger import Ledger


class GroupingLab:
    """The sections of the grouping lab, each a panel; live in the lab, still in the nightly report.

    Parameters
    ----------
    source, start, end, release, environment, project
        As in `workbench.open_case`; `source` may be a `Case`.
    rules
        Path of the file of rules in force; none when not given.
    labels
        Path of the file of labels; in a lake `labels.jsonl`, beside a folder `<folder>.labels.jsonl` when not given.
    known_noise
        Path of the team's list of known noise.

    Examples
    --------
    >>> lab = GroupingLab("sample-data")
    >>> lab.changes  # doctest: +SKIP
    >>> lab.bench.edit("type:TypeError -> everything")
    >>> lab.bench.tried.changes["change"].to_list()
    ['merged']
    """

    def __init__(
        self,
        source: Any = "sample-data",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        release: str | None = None,
        environment: str | None = None,
        project: str | None = None,
        rules: str | None = None,
        labels: str | None = None,
        known_noise: str | None = None,
    ) -> None:
        case = (
            source
            if isinstance(source, Case)
            else open_case(source, start=start, end=end, release=release, environment=environment, project=project)
        )
        bench = Bench(
            case,
            read_text(rules) if rules else "",
            read_text(known_noise) if known_noise else "",
            journal_of(case, labels),
        )
        self.bench = bench
        self.headline = Headline(lambda: headline_view(bench), header=bench)  # type: ignore[arg-type]
        self.completeness = Completeness(lambda: completeness_view(case))
        self.editor = Editor(bench)
        self.changes = Changes(lambda: changes_view(bench), header=bench)  # type: ignore[arg-type]
        self.scores = ScoresPanel(lambda: scores_view(bench), header=bench)  # type: ignore[arg-type]
        self.labels = Labelling(bench)
        self.sweep = Sweeping(bench)
        self.suggestions = Suggestions(bench)
        self.explain = Explaining(bench)
        self.export = Exporting(bench)
        self.ledger = Ledger(lambda: ledger_view(case))
