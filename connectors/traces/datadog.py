"""Datadog APM spans over the search API, by window or by trace.

`datadog-spans+https://api.datadoghq.eu?service=pricing`, with the two keys of `datadog+https` (here the application key
needs the scope `apm_read`). The search answers 300 calls an hour and 1,000 spans a call: ask for traces rather than for
windows. It finds indexed spans, which Datadog keeps for 15 days, and by the low 64 bits of a trace id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import polars as pl

from connectors.datadog import application_key, datadog_client
from connectors.exceptions import AuthError, FetchError
from connectors.formats.attributes import span_rows
from connectors.formats.datadog_ids import decimal_of
from connectors.formats.datadog_search import (
    PAGE,
    events_of,
    search,
    spans_search,
    term,
    warnings_of,
)
from connectors.formats.datadog_spans import read_span
from connectors.formats.nested import dig
from connectors.formats.values import as_micros
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.stores import Window
from connectors.tables import TIME

PATH = "api/v2/spans/events/search"
OLDEST = "now-15d"
TRACES_A_CALL = 50


class DatadogSpans(RemoteStore):
    """Spans of one Datadog site, narrowed to a service if the address names one.

    Examples
    --------
    >>> store = DatadogSpans("datadog-spans+https://api.datadoghq.eu?service=pricing&environment=production")
    >>> store.query(), store.query(["4bf92f3577b34da6a3ce929d0e0e4736"])
    ('service:pricing env:production', 'trace_id:(11803532876627986230)')
    """

    system = "datadog-spans"
    form = "?service"
    feeds: ClassVar = {"spans": ("spans",)}

    def connect(self, where: Address) -> Http:
        """Make the client, with both keys as headers."""
        return datadog_client(where)

    def query(self, trace_ids: Sequence[str] = (), environment: str | None = None) -> str:
        """Write the search: of some traces wherever they went, else of the address's service and environment."""
        if trace_ids:
            return f"trace_id:({' OR '.join(map(decimal_of, trace_ids))})"
        options = (("service", self.where.options.get("service")), ("env", self.environment or environment))
        return " ".join(term(name, value) for name, value in options if value) or "*"

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the spans of a window, a page of a thousand at a time, oldest first."""
        yield from self._search(self.query(environment=window.environment), window)

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces, under the ids that were asked for.

        Datadog keeps the low 64 bits of an id; a trace that began elsewhere has 128.
        """
        for begin in range(0, len(trace_ids), TRACES_A_CALL):
            asked = list(trace_ids[begin : begin + TRACES_A_CALL])
            ids = pl.DataFrame({"__low": [one[-16:] for one in asked], "__asked": asked}).unique("__low", keep="first")
            for batch in self._search(self.query(asked), window):
                spans = batch.tables["spans"].with_columns(pl.col("trace_id").str.slice(-16).alias("__low"))
                named = spans.join(ids, on="__low", how="left", maintain_order="left").with_columns(
                    pl.coalesce("__asked", "trace_id").alias("trace_id")
                )
                yield batch._replace(tables={"spans": named.drop("__low", "__asked")})

    def check(self) -> Check:
        """Ask for the oldest span that there is."""
        body = search(self.query(), None, None, OLDEST, None)
        events, _ = events_of(self._ask({**body, "page": {"limit": 1}}), "the check")
        at = as_micros(dig(events[0], "attributes", "start_timestamp")) if events else None
        since = None if at is None else pl.Series([at]).cast(TIME).item()
        says = "indexed spans can be read" if events else "the keys are good, but no span matches the address"
        calls = f"one call for {PAGE:,} spans or {TRACES_A_CALL} traces; Datadog answers 300 an hour"
        return Check(bool(events), says, since, calls)

    def _search(self, query: str, window: Window) -> Iterator[Batch]:
        cursor, number = None, 0
        while True:
            number += 1
            answer = self._ask(search(query, window.start, window.end, OLDEST, cursor))
            spans, following = events_of(answer, f"page {number} of spans")
            rows = span_rows()
            for index, span in enumerate(spans, 1):
                read_span(span, f"page {number} span {index}", rows)
            warned = warnings_of(answer)
            yield page_of([rows], self.user_key, truncated=warned is not None, note=warned)
            if following is None:
                return
            if following == cursor:
                raise FetchError(f"datadog gives the cursor of page {number} again; what comes after it was not read")
            cursor = following

    def _ask(self, body: dict[str, Any]) -> Any:
        try:
            return self.http.post(PATH, spans_search(body)).json()
        except AuthError as error:
            raise AuthError(
                f"{error} to the API key, and {application_key(self.where)} to an application key"
            ) from None
