"""The same traces as Tempo, Jaeger and Zipkin would serve them: written from their public interfaces, not from ours.

Tempo: grafana.com/docs/tempo (API docs) and tempo.proto; Jaeger: model/json of the project; Zipkin: zipkin2-api.yaml.
The source is the sample's own OTLP/JSON, read here with `json` alone.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.plays import JSON, Asked, Play

RAW = Path(__file__).parents[2] / "sample-data" / "raw" / "traces.otlp.ndjson.gz"
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")


def sample_traces(count: int) -> dict[str, list[dict[str, Any]]]:
    """The first traces of the sample: trace id to groups of `{"resource", "spans"}`."""
    traces: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(RAW, "rt", encoding="utf-8") as lines:
        for line in lines:
            for group in json.loads(line)["resourceSpans"]:
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        traces[span["traceId"]].append({"resource": group["resource"], "span": span})
    return {trace: traces[trace] for trace in sorted(traces)[:count]}


def plain(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        kind, value = next(iter(pair["value"].items()))
        found[pair["key"]] = int(value) if kind == "intValue" else value
    return found


def service_of(part: dict[str, Any]) -> str:
    return plain(part["resource"]["attributes"])["service.name"]


def start_us(part: dict[str, Any]) -> int:
    return int(part["span"]["startTimeUnixNano"]) // 1000


def duration_us(part: dict[str, Any]) -> int:
    return (int(part["span"]["endTimeUnixNano"]) - int(part["span"]["startTimeUnixNano"])) // 1000


def b64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def as_tempo(parts: list[dict[str, Any]]) -> dict[str, Any]:
    groups = []
    for part in parts:
        span = dict(part["span"])
        span["traceId"], span["spanId"] = b64(span["traceId"]), b64(span["spanId"])
        if span.get("parentSpanId"):
            span["parentSpanId"] = b64(span["parentSpanId"])
        span["kind"] = f"SPAN_KIND_{KINDS[span['kind']]}"
        if span.get("status", {}).get("code"):
            span["status"] = {**span["status"], "code": f"STATUS_CODE_{STATUSES[span['status']['code']]}"}
        groups.append({"resource": part["resource"], "scopeSpans": [{"scope": {}, "spans": [span]}]})
    return {"trace": {"resourceSpans": groups}}


def tags(values: dict[str, Any]) -> list[dict[str, Any]]:
    types = {bool: "bool", int: "int64", float: "float64", str: "string"}
    return [{"key": key, "type": types.get(type(value), "string"), "value": value} for key, value in values.items()]


def as_jaeger(trace_id: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    processes, spans = {}, []
    for part in parts:
        span, resource = part["span"], plain(part["resource"]["attributes"])
        process = f"p{len(processes) + 1}"
        name = resource.pop("service.name")
        known = next((key for key, value in processes.items() if value["serviceName"] == name), None)
        processes.setdefault(known or process, {"serviceName": name, "tags": tags(resource)})
        said = plain(span.get("attributes", [])) | {"span.kind": KINDS[span["kind"]].lower()}
        status = span.get("status", {})
        if status.get("code"):
            said["otel.status_code"] = STATUSES[status["code"]]
            said |= {"error": True} if status["code"] == 2 else {}
        if status.get("message"):
            said["otel.status_description"] = status["message"]
        parent = span.get("parentSpanId")
        spans.append({
            "traceID": trace_id.lstrip("0"), "spanID": span["spanId"], "operationName": span["name"],
            "references": [{"refType": "CHILD_OF", "traceID": trace_id.lstrip("0"), "spanID": parent}][: bool(parent)],
            "startTime": start_us(part), "duration": duration_us(part), "tags": tags(said),
            "logs": [{"timestamp": int(event["timeUnixNano"]) // 1000,
                      "fields": tags({"event": event["name"], **plain(event.get("attributes", []))})}
                     for event in span.get("events", [])],
            "processID": known or process, "warnings": None,
        })  # fmt: skip
    return {"traceID": trace_id.lstrip("0"), "spans": spans, "processes": processes, "warnings": None}


def as_zipkin(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spans = []
    for part in parts:
        span = part["span"]
        said = {key: str(value).lower() if isinstance(value, bool) else str(value)
                for key, value in plain(span.get("attributes", [])).items()}  # fmt: skip
        if span.get("status", {}).get("code") == 2:
            said["error"] = span["status"].get("message") or "true"
        spans.append({
            "traceId": span["traceId"], "id": span["spanId"], "name": span["name"], "timestamp": start_us(part),
            "duration": max(duration_us(part), 1), "localEndpoint": {"serviceName": service_of(part)}, "tags": said,
            **({"parentId": span["parentSpanId"]} if span.get("parentSpanId") else {}),
            **({"kind": KINDS[span["kind"]]} if span["kind"] > 1 else {}),
        })  # fmt: skip
    return spans


class Servers:
    """Answers of the three systems over some traces; searches honour time and limit as theirs do."""

    def __init__(self, traces: dict[str, list[dict[str, Any]]], limit: int | None = None) -> None:
        self.traces = traces
        self.limit = limit

    def _within(
        self, start_us_: float, end_us: float, limit: int, service: str | None = None, roots: bool = False
    ) -> list[str]:
        fits = [
            trace
            for trace, parts in self.traces.items()
            if any(
                start_us_ <= start_us(part) <= end_us for part in (sorted(parts, key=start_us)[:1] if roots else parts)
            )
            and (service is None or any(service_of(part) == service for part in parts))
        ]
        return fits[: min(limit, self.limit or limit)]

    def tempo(self, asked: Asked) -> Play:
        url = urlsplit(asked.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/api/search" and int(query["end"]) - int(query["start"]) > 168 * 3600:
            # modules/frontend/search_sharder.go, with the `max_duration` of its config.go
            said = (
                f"range specified by start and end exceeds 168h0m0s. received start={query['start']} end={query['end']}"
            )
            return Play(400, said.encode(), {"content-type": "text/plain"})
        if url.path == "/api/search":
            found = self._within(int(query["start"]) * 1e6, int(query["end"]) * 1e6, int(query["limit"]))
            answer: Any = {"traces": [{"traceID": trace.lstrip("0"), "rootServiceName": "shop-web",
                                       "startTimeUnixNano": "1", "durationMs": 5} for trace in found],
                           "metrics": {"inspectedTraces": len(self.traces)}}  # fmt: skip
            return Play(body=json.dumps(answer if found else {"metrics": {}}).encode())
        trace = url.path.rsplit("/", 1)[1]
        if not url.path.startswith("/api/v2/traces/") or trace not in self.traces:
            return Play(404, b"trace not found", {"content-type": "text/plain"})
        return Play(body=json.dumps(as_tempo(self.traces[trace])).encode())

    def jaeger(self, asked: Asked) -> Play:
        url = urlsplit(asked.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/api/services":
            services = sorted({service_of(part) for parts in self.traces.values() for part in parts})
            return Play(body=json.dumps({"data": services, "total": len(services), "errors": None}).encode())
        if url.path == "/api/traces":
            found = self._within(int(query["start"]), int(query["end"]), int(query["limit"]), query["service"])
        else:
            found = [trace for trace in self.traces if trace == url.path.rsplit("/", 1)[1]]
            if not found:
                said = {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}
                return Play(404, json.dumps(said).encode(), JSON)
        data = [as_jaeger(trace, self.traces[trace]) for trace in found]
        return Play(body=json.dumps({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None}).encode())

    def zipkin(self, asked: Asked) -> Play:
        url = urlsplit(asked.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/api/v2/services":
            services = sorted({service_of(part) for parts in self.traces.values() for part in parts})
            return Play(body=json.dumps(services).encode())
        if url.path == "/api/v2/traces":
            end, back = int(query["endTs"]), int(query["lookback"])
            # QueryRequest.test: by the time of a trace's first span
            found = self._within((end - back) * 1000, end * 1000, int(query["limit"]), query.get("serviceName"), True)
            return Play(body=json.dumps([as_zipkin(self.traces[trace]) for trace in found]).encode())
        trace = url.path.rsplit("/", 1)[1]
        if trace not in self.traces:
            return Play(404, b"not found", {"content-type": "text/plain"})
        return Play(body=json.dumps(as_zipkin(self.traces[trace])).encode())
