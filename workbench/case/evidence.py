"""Fetch each canonical table once, and keep every `FetchReport` as the case's evidence ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from connectors.exceptions import BlindspotError
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import TABLES

LEDGER_SCHEMA = {
    "table": pl.String(),
    "source": pl.String(),
    "query": pl.String(),
    "rows": pl.Int64(),
    "refused": pl.Int64(),
    "complete": pl.String(),
    "note": pl.String(),
}


class Evidence:
    """The tables of one window over one store, fetched when first asked for, never twice.

    A fetch that fails gives an empty table and a ledger row that says so: the case goes on with what there is, and
    whoever reads the ledger sees the outage. Nothing else is turned into an empty table.
    """

    def __init__(self, store: Any, window: Window) -> None:
        self.store = store
        self.window = window
        self._tables: dict[str, pl.DataFrame] = {}
        self._reports: dict[str, FetchReport] = {}
        self._remarks: dict[str, tuple[str, int]] = {}

    def table(self, name: str) -> pl.DataFrame:
        """Return the canonical table `name` of the window."""
        if name not in self._tables:
            self._tables[name], self._reports[name] = self._fetch(name, lambda: self._ask(name))
        return self._tables[name]

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table to reduce rather than to hold: of a lake as it is stored, else what `table` gives."""
        if name in self._tables or not hasattr(self.store, "fingerprints"):
            return self.table(name).lazy()
        frame: pl.LazyFrame = self.store.scan(name, self.window)
        if name not in self._reports:
            rows = frame.select(pl.len()).collect().item()
            self._reports[name] = FetchReport(_name(self.store), name, self.window.describe(), rows, self.window)
        return frame

    def rows(self, name: str) -> int:
        """Return how many rows a table has, without holding them where the source can count."""
        if name not in self._tables and hasattr(self.store, "is_big") and self.store.is_big(name, self.window):
            self.counted(name)
            return int(self.store.count(name, self.window))
        self.scan(name)
        return self._reports[name].rows

    def counted(self, name: str) -> None:
        """Put a table into the ledger that was counted where it lies, unless it was fetched: none of its rows came."""
        if name not in self._reports:
            query = f"counted where it lies, {self.window.describe()}"
            self._reports[name] = FetchReport(_name(self.store), name, query, 0, self.window)

    def remark(self, name: str, said: str, aside: int = 0) -> None:
        """Put into the ledger what became of a table's rows after they came; `aside` of them do not count."""
        self._remarks[name] = (said, aside)

    def replay_events(self, replay_id: str) -> pl.DataFrame:
        """Return one recording's events, in order; empty, with a ledger row, when it could not be read."""
        key = f"replay_events:{replay_id}"
        if key not in self._tables:
            frame, report = self._fetch("replay_events", lambda: self.store.replay_events(replay_id))
            self._tables[key], self._reports[key] = frame, report
        return self._tables[key]

    def renewed(self, store: Any, *names: str) -> Evidence:
        """Give the same evidence for a store of which some tables are to be fetched anew; this one stays as it is."""
        again = Evidence(store, self.window)
        for kept, known in zip(again._all, self._all, strict=True):
            kept.update({name: value for name, value in known.items() if name not in names})
        return again

    @property
    def _all(self) -> tuple[dict[str, Any], ...]:
        return self._tables, self._reports, self._remarks

    @property
    def reports(self) -> list[FetchReport]:
        """Every report so far; the recordings' own ones are summed into one."""
        single = [
            self._with_remark(report) for name, report in self._reports.items() if not name.startswith("replay_events:")
        ]
        recordings = [report for name, report in self._reports.items() if name.startswith("replay_events:")]
        if recordings:
            failed = [report.failed for report in recordings if report.failed]
            single.append(
                FetchReport(
                    source=recordings[0].source,
                    table="replay_events",
                    query=f"{len(recordings)} recordings, one by one",
                    rows=sum(report.rows for report in recordings),
                    window=self.window,
                    pages=len(recordings),
                    refused=tuple(refusal for report in recordings for refusal in report.refused),
                    failed=f"{len(failed)} recordings could not be read (first: {failed[0]})" if failed else None,
                )
            )
        return single

    def ledger(self) -> pl.DataFrame:
        """One row a fetch: what was asked, what came, what was set aside, and whether that is all there is."""
        rows = [_ledger_row(report, self._remarks.get(report.table, ("", 0))[1]) for report in self.reports]
        return pl.DataFrame(rows, schema=LEDGER_SCHEMA, orient="row")

    def _with_remark(self, report: FetchReport) -> FetchReport:
        notes = [report.note, self._remarks.get(report.table, ("", 0))[0]]
        return replace(report, note="; ".join(note for note in notes if note) or None)

    def _ask(self, name: str) -> Fetched:
        method: Callable[..., Fetched] | None = getattr(self.store, name, None)
        if method is None:
            report = FetchReport(_name(self.store), name, name, 0, self.window, note=f"the source has no {name}")
            return Fetched(TABLES[name].empty().lazy(), report)
        if name == "artifacts":
            return method()
        if name == "spans":
            return method(window=self.window)
        if name == "releases":
            return method(Window(environment=self.window.environment))
        return method(self.window)

    def _fetch(self, name: str, ask: Callable[[], Fetched]) -> tuple[pl.DataFrame, FetchReport]:
        try:
            frame, report = ask()
            return frame.collect(), report
        except BlindspotError as error:
            report = FetchReport(_name(self.store), name, name, 0, self.window, failed=str(error))
            return TABLES[name].empty(), report


def _name(store: Any) -> str:
    return str(getattr(store, "name", type(store).__name__))


def _ledger_row(report: FetchReport, aside: int) -> tuple[Any, ...]:
    notes = [report.failed, report.note, report.sampling]
    if report.refused:
        first = report.refused[0]
        notes.append(f"set aside: {first.place} ({first.reason})" + (" …" if len(report.refused) > 1 else ""))
    if report.failed:
        complete = "failed"
    elif report.truncated:
        complete = "truncated"
    elif report.refused or aside:
        complete = "partial"
    else:
        complete = "sampled" if report.sampling else "yes"
    return (
        report.table,
        report.source,
        report.query,
        report.rows,
        len(report.refused) + aside,
        complete,
        "; ".join(note for note in notes if note),
    )
