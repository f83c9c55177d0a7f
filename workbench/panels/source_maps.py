"""The source maps of each release: are they there, do they fit, what to do where not."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, release_name, shorten
from workbench.panels.base import Panel
from workbench.panels.markup import Column, prose, table, tag


@dataclass(frozen=True)
class SourceMapsView:
    """The audit of source maps.

    Attributes
    ----------
    audit
        As `workbench.symbolicate.audit.audit_maps` gives it: release, verdict, detail, way_out, events, frames.
    """

    audit: pl.DataFrame


class SourceMaps(Panel[SourceMapsView]):
    """One row a release and finding."""

    name = "source-maps"

    def static_html(self, result: SourceMapsView) -> Markup:
        """Return the table as HTML."""
        if result.audit.is_empty():
            return tag("p", "No stack names a bundle: there is nothing that needs a source map.", cls="bs-empty")
        rows = [
            [
                tag("span", shorten(release_name(row["release"]), 20), title=row["release"], cls="bs-nowrap"),
                tag("b", str(row["verdict"]).replace("_", " ")),
                tag("div", prose(str(row["detail"] or "")), cls="bs-wrap")
                + tag("div", prose(str(row["way_out"] or "")), cls="bs-cap bs-wrap"),
                count(row["events"]),
                count(row["frames"]),
            ]
            for row in result.audit.iter_rows(named=True)
        ]
        numbers = [Column(name, number=True) for name in ("Events", "Frames")]
        return table(["Release", "Verdict", Column("What was found, and the way out", wide=True), *numbers], rows)
