"""Tell what a file is by how it begins: the fields are what counts, the name decides only where they leave it open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from connectors.formats.artifact_bundle import is_artifact_bundle
from connectors.formats.envelope import is_event, is_wrapped
from connectors.formats.exports import is_export
from connectors.formats.fields import SPELLINGS
from connectors.formats.otlp_protobuf import is_otlp_protobuf
from connectors.formats.releases import columns_of
from connectors.formats.values import BAD_JSON
from connectors.formats.web_vitals import LISTS, METRICS

KINDS = (
    "envelopes", "beacons", "page_views", "support", "replays", "replay_index", "traces", "lab", "releases",
    "sourcemaps", "exports",
)  # fmt: skip
LINES_LOOKED_AT = 10
ITEM_TYPES = frozenset({
    "event", "transaction", "span", "session", "sessions", "client_report", "attachment", "user_report", "feedback",
    "replay_event", "replay_recording", "replay_video", "log", "profile", "profile_chunk", "check_in", "trace_metric",
    "statsd", "metric", "metric_buckets", "otel_span", "raw_security", "security", "form_data",
})  # fmt: skip
# how zlib begins, as text: an event that rrweb's packer packed
PACKED = ("x\x01", "x\x5e", "x\x9c", "x\xda")

_json = msgspec.json.Decoder()
# a flat object with a type, also one that is cut off
_ITEM_HEADER = re.compile(rb'\s*\{[^{}\[\]]*"type"\s*:\s*"(\w+)"[^{}\[\]]*(?:\}\s*)?$')
# an object or a list, behind a byte-order mark or the prefix that keeps a source map from running as a script
_OPENS_JSON = re.compile(rb"(?:\xef\xbb\xbf)?(?:\)\]\}'[^\n]*\n)?\s*[{\[]")
# a string, or a mark that opens, closes or separates: enough to walk the keys of a document that is cut off
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')


def recognise(name: str, head: bytes) -> str | None:
    r"""Give the kind (one of `KINDS`) of a file by its beginning, decompressed; None when it is none of them.

    Examples
    --------
    >>> recognise("1", b'{"sent_at":"2026-03-09T14:20:00Z"}\n{"type":"event","length":2}\n{}')
    'envelopes'
    >>> recognise("x.log", b'garbage\n{"ts":1,"name":"LCP","value":2100,"id":"v5-1"}\n')
    'beacons'
    >>> recognise("s1.json", b'[{"type":4,"data":{"href":"https://shop/"},"timestamp":1741530000')
    'replays'
    >>> recognise("app.js.map", b'{"version":3,"sources":["a.ts"],"mappings":"AAAA')
    'sourcemaps'
    >>> recognise("deploys.csv", b"release,deployed_at\na1b2c3d,2026-03-09T14:20:00Z\n")
    'releases'
    >>> recognise("notes.txt", b"call Maya") is None
    True
    """
    if is_artifact_bundle(head):
        return "sourcemaps"
    if is_otlp_protobuf(head):
        return "traces"
    lines = [line for line in head.split(b"\n") if line.strip()][:LINES_LOOKED_AT]
    if any(is_wrapped(line) for line in lines):
        return "envelopes"
    documents = [document for document in map(_decoded, lines) if document is not None]
    if any(_is_item_header(line) for line in lines[1:2]) or any(is_event(line) for line in lines[:1]):
        return "envelopes"
    for document in documents:
        if kind := _kind(name, document):
            return kind
    opening = _OPENS_JSON.match(head)
    if opening:
        return _kind_of_keys(name, list(_keys(head[opening.end() - 1 :])))
    return "releases" if lines and columns_of(lines[0].decode("utf-8-sig", "replace")) else None


def _decoded(line: bytes) -> Any:
    try:
        document = _json.decode(line)
    except BAD_JSON:
        return None
    return document if isinstance(document, dict | list) else None


def _is_item_header(line: bytes) -> bool:
    header = _ITEM_HEADER.match(line)
    return header is not None and header[1].decode() in ITEM_TYPES


def _kind(name: str, document: Any) -> str | None:
    while isinstance(document, list):
        if not document:
            return None
        document = document[0]
    if isinstance(document, str) and document.startswith(PACKED):
        return "replays"
    if not isinstance(document, dict):
        return None
    if _is_vital(document) or any(
        isinstance(document.get(key), list) and document[key] and _is_vital(document[key][0]) for key in LISTS
    ):
        return "beacons"
    if isinstance(document.get("events"), list) and _is_rrweb(next(iter(document["events"]), None)):
        return "replays"
    if _is_rrweb(document):
        return "replays"
    return _kind_of_keys(name, list(document))


def _is_vital(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    return any(document.get(key) in METRICS for key in SPELLINGS["metric"]) and _has(document, "value")


def _is_rrweb(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("type"), int) and "timestamp" in document


def _kind_of_keys(name: str, keys: list[str]) -> str | None:
    """Tell by the keys alone, as far as they could be read."""
    there = dict.fromkeys(keys)
    if "resourceSpans" in there:
        return "traces"
    if "lighthouseVersion" in there or {"audits", "fetchTime"} <= there.keys():
        return "lab"
    if "version" in there and ({"mappings", "sources"} & there.keys() or "sections" in there):
        return "sourcemaps"
    if {"url", "map"} <= there.keys() and name.endswith("artifacts.json"):
        return "sourcemaps"
    if _has(there, "deployed_at") and _has(there, "release"):
        return "releases"
    if "segment_count" in there or {"kept", "started_at"} <= there.keys():
        return "replay_index"
    if "support" in name.lower() and _has(there, "session_id"):
        return "support"
    if "events" in there and ("seq" in there or "segment_id" in there or _has(there, "session_id")):
        return "replays"
    if is_export(there):
        return "exports"
    if {"type", "data", "timestamp"} <= there.keys():
        return "replays"
    if _has(there, "page_view_id") and _has(there, "page_url") and not _has(there, "value"):
        return "page_views"
    return None


def _has(document: Mapping[str, Any], field: str) -> bool:
    return any(spelling in document for spelling in SPELLINGS[field])


def _keys(head: bytes) -> Iterator[str]:
    """Give the keys of the outermost object, also of one that is cut off, or of the first object in a list."""
    depth, wanted, last = 0, 1, None
    for token in _TOKEN.finditer(head):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
            if mark == b"[" and depth == wanted:
                wanted += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth < wanted:
                return
        elif mark == b":" and depth == wanted and last is not None:
            yield last
        last = mark[1:-1].decode(errors="replace") if mark[:1] == b'"' else None
