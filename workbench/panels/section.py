"""A finding of a report: the sentence, what bounds it, its numbers and pictures, the method in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.markup import Column, join, prose, table, tag


@dataclass(frozen=True)
class Picture:
    """A chart, or the sentence that stands for one that would be empty; `heading` above it, optional."""

    drawn: Any
    heading: str = ""


@dataclass(frozen=True)
class Rows:
    """A table whose texts may hold `back-ticked` code; `heading` stands above it, `empty` in its place without rows."""

    columns: Sequence[Column | str]
    rows: Sequence[Sequence[object]]
    heading: str = ""
    empty: str = ""


@dataclass(frozen=True)
class SectionView:
    """A finding.

    Attributes
    ----------
    finding
        One or two sentences; `back-ticked` words are code.
    parts
        Tables and pictures, in order.
    method
        How it was found, one line.
    doubts
        What bounds the finding, a sentence each: shown in amber above the parts.
    """

    finding: str
    parts: Sequence[Picture | Rows] = ()
    method: str = ""
    doubts: Sequence[str] = field(default=())


class Section(Panel[SectionView]):
    """A section of a report; `name` becomes part of its class, as `bs-trend`."""

    def __init__(self, name: str, view: SectionView | Callable[..., SectionView], *, header: Any = None) -> None:
        super().__init__(view, header=header)
        self.name = name  # type: ignore[misc]

    def static_html(self, result: SectionView) -> Markup:
        """Return the section as HTML."""
        doubts = [tag("p", prose(doubt), cls="bs-partial") for doubt in result.doubts]
        how = tag("p", prose(result.method), cls="bs-cap") if result.method else None
        return join([tag("p", prose(result.finding)), *doubts, *(_part(part) for part in result.parts), how])


def _part(part: Picture | Rows) -> Markup:
    heading = tag("h3", prose(part.heading)) if part.heading else Markup("")
    if isinstance(part, Picture):
        return heading + embed.chart(part.drawn)
    if not part.rows:
        return heading + embed.chart(part.empty) if part.empty else Markup("")
    cells = [[prose(cell) if isinstance(cell, str) and not isinstance(cell, Markup) else cell for cell in row]
             for row in part.rows]  # fmt: skip
    return heading + table(part.columns, cells)
