"""Zipkin's HTTP API, second version.

`zipkin+https://zipkin.example.com?service=shop-web` (all services when none is named). A search knows a limit, no next
page, so windows are halved until they fit; it finds traces by when their root began, in milliseconds, so it is asked
for those that began a little before the window as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import msgspec

from connectors.exceptions import SourceNotFound
from connectors.formats.attributes import span_rows
from connectors.formats.zipkin import read_trace, trace_id_of
from connectors.halving import closed, halved
from connectors.pages import page_of
from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Window

LIMIT = 500
LEAST = timedelta(milliseconds=1)
BACK = timedelta(days=7)
REACH = timedelta(minutes=1)
"""How long before a window a trace may have begun that has spans in it."""
Spans = list[msgspec.Raw]


class ZipkinStore(RemoteStore):
    """Spans of a Zipkin.

    Examples
    --------
    >>> ZipkinStore("zipkin+https://zipkin.example.com/zipkin?service=shop-web")
    ZipkinStore('zipkin+https://zipkin.example.com/zipkin?service=shop-web')
    """

    system = "zipkin"
    form = "?service"
    feeds: ClassVar = {"spans": ("spans",)}

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the traces of a window; without a window the last seven days."""
        window = closed(window, self.now(), BACK)
        reaching = replace(window, start=window.start - REACH)
        seen: set[str | None] = set()
        for part in halved(self._search, reaching, LIMIT, LEAST):
            rows = span_rows()
            for spans in part.found:
                trace_id = trace_id_of(spans)
                if trace_id is None or trace_id not in seen:
                    read_trace(spans, f"trace {trace_id}", rows)
                seen.add(trace_id)
            more = f"more than {LIMIT} traces within a millisecond"
            yield page_of([rows], self.user_key, truncated=part.truncated, note=more if part.truncated else None)

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces, one call each; a trace that Zipkin does not have is a note, no error."""
        for trace_id in dict.fromkeys(trace_ids):
            rows = span_rows()
            try:
                spans = self.http.get(f"api/v2/trace/{trace_id}").json(Spans)
            except SourceNotFound:
                if self.http.skew is None:  # nobody has ever answered: that is no missing trace
                    raise
                spans = []
            read_trace(spans, f"trace {trace_id}", rows)
            yield page_of([rows], self.user_key, note=None if spans else f"no trace {trace_id}")

    def check(self) -> Check:
        """Ask for the names of the services."""
        services = self.http.get("api/v2/services").json(list[str])
        asked = self.where.options.get("service")
        known = asked in services if asked else bool(services)
        says = "traces can be read" if known else f"it knows no service {asked}" if asked else "it has no traces yet"
        return Check(known, says, None, f"one search for {LIMIT} traces, with their spans")

    def _search(self, window: Window) -> list[Spans]:
        start, end = (int(at.timestamp() * 1000) for at in (window.start, window.end))
        asked = {
            "serviceName": self.where.options.get("service"), "endTs": end, "lookback": max(end - start, 1),
            "limit": LIMIT,
        }  # fmt: skip
        return self.http.get("api/v2/traces", asked).json(list[Spans])
