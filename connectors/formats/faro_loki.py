r"""Faro payloads as Alloy's `faro.receiver` writes them into Loki: one item a line, logfmt or JSON, keys flattened.

`kind` says what a line is. What the payload's `meta` says has the prefixes `app_`, `user_`, `session_`, `page_`,
`browser_`, `view_`; times are Go's (`2021-09-30 10:46:17.68 +0000 UTC`); a stack is text, newest frame first
(`TypeError: ...\n  at name (address:line:column)`). Source: `payload.go` and `exporters.go` of
github.com/grafana/alloy (internal/component/faro/receiver); answers: grafana.com/docs/loki (query_range).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.exceptions import FetchError
from connectors.formats.faro import read_document
from connectors.formats.nested import dig
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import BAD_JSON, as_int, as_number, as_text, shown

_PAIR = re.compile(r'([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?')
_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d{4})(?: .*)?")
_FRAME = re.compile(r"^\s*at (?P<name>.*) \((?:[^|()]*\|)?(?P<file>.*):(?P<line>\d+):(?P<column>\d+)\)$")
# flat prefix to the object of `meta` that it came from
SECTIONS = ("app", "user", "session", "page", "browser", "view")
LISTS = {"exception": "exceptions", "measurement": "measurements", "event": "events"}

_json = msgspec.json.Decoder()


class Entry(NamedTuple):
    """One log line and when Loki has it, in nanoseconds: when it was received, not when it happened."""

    nanoseconds: int
    line: str


def entries_of(answer: Any) -> list[Entry]:
    """Give the lines of an answer of `query_range`, of all its streams, in order of time.

    Raises
    ------
    FetchError
        The answer holds no streams of lines.

    Examples
    --------
    >>> streams = [{"stream": {"app": "shop"}, "values": [["2", "b"], ["1", "a", {"trace": "x"}]]}]
    >>> entries_of({"status": "success", "data": {"resultType": "streams", "result": streams}})
    [Entry(nanoseconds=1, line='a'), Entry(nanoseconds=2, line='b')]
    """
    result = dig(answer, "data", "result")
    if dig(answer, "data", "resultType") != "streams" or not isinstance(result, list):
        raise FetchError(f"loki answered without log lines ({shown(answer)}); is this its API?")
    return sorted(_entries(result))


def _entries(streams: list[Any]) -> Iterator[Entry]:
    for stream in streams:
        values = dig(stream, "values")
        for value in values if isinstance(values, list) else ():
            if isinstance(value, list) and len(value) >= 2 and (at := as_int(value[0])) is not None:
                yield Entry(at, str(value[1]))


def read_line(line: str, place: str, out: RumTables) -> None:
    r"""Read one line into `out`; one that is no item of Faro is skipped, a broken one refused.

    Examples
    --------
    >>> out = RumTables()
    >>> read_line(
    ...     'timestamp="2021-09-30 10:46:17.68 +0000 UTC" kind=exception type=TypeError value="x is \\"undefined\\"" '
    ...     'stacktrace="TypeError: x\\n  at pay (https://shop.example/a.js:1:99)" app_release=a1 session_id=s1',
    ...     "1",
    ...     out,
    ... )
    >>> out.events.frame().select("type", "message", "release").rows()
    [('TypeError', 'x is "undefined"', 'a1')]
    >>> out.frames.frame().select("function", "url", "line", "column").rows()
    [('pay', 'https://shop.example/a.js', 1, 99)]
    """
    try:
        said = _json.decode(line) if line.lstrip().startswith("{") else logfmt(line)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the line cannot be read ({error})")
    kind = as_text(dig(said, "kind"))
    if kind not in LISTS:
        return out.events.skip(f"lines of kind {shown(kind)}")
    return read_document(payload_of(said), place, out)


def logfmt(line: str) -> dict[str, str]:
    r"""Read a line of logfmt; text in quotes has the escapes of JSON.

    Examples
    --------
    >>> logfmt(r'kind=log message="a \"b\"\nc" empty= flag')
    {'kind': 'log', 'message': 'a "b"\nc', 'empty': '', 'flag': ''}
    """
    said = {}
    for key, value in _PAIR.findall(line):
        said[key] = _json.decode(value) if value.startswith('"') else value
    return said


def payload_of(said: dict[str, Any]) -> dict[str, Any]:
    """Put a flat line back into the form of a payload with one item.

    Examples
    --------
    >>> payload = payload_of({"kind": "event", "event_name": "click", "session_id": "s1", "event_data_a": "1"})
    >>> payload["meta"]["session"], payload["events"][0]["attributes"]
    ({'id': 's1', 'attributes': {}}, {'a': '1'})
    """
    flat: dict[str, dict[str, Any]] = {}
    for key, value in said.items():
        prefix, _, rest = key.partition("_")
        flat.setdefault(prefix, {})[rest] = value
    meta = {section: flat.get(section, {}) for section in SECTIONS}
    meta["session"]["attributes"] = _under(meta["session"], "attr_")
    trace = {"trace_id": said.get("traceID"), "span_id": said.get("spanID")}
    item: dict[str, Any] = {"timestamp": _time(said.get("timestamp")), "trace": trace}
    kind = said["kind"]
    if kind == "exception":
        frames = _frames(as_text(said.get("stacktrace")) or "")
        item |= {"type": said.get("type"), "value": said.get("value"), "hash": said.get("hash")}
        item |= {"stacktrace": {"frames": frames}, "context": flat.get("context", {})}
    elif kind == "measurement":
        values = {name: as_number(value) for name, value in flat.get("value", {}).items()}
        item |= {"type": said.get("type"), "values": values, "context": flat.get("context", {})}
    else:
        item |= {"name": said.get("event_name"), "attributes": _under(flat.get("event", {}), "data_")}
    return {"meta": meta, LISTS[kind]: [item]}


def _under(said: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in said.items() if key.startswith(prefix)}


def _time(text: Any) -> Any:
    match = _GO_TIME.fullmatch(text) if isinstance(text, str) else None
    return f"{match[1]}T{match[2]}{match[3]}" if match else text


def _frames(stack: str) -> list[dict[str, Any]]:
    matches = (_FRAME.match(line) for line in stack.split("\n"))
    return [
        {"function": match["name"], "filename": match["file"], "lineno": match["line"], "colno": match["column"]}
        for match in matches
        if match
    ]
