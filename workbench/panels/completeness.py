"""What is missing from the evidence: above the findings, because it bounds them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.panels.base import Panel
from workbench.panels.markup import join, prose, tag


@dataclass(frozen=True)
class CompletenessView:
    """What is partial, a sentence each; none when all that was asked for came."""

    partial: tuple[str, ...] = ()


class Completeness(Panel[CompletenessView]):
    """An amber box when something is missing, a plain line when nothing is."""

    name = "completeness"

    def static_html(self, result: CompletenessView) -> Markup:
        """Return the box as HTML."""
        if not result.partial:
            return tag("p", "Complete evidence: every source gave all that it has for this window.", cls="bs-cap")
        ledger = tag("a", "Ledger", href="#ledger")
        if len(result.partial) < 3:
            sentences = join([prose(sentence) for sentence in result.partial], " ")
            return tag("p", tag("b", "Partial evidence."), " ", sentences, " ", ledger, cls="bs-partial")
        items = tag("ul", *(tag("li", prose(sentence)) for sentence in result.partial))
        return tag("div", tag("b", "Partial evidence."), " ", ledger, items, cls="bs-partial")
