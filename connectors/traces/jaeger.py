"""Jaeger's query service over HTTP, as its own pages ask it.

`jaeger+https://jaeger.example.com?service=shop-web` (several with commas; all that it knows when none is named). A
search is by service and knows a limit, no next page, so windows are halved until they fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import ClassVar

from connectors.exceptions import SourceNotFound
from connectors.formats.attributes import span_rows
from connectors.formats.jaeger import Services, Trace, Traces, read_trace
from connectors.halving import closed, halved
from connectors.pages import page_of
from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Window

LIMIT = 500
LEAST = timedelta(milliseconds=1)
BACK = timedelta(days=2)


class JaegerStore(RemoteStore):
    """Spans of a Jaeger.

    Examples
    --------
    >>> JaegerStore("jaeger+https://jaeger.example.com?service=shop-web").services()
    ['shop-web']
    """

    system = "jaeger"
    form = "?service"
    feeds: ClassVar = {"spans": ("spans",)}

    def services(self) -> list[str]:
        """Name the services that are asked for: those of the address, else all that Jaeger knows."""
        named = [one for one in self.where.options.get("service", "").split(",") if one]
        return named or sorted(self.http.get("api/services").json(Services).data or [])

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the traces of a window, service by service; without a window the last two days."""
        window = closed(window, self.now(), BACK)
        seen: set[str] = set()
        for service in self.services():
            problems: list[str] = []
            for part in halved(partial(self._search, service, problems), window, LIMIT, LEAST):
                rows = span_rows()
                for trace in part.found:
                    if trace.traceID not in seen:
                        read_trace(trace, rows)
                seen.update(trace.traceID for trace in part.found)
                more = [f"{service} has more than {LIMIT} traces within a millisecond"] if part.truncated else []
                notes = [*more, *(f"jaeger could not read all of it: {said}" for said in dict.fromkeys(problems))]
                yield page_of([rows], self.user_key, truncated=bool(notes), note="; ".join(notes) or None)
                problems.clear()

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces, one call each; a trace that Jaeger does not have is a note, no error."""
        for trace_id in dict.fromkeys(trace_ids):
            rows = span_rows()
            try:
                found = self.http.get(f"api/traces/{trace_id}").json(Traces).data or []
            except SourceNotFound:
                if self.http.skew is None:  # nobody has ever answered: that is no missing trace
                    raise
                found = []
            for trace in found:
                read_trace(trace, rows)
            yield page_of([rows], self.user_key, note=None if found else f"no trace {trace_id}")

    def check(self) -> Check:
        """Ask for the services."""
        services = self.services() if "service" not in self.where.options else self._known()
        says = f"it knows {len(services)} of the services asked for" if services else "it knows no such service"
        return Check(bool(services), says, None, f"one search a service for {LIMIT} traces, with their spans")

    def _known(self) -> list[str]:
        known = self.http.get("api/services").json(Services).data or []
        return [service for service in self.services() if service in known]

    def _search(self, service: str, problems: list[str], window: Window) -> list[Trace]:
        start, end = (int(at.timestamp() * 1_000_000) for at in (window.start, window.end))
        asked = {"service": service, "start": start, "end": end - 1, "limit": LIMIT}
        answered = self.http.get("api/traces", asked).json(Traces)
        problems += answered.problems
        return answered.data or []
