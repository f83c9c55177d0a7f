"""The headline: the finding in a sentence, then what it rests on, then five numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.panels.base import Panel
from workbench.panels.markup import prose, tag


@dataclass(frozen=True)
class Kpi:
    """A number and what it counts, in a few words."""

    value: str
    label: str


@dataclass(frozen=True)
class HeadlineView:
    """What the report says first; `back-ticked` words are set as code.

    Attributes
    ----------
    title
        The finding, one sentence.
    sub
        What is behind it, one to three sentences.
    kpis
        Up to five numbers.
    """

    title: str
    sub: str
    kpis: tuple[Kpi, ...] = ()


class Headline(Panel[HeadlineView]):
    """Title, sentence, tiles."""

    name = "headline"

    def static_html(self, result: HeadlineView) -> Markup:
        """Return the headline as HTML."""
        tiles = [tag("div", tag("dd", kpi.value), tag("dt", prose(kpi.label))) for kpi in result.kpis]
        return tag("h1", prose(result.title)) + tag("p", prose(result.sub), cls="bs-lead") + (
            tag("dl", *tiles, cls="bs-kpis") if tiles else Markup("")
        )  # fmt: skip
