"""Spans in ClickHouse, as OpenTelemetry's exporter stores them: the table `otel_traces`.

`clickhouse-traces+https://ch.example.com/otel`, `?table=` where it is called otherwise; user, password and the embedded
engine as in `connectors.clickhouse`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from connectors.clickhouse import IDS, PAGE, ClickHouseStore, Time, quote
from connectors.formats.attributes import span_rows
from connectors.formats.otel_rows import SPAN_COLUMNS, last_ticks, read_span
from connectors.pages import page_of
from connectors.remote import Batch, Check
from connectors.stores import Window

TIME = Time(quote("Timestamp"))
# a span's events have their times in a list, and a row of JSON has no nanoseconds but as numbers
EVENT_TIMES = "arrayMap(at -> toUnixTimestamp64Nano(toDateTime64(at, 9, 'UTC')), `Events.Timestamp`)"
SELECT = ", ".join(
    f"{EVENT_TIMES if name == 'Events.Timestamp' else quote(name)} AS {quote(name)}" for name in SPAN_COLUMNS
)


class ClickHouseTraces(ClickHouseStore):
    """Spans of one `otel_traces`.

    Examples
    --------
    >>> ClickHouseTraces("clickhouse-traces+https://ch.example.com/otel?user=reader").table("otel_traces")
    '`otel`.`otel_traces`'
    """

    system = "clickhouse-traces"
    form = "database*?user,table"
    feeds: ClassVar = {"spans": ("spans",)}

    @property
    def spans_table(self) -> str:
        """The table, quoted."""
        return self.table(self.where.options.get("table", "otel_traces"))

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the spans of a window in order of time, a page at a time."""
        yield from self._read([], {}, window)

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces."""
        ids = sorted({one.lower() for one in trace_ids})
        for begin in range(0, len(ids), IDS):
            yield from self._read(["`TraceId` IN {ids:Array(String)}"], {"ids": ids[begin : begin + IDS]}, window)

    def check(self) -> Check:
        """Ask for one span."""
        found = self.lines(f"SELECT {SELECT}, {TIME.as_ticks} AS _ticks FROM {self.spans_table} LIMIT 1", {})
        says = "spans can be read" if found else f"it answers, but {self.spans_table} is empty"
        return Check(bool(found), says, None, f"one question for each {PAGE:,} spans")

    def _read(self, where: list[str], params: dict[str, list[str]], window: Window) -> Iterator[Batch]:
        questions = self.paged(SELECT, self.spans_table, TIME, window, where, params)
        question, number = next(questions), 0
        while True:
            number += 1
            lines, rows = self.lines(*question), span_rows()
            for row, line in enumerate(lines, 1):
                read_span(line, f"{self.spans_table} page {number} row {row}", rows)
            yield page_of([rows], self.user_key)
            if len(lines) < PAGE:
                return
            question = questions.send(last_ticks(lines[-1]))
