"""Spans from Sentry: those of a window from the table of spans, those of a trace from the trace itself.

Sources: docs.sentry.io/api/explore (`GET /organizations/{org}/events/?dataset=spans`) and "Retrieve a Trace"
(`GET /organizations/{org}/trace/{id}/`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from connectors.exceptions import SourceNotFound
from connectors.formats.attributes import span_rows
from connectors.formats.sentry_rest import Wrapped
from connectors.formats.sentry_trace import ATTRIBUTES, FIELDS, read_row, read_tree
from connectors.http import Http
from connectors.pages import page_of
from connectors.paging import linked_pages, pairs_of
from connectors.remote import Batch


def read_spans(http: Http, org_path: str, asked: Mapping[str, Any], user_key: str) -> Iterator[Batch]:
    """Give the spans of a window, page by page."""
    table = {**asked, "dataset": "spans", "field": list(FIELDS), "sort": "timestamp"}
    for page, answer in enumerate(linked_pages(http, f"{org_path}events/", table), 1):
        rows = span_rows()
        for number, raw in enumerate(answer.json(Wrapped).data, 1):
            read_row(raw, f"spans page {page} span {number}", rows)
        yield page_of([rows], user_key)


def read_traces(
    http: Http, org_path: str, trace_ids: Sequence[str], between: Mapping[str, str], user_key: str
) -> Iterator[Batch]:
    """Give the spans of some traces, one call a trace; a trace that is not there is no error."""
    for trace_id in dict.fromkeys(trace_ids):
        rows = span_rows()
        try:
            asked = pairs_of({**between, "additional_attributes": list(ATTRIBUTES)})
            answer = http.get(f"{org_path}trace/{quote(trace_id, safe='')}/", asked)
        except SourceNotFound:
            yield page_of([rows], user_key, note=f"no trace {trace_id}")
            continue
        for number, raw in enumerate(answer.json(list[msgspec.Raw]), 1):
            read_tree(raw, trace_id, f"trace {trace_id} span {number}", rows)
        yield page_of([rows], user_key)
