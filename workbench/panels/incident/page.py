"""One incident under one header: what is picked there is what every section shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from connectors.stores import Window
from workbench.case import Case, open_case
from workbench.panels.bug import Bug
from workbench.panels.bugs import BugsTable
from workbench.panels.completeness import Completeness
from workbench.panels.funnel import Funnel
from workbench.panels.header import Header, HeaderView
from workbench.panels.headline import Headline
from workbench.panels.incident.bugs import bug_views, bugs_view
from workbench.panels.incident.completeness import completeness_view, ledger_view
from workbench.panels.incident.findings import headline_view
from workbench.panels.incident.sections import funnel_view, leaks_view, maps_view, noise_view, rates_view, vitals_view
from workbench.panels.ledger import Ledger
from workbench.panels.noise import NoiseTable
from workbench.panels.privacy import Leaks
from workbench.panels.rates import Rates
from workbench.panels.source_maps import SourceMaps
from workbench.panels.vitals import Vitals


class Incident:
    """The sections of an incident report, each a panel, driven by `header`.

    Parameters
    ----------
    source, start, end, release, environment, project
        As in `workbench.open_case`.

    Examples
    --------
    >>> page = Incident("sample-data")
    >>> page.header  # doctest: +SKIP
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
    ) -> None:
        first = open_case(source, start=start, end=end, release=release, environment=environment, project=project)
        self.header = Header(_header_view(first))
        self._cases: dict[tuple[Any, ...], Case] = {self._key(**self.header.selection): first}
        drive = {"header": self.header}
        self.headline = Headline(self._view(headline_view), **drive)
        self.completeness = Completeness(self._view(completeness_view), **drive)
        self.funnel = Funnel(self._view(funnel_view), **drive)
        self.rates = Rates(self._view(rates_view), **drive)
        self.bugs = BugsTable(self._view(bugs_view), **drive)
        self.details = Bug(lambda bug, **chosen: bug_views(self.case(**chosen), bug), **drive)
        self.vitals = Vitals(self._view(vitals_view), **drive)
        self.noise = NoiseTable(self._view(noise_view), **drive)
        self.leaks = Leaks(self._view(leaks_view), **drive)
        self.source_maps = SourceMaps(self._view(maps_view), **drive)
        self.ledger = Ledger(self._view(ledger_view), **drive)

    def case(self, **chosen: Any) -> Case:
        """Return the case of a selection; without one, of what the header shows now. Each is opened once."""
        chosen = {**self.header.selection, **chosen}
        key = self._key(**chosen)
        if key not in self._cases:
            first = next(iter(self._cases.values()))
            window = Window(chosen["start"], chosen["end"], chosen["environment"], first.window.project)
            self._cases[key] = type(first)(first.store, window, chosen["release"])
        return self._cases[key]

    @staticmethod
    def _key(*, start: Any, end: Any, release: Any, environment: Any, **_: Any) -> tuple[Any, ...]:
        return (start, end, release, environment)

    def _view(self, make: Any) -> Any:
        """A section follows the window, release and environment; a bug that is picked is no business of it."""
        return lambda start, end, release, environment: make(
            self.case(start=start, end=end, release=release, environment=environment)
        )


def _header_view(case: Case) -> HeaderView:
    seen = pl.concat([case.events["at"], case.page_views["at"]]).drop_nulls()
    now = seen.max() or case.window.end or datetime.fromisoformat("1970-01-02T00:00:00+00:00")
    deployed = case.releases.filter(pl.col("release").is_not_null())["release"].to_list()
    named = case.events["release"].drop_nulls().unique().sort().to_list()
    environments = pl.concat([case.events["environment"], case.page_views["environment"]]).drop_nulls().unique().sort()
    return HeaderView(
        source=case.name,
        start=case.window.start or seen.min() or now,
        end=case.window.end or now + timedelta(seconds=1),
        releases=tuple(dict.fromkeys([*deployed, *named])),
        environments=tuple(environments),
        bugs=tuple(case.bugs.select("bug_id", "title").iter_rows()),
        project=case.window.project,
        release=case.release,
        environment=case.window.environment,
    )
