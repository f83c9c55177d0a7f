"""Jaeger's JSON: `{"data": [{"traceID", "spans", "processes"}]}`, times in microseconds.

Ids are hex, of older clients without leading zeros; what a span refers to as CHILD_OF is its parent; kind, status and
everything else are tags. A span id may occur twice in a trace: client and server of one call shared it, as in Zipkin.
Source: jaegertracing.io/docs (APIs), model/json of the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from connectors.formats.attributes import SESSION, URL, first_text, http_attributes
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, EARLIEST_US, LATEST_US, as_hex_id, as_text, duration_of, shown


class _Tag(msgspec.Struct):
    key: str
    value: Any = None


class _Reference(msgspec.Struct):
    refType: str = ""
    traceID: str = ""
    spanID: str = ""


class _Log(msgspec.Struct):
    timestamp: int | None = None
    fields: list[_Tag] | None = None


class _Process(msgspec.Struct):
    serviceName: str | None = None
    tags: list[_Tag] | None = None


class _Span(msgspec.Struct):
    traceID: str
    spanID: str
    operationName: str | None = None
    references: list[_Reference] | None = None
    parentSpanID: str | None = None
    startTime: int | None = None
    duration: int | None = None
    tags: list[_Tag] | None = None
    logs: list[_Log] | None = None
    processID: str = ""


class Trace(msgspec.Struct):
    """One trace of an answer; its spans are read one by one."""

    traceID: str
    spans: list[msgspec.Raw] | None = None
    processes: dict[str, msgspec.Raw] | None = None


class Traces(msgspec.Struct):
    """The answer of `/api/traces` and `/api/traces/<id>`."""

    data: list[Trace] | None = None
    errors: Any = None

    @property
    def problems(self) -> list[str]:
        """What could not be read, in Jaeger's words."""
        told = self.errors if isinstance(self.errors, list) else []
        return [_problem(one) for one in told if isinstance(one, dict)]


class Services(msgspec.Struct):
    """The answer of `/api/services`."""

    data: list[str] | None = None


_span = msgspec.json.Decoder(_Span)
_process = msgspec.json.Decoder(_Process)


def read_trace(trace: Trace, rows: Rows) -> None:
    """Read one trace into `rows`; a broken span is refused there, the others are read.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> said = (b'{"traceID":"a1","spans":[{"traceID":"a1","spanID":"b2","operationName":"GET /cart","startTime":'
    ...         b'1741530000000000,"duration":2000,"processID":"p1","tags":[{"key":"span.kind","value":"server"},'
    ...         b'{"key":"error","value":true},{"key":"http.status_code","value":500}]}],'
    ...         b'"processes":{"p1":{"serviceName":"pricing","tags":[]}}}')
    >>> read_trace(msgspec.json.decode(said, type=Trace), rows)
    >>> rows.frame().select("span_id", "service", "kind", "status", "http_status").rows()
    [('00000000000000b2', 'pricing', 'server', 'error', 500)]
    """
    processes = _processes(trace, rows)
    for number, raw in enumerate(trace.spans or [], 1):
        place = f"trace {trace.traceID} span {number}"
        try:
            span = _span.decode(raw)
        except BAD_JSON as error:
            rows.refuse(place, f"the span cannot be read ({error})")
            continue
        _add(span, processes.get(span.processID) or _Process(), place, rows)


def _processes(trace: Trace, rows: Rows) -> dict[str, _Process]:
    """Read who the spans are of; a process that is broken costs its spans their service, and nothing else."""
    read = {}
    for name, raw in (trace.processes or {}).items():
        try:
            read[name] = _process.decode(raw)
        except BAD_JSON as error:
            rows.refuse(f"trace {trace.traceID} process {name}", f"the process cannot be read ({error})")
    return read


def _problem(told: dict[str, Any]) -> str:
    said, trace = as_text(told.get("msg")) or f"error {as_text(told.get('code'))}", as_text(told.get("traceID"))
    return f"{said} (trace {trace})" if trace else said


def _add(span: _Span, process: _Process, place: str, rows: Rows) -> None:
    trace_id, span_id = _id(span.traceID, 32), _id(span.spanID, 16)
    if trace_id is None or span_id is None:
        return rows.refuse(place, f"traceID {shown(span.traceID)}, spanID {shown(span.spanID)} are not ids of a span")
    if span.startTime is None or not EARLIEST_US <= span.startTime <= LATEST_US:
        return rows.refuse(place, f"startTime is {shown(span.startTime)}, not microseconds since 1970")
    own = _tags(span.tags)
    http = http_attributes(own)
    status = _status(own)
    logs = [(log.timestamp, _tags(log.fields)) for log in span.logs or []]
    rows.add(
        (
            trace_id, span_id, _parent(span, trace_id), process.serviceName, as_text(span.operationName),
            as_text(own.get("span.kind")) or "internal", _side(process), span.startTime,
            duration_of(span.duration), status,
            _message(own, logs) if status == "error" else None,
            http.method, http.route, http.status, http.db_statement,
            msgspec.json.encode({**_tags(process.tags), **own}).decode(),
            [{"at": at, "name": as_text(fields.get("event")), "attributes": msgspec.json.encode(fields).decode()}
             for at, fields in logs],
            first_text(own, URL), first_text(own, SESSION),
        )
    )  # fmt: skip
    return None


def _id(value: str, digits: int) -> str | None:
    return as_hex_id(value.rjust(digits, "0"), digits)


def _parent(span: _Span, trace_id: str) -> str | None:
    """The first span of the same trace that it is a child of, else that it follows from."""
    same = [one for one in span.references or [] if _id(one.traceID, 32) in (trace_id, None)]
    same.sort(key=lambda one: one.refType != "CHILD_OF")
    return _id(same[0].spanID if same else span.parentSpanID or "", 16)


def _tags(tags: Iterable[_Tag] | None) -> dict[str, Any]:
    return {tag.key: tag.value for tag in tags or []}


def _status(own: Mapping[str, Any]) -> str:
    code = as_text(own.get("otel.status_code"))
    if code in ("ERROR", "OK"):
        return code.lower()
    return "error" if own.get("error") in (True, "true", 1) else "unset"


def _message(own: Mapping[str, Any], logs: list[tuple[int | None, dict[str, Any]]]) -> str | None:
    """What the status says, else what the exception that was logged says."""
    said = as_text(own.get("otel.status_description"))
    for _, fields in logs:
        said = said or as_text(fields.get("exception.message")) or as_text(fields.get("message"))
    return said


def _side(process: _Process) -> str:
    said = _tags(process.tags)
    in_browser = said.get("telemetry.sdk.language") == "webjs" or any(name.startswith("browser.") for name in said)
    return "browser" if in_browser else "backend"
