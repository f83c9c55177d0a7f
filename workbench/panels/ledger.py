"""The evidence ledger: what was asked of which source, what came, what did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from markupsafe import Markup

from connectors.stores import FetchReport
from workbench.charts.labels import count, plural, share
from workbench.panels.base import Panel
from workbench.panels.markup import Column, join, prose, table, tag


@dataclass(frozen=True)
class LedgerView:
    """The ledger.

    Attributes
    ----------
    fetches
        Every fetch of the case.
    joins
        what ("backend trace", "replay", "source map"), reason, n, share: why a piece of evidence is missing. Optional.
    method
        One line: versions, rules and their dates.
    """

    fetches: Sequence[FetchReport]
    joins: pl.DataFrame = field(default_factory=pl.DataFrame)
    method: str = ""


class Ledger(Panel[LedgerView]):
    """One row a fetch; below it why single pieces of evidence are missing."""

    name = "ledger"

    def static_html(self, result: LedgerView) -> Markup:
        """Return the ledger as HTML."""
        numbers = [Column(name, number=True) for name in ("Rows", "Refused")]
        rows = [
            [
                tag("span", join([fetch.source, fetch.table.replace("_", " ")], " · "), cls="bs-nowrap"),
                tag("div", fetch.query or fetch.window.describe(), cls="bs-wrap bs-query"),
                count(fetch.rows),
                count(len(fetch.refused)),
                _complete(fetch),
                _note(fetch),
            ]
            for fetch in result.fetches
        ]
        ledger = table(["Source", "Query", *numbers, "Complete", Column("Note", wide=True)], rows)
        if not result.joins.is_empty():
            columns = ["Missing", "Why", Column("Errors", number=True), Column("Share", number=True)]
            missing = [
                [row["what"], prose(str(row["reason"])), count(row["n"]), share(row["share"])]
                for row in result.joins.iter_rows(named=True)
            ]
            ledger += tag("h3", "Why single pieces are missing") + table(columns, missing)
        how = tag("p", prose(result.method), cls="bs-cap") if result.method else Markup("")
        return tag("div", ledger, how, id="ledger")


def _complete(fetch: FetchReport) -> Markup:
    if fetch.failed:
        return tag("span", "in part" if fetch.rows else "failed", cls="bs-tag bs-tag-bad")
    if fetch.truncated:
        return tag("span", "truncated", cls="bs-tag bs-tag-warn")
    if fetch.refused:
        return tag("span", f"all but {len(fetch.refused)}", cls="bs-tag bs-tag-warn")
    return tag("span", "sampled" if fetch.sampling else "yes")


def _note(fetch: FetchReport) -> Markup:
    said = [fetch.failed, fetch.note, fetch.sampling, "slowed by a rate limit" if fetch.rate_limited else None]
    if fetch.refused:
        first = fetch.refused[0]
        said.append(f"{plural(len(fetch.refused), 'record')} set aside, first: {first.place}: {first.reason}")
    return tag("div", join([prose(text) for text in said if text], "; "), cls="bs-wrap")
