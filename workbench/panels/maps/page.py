"""The source maps of a window on one page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from markupsafe import Markup

from workbench.case import Case, open_case
from workbench.charts.labels import release_name
from workbench.panels.base import Panel
from workbench.panels.completeness import Completeness
from workbench.panels.headline import Headline
from workbench.panels.incident.completeness import completeness_view, ledger_view
from workbench.panels.incident.sections import maps_view
from workbench.panels.ledger import Ledger
from workbench.panels.maps.again import Again, again_view, given_away_view
from workbench.panels.maps.findings import headline_view, verdicts_view
from workbench.panels.maps.frame import Frames, frame_choices, frame_views
from workbench.panels.markup import join, tag
from workbench.panels.section import Section
from workbench.panels.source_maps import SourceMaps


class Looked(Panel[tuple[str, ...]]):
    """One line that says what was looked at."""

    name = "looked"

    def static_html(self, result: tuple[str, ...]) -> Markup:
        """Return the line as HTML."""
        return tag("p", join(["Blindspot source-map report", *result], " · "), cls="bs-meta")


class SourceMapsPage:
    """The sections of a source-map report, each a panel.

    Parameters
    ----------
    source, start, end, release, environment, project
        As in `workbench.open_case`; `source` may be a `Case`.
    site
        A site that is asked whether it gives maps away.
    maps
        A store of maps that turned up since, beside those of the source.

    Examples
    --------
    >>> page = SourceMapsPage("sample-data")
    >>> page.audit  # doctest: +SKIP
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
        site: str | None = None,
        maps: str | None = None,
    ) -> None:
        given = {"start": start, "end": end, "release": release, "environment": environment, "project": project}
        case = self.case = source if isinstance(source, Case) else open_case(source, **given)
        of = [f"release {release_name(case.release)}"] if case.release else []
        self.header = Looked((case.name, case.window.describe(), *of))
        self.headline = Headline(lambda: headline_view(case))
        self.completeness = Completeness(lambda: completeness_view(case))
        self.audit = SourceMaps(lambda: maps_view(case))
        self.verdicts = Section("verdicts", lambda: verdicts_view(case))
        choices = frame_choices(case)
        picks = list(choices.select("label", "key").iter_rows())
        self.frames = Frames(lambda frame=None: frame_views(case, choices, frame), picks)
        self.again = Again(lambda maps=maps: again_view(case, maps), maps)
        self.given_away = Section("given-away", lambda: given_away_view(case, site))
        self.ledger = Ledger(lambda: ledger_view(case))
