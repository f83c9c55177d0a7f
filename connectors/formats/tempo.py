"""Grafana Tempo's answers: traces found by a search, and one trace whole.

A trace comes as OTLP by the plain rules of Protobuf's JSON: ids as base64, enums by name; `/api/v2/traces` wraps it as
`{"trace": {"resourceSpans": [...]}}`, `/api/traces` as `{"batches": [...]}`. A search gives ids as hex without leading
zeros. Source: grafana.com/docs/tempo (API docs), tempo.proto.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from connectors.formats.otlp import read_request
from connectors.formats.rows import Rows
from connectors.formats.values import as_hex_id


class Found(msgspec.Struct):
    """One trace of a search."""

    traceID: str


class Search(msgspec.Struct):
    """The answer of `/api/search`; no traces, no field."""

    traces: list[Found] = []


class _Trace(msgspec.Struct):
    resourceSpans: list[msgspec.Raw] | None = None
    batches: list[msgspec.Raw] | None = None


class Answered(msgspec.Struct):
    """The answer for one trace, in either version."""

    trace: _Trace | None = None
    batches: list[msgspec.Raw] | None = None
    status: Any = None
    message: str | None = None

    @property
    def is_partial(self) -> bool:
        """True when Tempo says that it gives less than the trace: too large, filtered or pruned, as `message` tells."""
        return self.status in (1, "PARTIAL")


def as_base64_id(value: Any, digits: int) -> str | None:
    """Give an id that was written as base64 as lowercase hex; None when it is none, or zero.

    Examples
    --------
    >>> as_base64_id("S/kvNXezTaajzpKdDg5HNg==", 32), as_base64_id("APBnqgupArc=", 16), as_base64_id("AAAA", 16)
    ('4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', None)
    """
    if not isinstance(value, str):
        return None
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return as_hex_id(raw.hex(), digits) if len(raw) * 2 == digits else None


def padded(trace_id: str) -> str:
    """Give the 32 digits of an id whose leading zeros were left out.

    Examples
    --------
    >>> padded("f067aa0ba902b7")
    '000000000000000000f067aa0ba902b7'
    """
    return trace_id.lower().rjust(32, "0")


def read_trace(answered: Answered, place: str, rows: Rows) -> None:
    """Read one trace into `rows`.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> said = (b'{"trace":{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"traceId":'
    ...         b'"S/kvNXezTaajzpKdDg5HNg==","spanId":"APBnqgupArc=","name":"GET /cart","kind":"SPAN_KIND_SERVER",'
    ...         b'"startTimeUnixNano":"1741530000000001000"}]}]}]}}')
    >>> read_trace(msgspec.json.decode(said, type=Answered), "trace 1", rows)
    >>> rows.frame().select("span_id", "kind").rows()
    [('00f067aa0ba902b7', 'server')]
    """
    groups = answered.batches or []
    if answered.trace is not None:
        groups = answered.trace.resourceSpans or answered.trace.batches or []
    read_request(msgspec.json.encode({"resourceSpans": groups}), place, rows, ids=as_base64_id)
