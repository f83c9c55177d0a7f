"""What is missing from the evidence: above the findings, because it bounds them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from markupsafe import Markup

from connectors.stores import FetchReport
from workbench.charts.labels import plural
from workbench.panels.base import Panel
from workbench.panels.markup import join, prose, tag


@dataclass(frozen=True)
class CompletenessView:
    """What is partial, a sentence each; none when all that was asked for came.

    The first `outages` of them are of fetches that failed or broke off: `workbench report --strict` fails by them.
    """

    partial: tuple[str, ...] = ()
    outages: int = 0


def outages(reports: Collection[FetchReport]) -> tuple[str, ...]:
    """Say of which tables not all came, a sentence each: several systems may give one table, one page of many may fail.

    Examples
    --------
    >>> outages([FetchReport("tempo", "spans", "", 0, failed="tempo is down"), FetchReport("shop", "events", "", 9)])
    ('Spans could not be read: tempo is down.',)
    """
    failed = [report for report in reports if report.failed]
    return (
        *(f"{_named(report)} {_came(report)}: {str(report.failed).rstrip('.')}." for report in failed),
        *(f"{_named(report)} were cut off: the source has more." for report in reports if report.truncated),
    )


def _named(report: FetchReport) -> str:
    return report.table.replace("_", " ").capitalize()


def _came(report: FetchReport) -> str:
    return f"could be read only in part ({plural(report.rows, 'row')} came)" if report.rows else "could not be read"


class Completeness(Panel[CompletenessView]):
    """An amber box when something is missing, a plain line when nothing is."""

    name = "completeness"

    def static_html(self, result: CompletenessView) -> Markup:
        """Return the box as HTML."""
        if not result.partial:
            return tag("p", "Complete evidence: every source gave all that it has for this window.", cls="bs-cap")
        ledger, down = tag("a", "Ledger", href="#ledger"), {"data_outages": result.outages or None}
        if len(result.partial) < 3:
            sentences = join([prose(sentence) for sentence in result.partial], " ")
            return tag("p", tag("b", "Partial evidence."), " ", sentences, " ", ledger, cls="bs-partial", **down)
        items = tag("ul", *(tag("li", prose(sentence)) for sentence in result.partial))
        return tag("div", tag("b", "Partial evidence."), " ", ledger, items, cls="bs-partial", **down)
