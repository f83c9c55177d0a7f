"""Tempo, Jaeger and Zipkin over a real socket: recorded forms of the same traces give the rows that OTLP gives.

None of the three servers runs here; what they serve is rebuilt by hand from their public interfaces
(`trace_servers`), with the sample's spans in it.
"""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from connectors.exceptions import AuthError, FetchError, SourceNotFound
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.plays import JSON, Play, playing, serving
from tests.connectors.trace_servers import Servers, sample_traces

SYSTEMS = ("tempo", "jaeger", "zipkin")
# all that a system can carry; Zipkin has no status but an error, no attributes of events, no duration of 0
CARRIED = ["trace_id", "span_id", "parent_span_id", "service", "name", "kind", "started_at", "http_method",
           "http_status", "http_route", "db_statement"]  # fmt: skip
ALSO = {
    "tempo": ["side", "duration_us", "status", "status_message", "events", "attributes"],
    "jaeger": ["side", "duration_us", "status"],
    "zipkin": [],
}


@pytest.fixture(scope="module")
def traces():
    return sample_traces(40)


@pytest.fixture(scope="module")
def expected(traces):
    return open_store("sample-data").spans(trace_ids=list(traces)).frame.collect().filter(pl.col("side") == "backend")


@pytest.fixture(scope="module")
def window(expected):
    return Window(expected["started_at"].min(), expected["started_at"].max() + timedelta(seconds=1))


@pytest.mark.parametrize("limit", [None, 7], ids=["one search", "searches that must be halved"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_spans_are_those_of_otlp(system, limit, traces, expected, window, monkeypatch):
    if limit is not None:
        monkeypatch.setattr(f"connectors.traces.{system}.LIMIT", limit)
    servers = Servers(traces, limit)
    with serving(getattr(servers, system)) as server:
        store = open_store(f"{system}+{server.url}")
        fetched = store.spans(window=window)
        rows = fetched.frame.collect()
        by_id = store.spans(trace_ids=list(traces)[:3]).frame.collect()
    assert fetched.report.complete, fetched.report
    columns = [*CARRIED, *ALSO[system]]
    order = ["trace_id", "span_id"]
    assert rows.sort(order).select(columns).equals(expected.sort(order).select(columns))
    assert (rows["status"] == "error").sum() == (expected["status"] == "error").sum()
    some = expected.filter(pl.col("trace_id").is_in(list(traces)[:3]))
    assert by_id.sort(order)["span_id"].to_list() == some.sort(order)["span_id"].to_list()


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_conforms(system, traces):
    with serving(getattr(Servers(dict(list(traces.items())[:3])), system)) as server:
        assert_conforms(open_store(f"{system}+{server.url}"))
        assert open_store(f"{system}+{server.url}").check().calls


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_trace_that_is_not_there_is_said_and_no_error(system, traces):
    with serving(getattr(Servers(traces), system)) as server:
        fetched = open_store(f"{system}+{server.url}").spans(trace_ids=["ab" * 16, next(iter(traces))])
    assert fetched.frame.collect()["trace_id"].unique().to_list() == [next(iter(traces))]
    assert "no trace abababab" in fetched.report.note


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_host_that_is_not_there_is_no_missing_trace(system):
    with playing(Play()) as server:
        url = server.url
    with pytest.raises(SourceNotFound, match="nobody answers at 127"):
        open_store(f"{system}+{url}").spans(trace_ids=["ab" * 16])


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_outage_is_partial_and_a_wrong_token_an_error(system, window, monkeypatch):
    monkeypatch.setattr("connectors.http.FIRST_WAIT", 0.001)
    monkeypatch.setattr("connectors.http.LONGEST_WAIT", 0.002)
    monkeypatch.setenv(f"BLINDSPOT_{system.upper()}_TOKEN", "s3cret-t0ken")
    with playing(Play(500, b"down", {})) as server:
        report = open_store(f"{system}+{server.url}").spans(window=window).report
    assert "500" in report.failed
    assert not report.complete
    with playing(Play(401, b"no", {})) as server, pytest.raises(AuthError, match=f"BLINDSPOT_{system.upper()}_TOKEN"):
        open_store(f"{system}+{server.url}").spans(window=window)
    assert server.asked[0].headers["authorization"] == "Bearer s3cret-t0ken"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_form_that_is_not_known_is_one_sentence(system, window):
    with playing(Play(200, b'{"data":"soon","traces":7,"trace":7}', JSON)) as server:
        store = open_store(f"{system}+{server.url}")
        report = store.spans(window=window).report
    assert "in a form that this version does not know" in report.failed
    assert isinstance(FetchError(report.failed), FetchError)


def test_more_traces_in_an_instant_than_a_search_gives_are_said(traces, monkeypatch):
    monkeypatch.setattr("connectors.traces.zipkin.LIMIT", 2)
    monkeypatch.setattr("connectors.traces.zipkin.REACH", timedelta())  # this server answers the same at any time
    at = datetime(2026, 3, 9, 12, tzinfo=UTC)
    spans = [[{"traceId": f"{n:032x}", "id": f"{n:016x}", "timestamp": int(at.timestamp() * 1e6)}] for n in (1, 2)]
    with playing(Play(200, json.dumps(spans).encode(), JSON)) as server:
        report = open_store(f"zipkin+{server.url}").spans(window=Window(at, at + timedelta(milliseconds=1))).report
    assert report.truncated
    assert "more than 2 traces within a millisecond" in report.note


@pytest.mark.parametrize("days", [1, 7, 30])
def test_windows_longer_than_tempo_searches_at_once(days, traces, expected, window):
    """A search of more than a week is refused (`max_duration`), also by the second that rounding adds to a week."""
    with serving(Servers(traces).tempo) as server:
        store = open_store(f"tempo+{server.url}")
        long = Window(window.end - timedelta(days=days) + timedelta(microseconds=7), window.end)
        fetched = store.spans(window=long)
        assert store.check().ok is False  # no trace in the last seven days, which is no error
    assert fetched.report.complete, fetched.report
    assert fetched.frame.collect().height == expected.filter(pl.col("started_at") >= long.start).height


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_trace_that_began_before_the_window(system, traces, expected):
    """Its spans in the window are given, however the server looks for traces."""
    long = expected.filter(pl.len().over("trace_id") > 2).sort("started_at")
    last = long["started_at"].max()
    window = Window(last, last + timedelta(milliseconds=1))
    inside = long.filter(pl.col("started_at").is_between(window.start, window.end, closed="left"))
    assert 0 < inside.height < long.filter(pl.col("trace_id").is_in(inside["trace_id"].to_list())).height
    with serving(getattr(Servers(traces), system)) as server:
        rows = open_store(f"{system}+{server.url}").spans(window=window).frame.collect()
    assert set(inside["span_id"]) <= set(rows["span_id"])


def test_what_jaeger_could_not_read_is_said(window):
    """A partial answer has `errors` beside its data (jaeger: structuredResponse)."""
    said = {"data": [], "errors": [{"code": 500, "msg": "storage timed out", "traceID": "a1"}], "total": 0}
    with playing(Play(200, json.dumps(said).encode(), JSON)) as server:
        report = open_store(f"jaeger+{server.url}?service=pricing").spans(window=window).report
    assert report.truncated
    assert "storage timed out (trace a1)" in report.note


def test_what_a_span_follows_from_is_its_parent_where_nothing_else_is():
    from connectors.formats.attributes import span_rows
    from connectors.formats.jaeger import Trace, read_trace

    follows, child = (
        {"refType": kind, "traceID": "a1", "spanID": of} for kind, of in (("FOLLOWS_FROM", "c3"), ("CHILD_OF", "d4"))
    )
    elsewhere = {"refType": "CHILD_OF", "traceID": "ff", "spanID": "e5"}
    span = {
        "traceID": "a1",
        "operationName": "GET",
        "startTime": 1741530000000000,
        "processID": "p1",
        "warnings": ["late"],
    }
    references = {"b1": [follows], "b2": [follows, child], "b3": [elsewhere], "b4": None, "b5": []}
    spans = [{**span, "spanID": own, "references": some} for own, some in references.items()]
    rows = span_rows()
    read_trace(msgspec.json.decode(json.dumps({"traceID": "a1", "spans": spans}), type=Trace), rows)
    assert [parent and parent.lstrip("0") for parent in rows.frame()["parent_span_id"]] == [
        "c3",
        "d4",
        None,
        None,
        None,
    ]
    assert rows.refused == []


def test_client_and_server_that_share_a_span_are_two_rows():
    """As of Zipkin's B3 propagation: one id, two kinds, two services."""
    one = {"traceId": "a1" * 16, "id": "b2" * 8, "timestamp": 1773061200000000, "duration": 900}
    spans = [
        {**one, "kind": "CLIENT", "localEndpoint": {"serviceName": "web"}},
        {**one, "kind": "SERVER", "localEndpoint": {"serviceName": "pricing"}, "shared": True},
    ]
    with playing(Play(200, json.dumps(spans).encode(), JSON)) as server:
        rows = open_store(f"zipkin+{server.url}").spans(trace_ids=["a1" * 16]).frame.collect()
    assert sorted(rows.select("service", "kind").iter_rows()) == [("pricing", "server"), ("web", "client")]


def varint(number: int) -> bytes:
    """A length as Protobuf writes it (protobuf.dev/programming-guides/encoding): seven bits a byte, lowest first."""
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


BEFORE = {"one behind the other": lambda _: b"", "lengths of four bytes": struct.Struct(">I").pack, "varints": varint}


@pytest.mark.parametrize("delimited", BEFORE)
def test_protobuf_gives_the_rows_that_json_gives(delimited, traces, expected, tmp_path):
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    from tests.connectors.trace_servers import as_tempo

    messages = [ParseDict(as_tempo(parts)["trace"], TracesData()).SerializeToString() for parts in traces.values()]
    whole = b"".join(BEFORE[delimited](len(one)) + one for one in messages)
    (tmp_path / "traces.bin").write_bytes(whole)
    (tmp_path / "cut.bin").write_bytes(whole[:-3])
    store = open_store(tmp_path)
    fetched = store.spans()
    order, columns = ["trace_id", "span_id"], [*CARRIED, *ALSO["tempo"]]
    assert fetched.frame.collect().sort(order).select(columns).equals(expected.sort(order).select(columns))
    place = "cut.bin message 1" if delimited == "one behind the other" else "cut.bin"
    assert [refused.place for refused in fetched.report.refused] == [place]


@pytest.mark.parametrize(
    ("status", "message", "note"),
    [
        ("PARTIAL", "Trace exceeds maximum size of 5000000 bytes, a partial trace is returned", "exceeds maximum size"),
        (1, None, "Tempo gives a part of it"),
        ("COMPLETE", None, None),
    ],
)
def test_a_trace_that_tempo_gives_a_part_of(status, message, note, traces):
    """`PartialStatus` of tempo.proto, by name or number, with what modules/frontend/combiner says of it."""
    from tests.connectors.trace_servers import as_tempo

    trace, parts = next(iter(traces.items()))
    answer = {**as_tempo(parts), "status": status, "message": message, "metrics": {"inspectedBytes": "4711"}}
    with playing(Play(200, json.dumps(answer).encode(), JSON)) as server:
        report = open_store(f"tempo+{server.url}").spans(trace_ids=[trace]).report
    assert (report.rows, report.truncated) == (len(parts), note is not None)
    assert note is None or note in report.note
