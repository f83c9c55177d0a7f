"""Grafana Tempo over HTTP: traces found by TraceQL, then fetched one by one.

`tempo+https://tempo.example.com`, or `...?q={resource.service.name="shop-web"}` to narrow what a window holds (percent-
encoded). A token, where one is wanted, is BLINDSPOT_TEMPO_TOKEN; `?tenant=` sends `X-Scope-OrgID`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from connectors.exceptions import SourceNotFound
from connectors.formats.attributes import span_rows
from connectors.formats.tempo import Answered, Search, padded, read_trace
from connectors.halving import Part, closed, halved
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.secrets import secret_of
from connectors.stores import Window

LIMIT = 500
LEAST = timedelta(seconds=1)
BACK = timedelta(days=7)
SLICE = timedelta(days=1)
"""What one search looks at: a Tempo refuses more than `max_duration`, a week unless it is set otherwise."""


class TempoStore(RemoteStore):
    """Spans of a Tempo.

    Examples
    --------
    >>> TempoStore("tempo+https://tempo.example.com?tenant=shop")
    TempoStore('tempo+https://tempo.example.com?tenant=shop')
    """

    system = "tempo"
    form = "?q,tenant"
    feeds: ClassVar = {"spans": ("spans",)}

    def connect(self, where: Address) -> Http:
        """Make the client, with the tenant's header where the address names one."""
        tenant = where.options.get("tenant")
        headers = {"X-Scope-OrgID": tenant} if tenant else None
        return Http(where.base_url, source=self.system, headers=headers, bearer=secret_of(self.system, where.host))

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the traces of a window: a search, then a call for each trace; without a window the last seven days."""
        seen: set[str] = set()
        for part in (part for day in _days(closed(window, self.now(), BACK)) for part in self._parts(day)):
            fresh = [trace_id for trace_id in part.found if trace_id not in seen]
            seen.update(fresh)
            more = f"{part.window.describe()} holds more traces than a search gives ({LIMIT})"
            yield page_of([span_rows()], self.user_key, truncated=part.truncated, note=more if part.truncated else None)
            yield from self.read_traces(fresh, part.window)

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces, one call each; a trace that Tempo does not have is a note, no error."""
        for trace_id in dict.fromkeys(trace_ids):
            rows = span_rows()
            answered = self._trace(trace_id)
            if answered is None:
                yield page_of([rows], self.user_key, note=f"no trace {trace_id}")
                continue
            read_trace(answered, f"trace {trace_id}", rows)
            note = f"trace {trace_id} is not whole ({answered.message or 'Tempo gives a part of it'})"
            partial = answered.is_partial
            yield page_of([rows], self.user_key, truncated=partial, note=note if partial else None)

    def check(self) -> Check:
        """Search for one trace of the last seven days."""
        found = any(self._search(day, 1) for day in reversed(list(_days(closed(Window(), self.now(), BACK)))))
        says = "traces can be read" if found else "it answers, but has no trace of the last seven days"
        return Check(bool(found), says, None, f"one search for {LIMIT} traces, and one call a trace")

    def _parts(self, day: Window) -> Iterator[Part]:
        return halved(self._search, day, LIMIT, LEAST)

    def _search(self, window: Window, limit: int = LIMIT) -> list[str]:
        asked = {
            "q": self.where.options.get("q") or "{}", "limit": limit, "spss": 1,
            "start": int(window.start.timestamp()), "end": int(window.end.timestamp()),
        }  # fmt: skip
        return [padded(found.traceID) for found in self.http.get("api/search", asked).json(Search).traces]

    def _trace(self, trace_id: str) -> Answered | None:
        """Ask the second version of the interface, then the first, which older servers have alone."""
        for version in ("api/v2/traces", "api/traces"):
            try:
                return self.http.get(f"{version}/{trace_id}").json(Answered)
            except SourceNotFound:
                if self.http.skew is None:  # nobody has ever answered: that is no missing trace
                    raise
        return None


def _days(window: Window) -> Iterator[Window]:
    """Cut a window into what one search may look at, in whole seconds; what that is too much is cut off later."""
    begin, end = window.start.replace(microsecond=0), window.end
    if end.microsecond:
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    while begin < end:
        until = min(begin + SLICE, end)
        yield replace(window, start=begin, end=until)
        begin = until
