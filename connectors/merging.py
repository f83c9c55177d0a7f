"""One part of a source, and how what several parts gave becomes one table and one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from connectors.loaded import once_a_key
from connectors.stores import Fetched, FetchReport, Refused, Window
from connectors.tables import Table

# whose business each table is; where that part has it not, any other that has it is asked
KIND_OF: Mapping[str, str] = {
    "events": "tracker", "frames": "tracker", "breadcrumbs": "tracker", "requests": "tracker",
    "vitals": "rum", "page_views": "rum", "sessions": "rum",
    "replays": "replays", "replay_events": "replays", "spans": "traces", "lab_runs": "lab",
    "releases": "releases", "artifacts": "sourcemaps",
}  # fmt: skip


class PartStore(NamedTuple):
    """One part: where it is, what it is named for, its store, or why there is none."""

    address: str
    kinds: tuple[str, ...]
    store: Any
    failed: str | None = None

    @property
    def name(self) -> str:
        """What the part calls itself."""
        return str(getattr(self.store, "name", self.address))

    def has(self, table_name: str) -> bool:
        """Say whether it has a table; one that cannot be opened might."""
        if self.store is None:
            return KIND_OF[table_name] in self.kinds
        return bool(self.store.has(table_name)) if hasattr(self.store, "has") else hasattr(self.store, table_name)


def merge_fetched(
    table: Table, query: str, fetched: Sequence[tuple[PartStore, Fetched]], window: Window, name: str
) -> Fetched:
    """Put what several parts gave into one table and one report: a row that two of them have is counted once.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> fine = Fetched(RELEASES.empty().lazy(), FetchReport("till", "releases", "all", 0))
    >>> down = Fetched(RELEASES.empty().lazy(), FetchReport("shop", "releases", "all", 0, failed="shop is down"))
    >>> got = [(PartStore("till", (), None), fine), (PartStore("shop", (), None), down)]
    >>> report = merge_fetched(RELEASES, "all", got, Window(), "team").report
    >>> report.source, report.failed
    ('till, shop', 'shop: shop is down')
    """
    if not fetched:
        note = f"no part of {name} has {table.name}"
        return Fetched(table.empty().lazy(), FetchReport(name, table.name, query, 0, window, pages=0, note=note))
    reports = [(part.name, answer.report) for part, answer in fetched]
    rows = pl.concat([answer.frame.collect() for _, answer in fetched])
    rows, twice = once_a_key(rows, table)
    if table.time:
        rows = rows.sort(table.time, maintain_order=True)
    notes = [f"{who}: {report.note}" for who, report in reports if report.note]
    if twice:
        notes.append(f"{twice} {'row' if twice == 1 else 'rows'} came from two parts and were counted once")
    report = FetchReport(
        source=", ".join(who for who, _ in reports),
        table=table.name,
        query=query,
        rows=rows.height,
        window=window,
        pages=sum(report.pages for _, report in reports),
        truncated=any(report.truncated for _, report in reports),
        rate_limited=any(report.rate_limited for _, report in reports),
        refused=tuple(Refused(f"{who}: {place}", why) for who, report in reports for place, why in report.refused),
        sampling="; ".join(f"{who}: {report.sampling}" for who, report in reports if report.sampling) or None,
        note="; ".join(notes) or None,
        failed="; ".join(f"{who}: {report.failed}" for who, report in reports if report.failed) or None,
    )
    return Fetched(rows.lazy(), report)
