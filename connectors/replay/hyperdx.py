"""HyperDX and ClickStack: recordings in `hyperdx_sessions`, browser errors in `otel_traces` and `otel_logs`.

All three are tables of ClickHouse. HyperDX's own browser SDK sends errors as spans; what other SDKs send as logs of
browser sessions is read as well. `hyperdx+https://ch.example.com/default`; user, password and the embedded engine as in
`connectors.clickhouse`. Spans of the same database are `clickhouse-traces+https://...`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

import msgspec

from connectors.clickhouse import PAGE, ClickHouseStore, Time, quote
from connectors.exceptions import SourceNotFound
from connectors.formats.hyperdx import COLUMNS, SESSION, Recordings
from connectors.formats.hyperdx_errors import COLUMNS as SPAN_COLUMNS
from connectors.formats.hyperdx_errors import EXCEPTION, read_error_span
from connectors.formats.otel_rows import LOG_COLUMNS, last_ticks, read_error_log
from connectors.formats.rows import Rows
from connectors.formats.rrweb import replay_event_rows
from connectors.pages import page_of
from connectors.remote import Batch, Check
from connectors.stores import Window
from connectors.tables import EVENTS, FRAMES, REPLAYS

TIME = Time(quote("Timestamp"))
OF_SESSION = f"`ResourceAttributes`['{SESSION}']"
CHUNKS = ", ".join(quote(name) for name in COLUMNS)
LOGS = ", ".join(quote(name) for name in LOG_COLUMNS)
SPANS = ", ".join(quote(name) for name in SPAN_COLUMNS)
# OpenTelemetry's numbers of severity: 17 is where errors begin
ERRORS = [f"{OF_SESSION} != ''", "(`SeverityNumber` >= 17 OR `LogAttributes`['exception.type'] != '')"]
THROWN = [f"{OF_SESSION} != ''", f"has({quote('Events.Name')}, '{EXCEPTION}')"]
OVERVIEW = (
    f"SELECT {OF_SESSION} AS session, toUnixTimestamp64Micro(toDateTime64(min(`Timestamp`), 6, 'UTC')) AS began, "
    "toUnixTimestamp64Micro(toDateTime64(max(`Timestamp`), 6, 'UTC')) AS ended, "
    f"sum(length(`Body`)) AS size FROM {{table}} WHERE {{met}} GROUP BY session ORDER BY began, session"
)


LONGEST = timedelta(days=1)


class _Session(msgspec.Struct):
    session: str
    began: int | str
    ended: int | str
    size: int | str


# made once, here: reader threads that make it at the same time would read memory that is not set yet
_session = msgspec.json.Decoder(_Session)


class HyperDxStore(ClickHouseStore):
    """Recordings and browser errors of one database of HyperDX.

    Examples
    --------
    >>> sorted(HyperDxStore("hyperdx+https://ch.example.com/default").feeds)
    ['errors', 'recordings']
    """

    system = "hyperdx"
    form = "database*?user,sessions,logs,traces"
    feeds: ClassVar = {
        "errors": ("events", "frames"),
        "recordings": ("replays", "replay_events"),
    }

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the errors of a window, or the recordings that have events in it with those events."""
        if feed == "errors":
            yield from self._errors(window)
            return
        yield self._overview(window)
        yield from self._chunks([], {}, window)

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Give the events of one recording."""
        yield from self._chunks([f"{OF_SESSION} = {{session:String}}"], {"session": replay_id}, Window())

    def check(self) -> Check:
        """Ask for the names of the tables."""
        wanted = [self._sessions, self._logs, self._spans]
        sql = "SELECT name FROM system.tables WHERE database = {database:String}"
        names = {line["name"] for line in map(msgspec.json.decode, self.lines(sql, {"database": self.database}))}
        missing = [table for table in wanted if table.rpartition(".")[2].strip("`") not in names]
        says = f"there is no {', no '.join(missing)}" if missing else "recordings and errors can be read"
        return Check(not missing, says, None, f"one question for each {PAGE:,} logs")

    @property
    def _sessions(self) -> str:
        return self.table(self.where.options.get("sessions", "hyperdx_sessions"))

    @property
    def _logs(self) -> str:
        return self.table(self.where.options.get("logs", "otel_logs"))

    @property
    def _spans(self) -> str:
        return self.table(self.where.options.get("traces", "otel_traces"))

    def _errors(self, window: Window) -> Iterator[Batch]:
        rows: list[Rows] = []

        def logs(lines: Sequence[msgspec.Raw], place: str) -> None:
            rows[:] = [Rows(EVENTS), Rows(FRAMES)]
            for number, line in enumerate(lines, 1):
                read_error_log(line, f"{place} row {number}", rows[0])

        def spans(lines: Sequence[msgspec.Raw], place: str) -> None:
            rows[:] = [Rows(EVENTS), Rows(FRAMES)]
            for number, line in enumerate(lines, 1):
                read_error_span(line, f"{place} row {number}", *rows)

        missing: list[SourceNotFound] = []
        for select, table, where, take in ((SPANS, self._spans, THROWN, spans), (LOGS, self._logs, ERRORS, logs)):
            try:
                for _ in self._pages(select, table, window, where, {}, take):
                    yield page_of(rows, self.user_key)
            except SourceNotFound as nothing:
                missing.append(nothing)
                if len(missing) > 1:
                    raise
                yield Batch({}, note=f"there is no {table}, whose errors are not here")

    def _overview(self, window: Window) -> Batch:
        conditions = [f"{OF_SESSION} != ''"]
        params: dict[str, int] = {}
        for bound, how, name in ((window.start, ">=", "start"), (window.end, "<", "end")):
            if bound is not None:
                # a recording that reaches into the window is told as a whole
                conditions.append(TIME.compared(how, name))
                params[name] = TIME.of(bound + (LONGEST if name == "end" else -LONGEST))
        rows = Rows(REPLAYS)
        for line in self.lines(OVERVIEW.format(table=self._sessions, met=" AND ".join(conditions)), params):
            told = _session.decode(line)
            size = int(told.size)
            rows.add((told.session, told.session, int(told.began), int(told.ended), None, None, size, None))
        return page_of([rows], self.user_key)

    def _chunks(self, where: list[str], params: dict[str, str], window: Window) -> Iterator[Batch]:
        """Give replay events; an event whose chunks lie on two pages is put together all the same."""
        rows = replay_event_rows()
        recordings = Recordings(rows)

        def take(lines: Sequence[msgspec.Raw], place: str) -> None:
            recordings.read(lines, place)

        for _ in self._pages(CHUNKS, self._sessions, window, where, params, take):
            yield page_of([rows], self.user_key)
            rows = recordings.start_page()
        recordings.end()
        yield page_of([rows], self.user_key, calls=0)

    def _pages(self, select: str, table: str, window: Window, where: Sequence[str], params: dict[str, str],
               take: Callable[[Sequence[msgspec.Raw], str], None]) -> Iterator[None]:  # fmt: skip
        questions = self.paged(select, table, TIME, window, where, params)
        question, number = next(questions), 0
        while True:
            number += 1
            lines = self.lines(*question)
            take(lines, f"{table} page {number}")
            yield None
            if len(lines) < PAGE:
                return
            question = questions.send(last_ticks(lines[-1]))
