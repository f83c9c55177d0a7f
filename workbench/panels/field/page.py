"""The vitals of a window under one row of pickers: what is picked there is what every section shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connectors.exceptions import ParameterError
from workbench.case import open_case
from workbench.case.comparison import Comparison, Pair, deploys, side_of
from workbench.case.slices import DIMENSIONS, MIXED, Choice, Slice
from workbench.charts.labels import moment, release_name
from workbench.panels.completeness import Completeness
from workbench.panels.field.aside import aside_view, completeness_view, ledger_view
from workbench.panels.field.causes import behind_view, common_view
from workbench.panels.field.changes import changes_view
from workbench.panels.field.lab import lab_view
from workbench.panels.field.look import Look, worst_metric
from workbench.panels.field.pages import pages_view, spread_view, trend_view
from workbench.panels.field.pickers import Options, Pickers, PickersView
from workbench.panels.field.state import headline_view, state_view
from workbench.panels.headline import Headline
from workbench.panels.ledger import Ledger
from workbench.panels.section import Section

MOST_OFFERED = 60
EVERY_DEPLOY = "each release with the one before"


class Field:
    """The sections of a vitals report, each a panel, driven by `header`.

    Parameters
    ----------
    source, start, end, environment, project
        As in `workbench.open_case`.
    metric
        The vital that the sections below the state are about; the one most in need of a look when not given.
    device, route, region, browser, connection, release
        Only page views of these. `device` "mixed" puts phones and desktops into one number; when not given they are
        told apart.
    before, after
        What is compared: releases or the beginnings of their names, or windows as "2026-03-02/2026-03-09". When
        neither is given every release is compared with the one before it.
    min_samples
        Fewest page views of a group that get a percentile.

    Examples
    --------
    >>> page = Field("sample-data", metric="INP", device="mobile")
    >>> page.state  # doctest: +SKIP
    """

    def __init__(
        self,
        source: Any = "sample-data",
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        environment: str | None = None,
        project: str | None = None,
        metric: str | None = None,
        device: str | None = None,
        route: str | None = None,
        region: str | None = None,
        browser: str | None = None,
        connection: str | None = None,
        release: str | None = None,
        before: str | None = None,
        after: str | None = None,
        min_samples: int = 30,
    ) -> None:
        self.case = open_case(source, start=start, end=end, environment=environment, project=project)
        self.min_samples = min_samples
        self._slices: dict[Choice, Slice] = {}
        self._comparisons: dict[tuple[Any, ...], Comparison] = {}
        self._pairs = self._offered(before, after)
        if release is not None:
            release = str(side_of(release, self.case.measured.values("release"), "release"))
        chosen = {"device": device, "route": route, "region": region, "browser": browser, "connection": connection,
                  "release": release, "compare": next(iter(self._pairs)) if before or after else None}  # fmt: skip
        first = self.look(**chosen)
        first.slice.check()
        self._check_metric(metric)
        self.header = Pickers(self._pickers_view({"metric": metric or first.metric, **chosen}))
        drive = {"header": self.header}
        self.headline = Headline(self._view(headline_view), **drive)
        self.completeness = Completeness(self._view(completeness_view), **drive)
        self.state = Section("state", self._view(state_view), **drive)
        self.changes = Section("changes", self._view(changes_view), **drive)
        self.pages = Section("pages", self._view(pages_view), **drive)
        self.trend = Section("trend", self._view(trend_view), **drive)
        self.spread = Section("spread", self._view(spread_view), **drive)
        self.common = Section("common", self._view(common_view), **drive)
        self.behind = Section("behind", self._view(behind_view), **drive)
        self.lab = Section("lab", self._view(lab_view), **drive)
        self.aside = Section("aside", self._view(aside_view), **drive)
        self.ledger = Ledger(self._view(ledger_view), **drive)

    def look(self, metric: str | None = None, compare: str | None = None, **dimensions: str | None) -> Look:
        """Return what the sections look at for a choice; each slice and comparison is made once."""
        choice = Choice(**dimensions)
        if choice not in self._slices:
            self._slices[choice] = self.case.measured.slice(choice, min_samples=self.min_samples)
        held = (compare, Choice(**{**dimensions, "release": None}))
        if held not in self._comparisons:
            pairs = deploys(self.case.measured) if compare is None else [self._pairs[compare]]
            self._comparisons[held] = self.case.measured.comparison(pairs, choice, min_samples=self.min_samples)
        piece, comparison = self._slices[choice], self._comparisons[held]
        return Look(self.case, piece, comparison, metric or worst_metric(piece.state, comparison.overall))

    def _view(self, make: Callable[[Look], Any]) -> Callable[..., Any]:
        return lambda **chosen: make(self.look(**chosen))

    def _offered(self, before: str | None, after: str | None) -> dict[str, Pair]:
        """The pairs that can be picked by name, the one asked for first."""
        known = deploys(self.case.measured)
        pairs = [self._asked(before, after, known), *known] if before or after else known
        return {" → ".join(release_name(name) for name in pair.names): pair for pair in pairs}

    def _asked(self, before: str | None, after: str | None, known: list[Pair]) -> Pair:
        releases = self.case.measured.values("release")
        first = side_of(before, releases, "before") if before else None
        second = side_of(after, releases, "after") if after else None
        if first is None:
            first = next((pair.before for pair in known if pair.after == second), None)
        if second is None:
            second = next((pair.after for pair in known if pair.before == first), None)
        if first is None or second is None:
            lacking = "before" if first is None else "after"
            raise ParameterError(f"{lacking} is needed as well: no release is known to be live {lacking} the other")
        if type(first) is not type(second):
            raise ParameterError("before and after are a release and a window; give two releases or two windows")
        return Pair(first, second)

    def _check_metric(self, metric: str | None) -> None:
        there = self.case.measured.values("metric")
        if metric is not None and there and metric not in there:
            raise ParameterError(f"no page view sent {metric}; there are: {', '.join(sorted(there))}")

    def _pickers_view(self, chosen: dict[str, str | None]) -> PickersView:
        measured, window = self.case.measured, self.case.window
        options: dict[str, Options] = {"metric": tuple((name, name) for name in sorted(measured.values("metric")))}
        for name in DIMENSIONS:
            values = measured.values(name, MOST_OFFERED)
            shown = [(release_name(value) if name == "release" else value, value) for value in values]
            options["device" if name == "device_class" else name] = (("all", None), *shown)
        devices = [(label, value) for label, value in options["device"] if value is not None]
        options["device"] = (("each apart", None), *devices, ("all in one number", MIXED))
        for name in ("route", "region", "browser", "connection", "release"):
            value = chosen[name]
            if value is not None and value not in [known for _, known in options[name]]:
                options[name] = (*options[name], (value, value))
        options["compare"] = ((EVERY_DEPLOY, None), *((name, name) for name in self._pairs))
        said = (
            self.case.window.project or self.case.name,
            *([window.environment] if window.environment else []),
            f"{moment(window.start or measured.extent[0])} to {moment(window.end or measured.extent[1])} UTC",
        )  # fmt: skip
        return PickersView(said, options, chosen)
