"""Broken lines, envelopes, items, files and maps: each is counted and named once, and nothing else is lost."""

import gzip
import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.files import BLOCK, find_files
from connectors.folder import FolderSource
from connectors.formats.envelope import Received
from connectors.formats.sentry_tables import SentryTables, read_envelope
from connectors.stores import Window
from tests.connectors.conftest import SAMPLE

ALL = Window()
EVENT = {
    "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
    "timestamp": 1773069712.25,
    "platform": "javascript",
    "exception": {
        "values": [
            {
                "type": "TypeError",
                "value": "Cannot read properties of undefined (reading 'amount')",
                "stacktrace": {
                    "frames": [{"filename": "https://shop/a.js", "function": "pay", "lineno": 2, "colno": 561}]
                },
                "mechanism": {"type": "onerror", "handled": False},
            }
        ]
    },
    "breadcrumbs": [
        {
            "timestamp": 1773069711.5,
            "category": "fetch",
            "data": {"method": "GET", "url": "/api/cart", "status_code": 200},
        },
        {"timestamp": 1773069712.0, "category": "ui.click", "message": "button#pay"},
    ],
}
HEADER = '{"sent_at":"2026-03-09T15:21:52.500Z"}'


def envelope(*payloads: str, kind: str = "event") -> str:
    return "\n".join([HEADER, *(part for payload in payloads for part in (f'{{"type":"{kind}"}}', payload))])


def changed(**change) -> str:
    return json.dumps({**EVENT, **change})


def read(*envelopes: str) -> SentryTables:
    out = SentryTables()
    for number, text in enumerate(envelopes, 1):
        read_envelope(Received(text.encode(), None), f"e:{number}", out)
    return out


def folder(tmp_path, **files: str | bytes) -> FolderSource:
    for name, content in files.items():
        (tmp_path / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
    return FolderSource(tmp_path)


@pytest.mark.parametrize(
    ("payload", "place", "reason"),
    [
        (changed(timestamp=None), "e:1 item 1", "timestamp is None, not a time"),
        (changed(timestamp="yesterday"), "e:1 item 1", "timestamp is 'yesterday', not a time"),
        (changed(timestamp=-5), "e:1 item 1", "timestamp is -5.0, not a time"),
        (changed(timestamp=1e300), "e:1 item 1", "timestamp is 1e+300, not a time"),
        (changed(timestamp=float("nan")), "e:1 item 1", "cannot be read"),
        (changed(timestamp=float("inf")), "e:1 item 1", "cannot be read"),
        (changed(timestamp=[1]), "e:1 item 1", "cannot be read"),
        (changed(event_id="x"), "e:1 item 1", "event_id is 'x', not 32 hex digits"),
        (json.dumps(EVENT)[:-40], "e:1 item 1", "cannot be read"),
        ("[]", "e:1 item 1", "cannot be read"),
        ("\ud83d", "e:1 item 1", "cannot be read"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_with_its_reason(payload, place, reason):
    text = payload.encode("utf-8", "surrogatepass")
    out = SentryTables()
    read_envelope(Received(envelope("@").encode().replace(b"@", text), None), "e:1", out)
    read_envelope(Received(envelope(json.dumps(EVENT)).encode(), None), "e:2", out)
    assert len(out.events) == 1
    [refused] = out.events.refused
    assert refused.place == place
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("section", "value", "table"),
    [
        ("breadcrumbs", {"values": "none"}, "events"),
        ("tags", 7, "events"),
        ("contexts", [], "events"),
        ("user", "maya", "events"),
        ("request", [1], "events"),
        ("fingerprint", {"a": 1}, "events"),
        ("debug_meta", {"images": 3}, "frames"),
    ],
)
def test_a_section_of_the_wrong_shape_costs_only_itself(section, value, table):
    out = read(envelope(changed(**{section: value})))
    assert out.events.frame()["type"].to_list() == ["TypeError"]
    assert len(out.frames) == 1
    rows = out.breadcrumbs if section == "breadcrumbs" else getattr(out, table)
    [refused] = rows.refused
    assert section.rstrip("s") in refused.reason


def test_a_breadcrumb_or_frame_of_the_wrong_shape_costs_only_itself():
    crumbs = [{"timestamp": "?"}, {"timestamp": 1773069712, "category": 5}, 3, *EVENT["breadcrumbs"]]
    frames = [
        {"filename": 1},
        {"filename": "b.js", "lineno": [2]},
        {"filename": "c.js", "lineno": "2", "colno": "x"},
        EVENT["exception"]["values"][0]["stacktrace"]["frames"][0],
    ]
    exception = {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": frames}}]}
    out = read(envelope(changed(breadcrumbs=crumbs, exception=exception)))
    assert (len(out.events), len(out.breadcrumbs), len(out.requests), len(out.frames)) == (1, 2, 1, 2)
    assert (len(out.breadcrumbs.refused), len(out.frames.refused)) == (3, 2)
    # a number as a text is a number; a text that is none costs itself
    assert out.frames.frame().select("url", "line", "column").rows() == [
        ("https://shop/a.js", 2, 561), ("c.js", 2, None),
    ]  # fmt: skip


def test_an_envelope_cut_off_in_its_second_item_loses_only_that_item():
    event, second = json.dumps(EVENT), changed(event_id="b" * 32)
    items = [part for body in (event, second) for part in (f'{{"type":"event","length":{len(body)}}}', body)]
    text = "\n".join([HEADER, *items])
    out = read(text[:-100])
    assert out.events.frame()["event_id"].to_list() == [EVENT["event_id"]]
    assert [(r.place, r.reason) for r in out.events.refused] == [
        ("e:1 item 2", f"event is cut off: {len(second) - 100} of {len(second)} bytes are there")
    ]


def test_a_breadcrumb_whose_data_is_not_utf_8_costs_only_itself():
    text = envelope(json.dumps(EVENT)).encode().replace(b'"method"', b'"me\xffhod"')
    out = SentryTables()
    read_envelope(Received(text, None), "e:1", out)
    assert (len(out.events), len(out.breadcrumbs), len(out.requests)) == (1, 1, 0)
    assert "breadcrumb 1: its data cannot be read" in out.breadcrumbs.refused[0].reason


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_one_envelope_holds_the_next_is_read(raw, data):
    """Cut, overwrite or repeat bytes anywhere in a real envelope: nothing raises, and the one behind it is whole."""
    number = data.draw(st.integers(0, 59))
    text = bytearray(raw("envelopes.ndjson.gz")[number]["envelope"].encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(text) - 1, 0)))
        match data.draw(st.sampled_from(["cut", "write", "repeat"])):
            case "cut":
                del text[at : at + data.draw(st.integers(1, 200))]
            case "write":
                text[at:at] = data.draw(st.sampled_from([b"NaN", b"\xff", b"null", b"{", b'"', b"\n", b"-1", b"[[[["]))
            case "repeat":
                text[at:at] = text[at : at + 100]
    out = SentryTables()
    read_envelope(Received(bytes(text), None), "e:1", out)
    before = len(out.events)
    read_envelope(Received(envelope(json.dumps(EVENT)).encode(), None), "e:2", out)
    assert len(out.events) == before + 1
    assert not [refused for refused in out.events.refused if refused.place.startswith("e:2")]
    for rows in (out.events, out.frames, out.breadcrumbs, out.requests, out.spans):
        rows.frame()


def test_a_garbage_line_among_good_ones_is_named_by_its_number(tmp_path, raw):
    lines = [json.dumps(line) for line in raw("envelopes.ndjson.gz")]
    whole = folder(tmp_path, envelopes__ndjson="\n".join(lines))
    events = whole.events(ALL).report.rows
    (tmp_path / "broken").mkdir()
    broken = [*lines[:7], "{garbage", *lines[7:], '{"received_at": 1}', '{"envelope": 5}']
    source = folder(tmp_path / "broken", envelopes__ndjson="\n".join(broken))
    report = source.events(ALL).report
    assert report.rows == events
    places = [refused.place for refused in report.refused]
    assert places == [f"envelopes.ndjson:{n}" for n in (8, len(lines) + 2, len(lines) + 3)]
    assert not report.complete


def test_a_compressed_file_that_ends_early_gives_what_came_before(tmp_path, raw):
    packed = (SAMPLE / "raw/envelopes.ndjson.gz").read_bytes()
    source = folder(tmp_path, envelopes__ndjson__gz=packed[: len(packed) // 2])
    report = source.events(ALL).report
    assert report.rows > 0
    [refused] = report.refused
    assert refused.place == "envelopes.ndjson.gz"
    read_lines = int(refused.reason.split("; ")[1].split()[0])
    expected = sum('"type":"event"' in line["envelope"] for line in raw("envelopes.ndjson.gz")[:read_lines])
    assert report.rows == expected


def test_garbage_after_a_compressed_file_does_not_cost_the_file(tmp_path, raw):
    packed = (SAMPLE / "raw/page_views.ndjson.gz").read_bytes()
    source = folder(tmp_path, page_views__ndjson__gz=packed + b"\x00garbage")
    report = source.page_views(ALL).report
    assert report.rows == len(raw("page_views.ndjson.gz"))
    assert [refused.place for refused in report.refused] == ["page_views.ndjson.gz"]


def test_vitals_that_are_no_numbers(tmp_path):
    good = '{"ts":1773069712000,"name":"LCP","value":2100.5,"id":"v5-%d","page_view_id":"p%d"}'
    bad = ["NaN", "Infinity", "null", '"fast"', "-3", "[1]", "true", "1e999"]
    lines = [good % (n, n) for n in range(3)]
    lines += [f'{{"ts":1773069712000,"name":"LCP","value":{value},"id":"b","page_view_id":"q"}}' for value in bad]
    lines += [
        '{"name":"LCP","value":1,"id":"c"}',
        '{"ts":1773069712000,"value":1}',
        '{"ts":"later","name":"CLS","value":0}',
    ]
    report = folder(tmp_path, beacons__ndjson="\n".join(lines)).vitals(ALL).report
    assert report.rows == 3
    assert [refused.place for refused in report.refused] == [f"beacons.ndjson:{n}" for n in range(4, 4 + len(bad) + 3)]


def test_spans_that_are_none_cost_themselves(tmp_path):
    span = {
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": "00f067aa0ba902b7",
        "name": "GET",
        "startTimeUnixNano": "1773069712000000000",
        "endTimeUnixNano": "1773069712500000000",
    }
    spans = [
        span,
        {**span, "traceId": "0" * 32},
        {**span, "spanId": "xyz"},
        {**span, "startTimeUnixNano": "soon"},
        {**span, "startTimeUnixNano": None},
        {**span, "attributes": 4},
        {**span, "spanId": "00f067aa0ba902b8", "endTimeUnixNano": None},
    ]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}, {"scopeSpans": 3}]}
    source = folder(tmp_path, traces__json=json.dumps(request))
    fetched = source.spans()
    assert fetched.frame.collect().select("span_id", "duration_us").rows() == [
        ("00f067aa0ba902b7", 500_000),
        ("00f067aa0ba902b8", None),
    ]
    assert [refused.place for refused in fetched.report.refused] == [
        *(f"traces.json span {n}" for n in range(2, 7)),
        "traces.json",
    ]


def test_a_broken_map_is_named_and_stays_listed(tmp_path):
    assets = tmp_path / "releases" / "a1b2c3d4" / "assets"
    assets.mkdir(parents=True)
    (assets / "shop.js.map").write_text('{"version":3,"sources":[],"mappings":""}')
    (assets / "cart.js.map").write_text('{"version":3,"sources":[],"mapp')
    listing = [
        {"release": "a1b2c3d4", "url": "~/assets/shop.js", "map": "assets/shop.js.map"},
        {"release": "a1b2c3d4", "url": "~/assets/gone.js", "map": "assets/gone.js.map"},
    ]
    (assets.parent / "artifacts.json").write_text(json.dumps(listing))
    fetched = FolderSource(tmp_path).artifacts()
    assert sorted(fetched.frame.collect()["url"]) == ["~/assets/cart.js", "~/assets/shop.js"]
    assert sorted(refused.place for refused in fetched.report.refused) == [
        "releases/a1b2c3d4/artifacts.json entry 2",
        "releases/a1b2c3d4/assets/cart.js.map",
    ]


def test_a_broken_recording_event_costs_itself(tmp_path):
    segment = {
        "session_id": "s1",
        "seq": 0,
        "events": [
            {"type": 4, "timestamp": 1773069712000, "data": {}},
            {"type": 3, "timestamp": None, "data": {"source": 1}},
            {"type": "x", "timestamp": 1773069712000},
            {"type": 3, "timestamp": 1773069712500, "data": {"source": 2}},
            {"type": 3, "timestamp": 1773069712500, "data": "eJyrVg=="},
        ],
    }
    source = folder(tmp_path, s1__ndjson=json.dumps(segment) + '\n{"session_id":"s1","events":[{"typ\n')
    events = source.replay_events("s1")
    assert events.frame.collect()["source"].to_list() == [None, 2]
    assert [refused.place for refused in events.report.refused] == [
        "s1.ndjson:1 event 2",
        "s1.ndjson:1 event 3",
        "s1.ndjson:1 event 5",
        "s1.ndjson:2",
    ]
    assert source.replays(ALL).frame.collect().select("event_count", "segment_count").rows() == [(2, 1)]


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    source = folder(
        tmp_path,
        a__json='{"release":"a1","deployed_at":1741530000}',
        b__json='{"release":"b2","deployed_at":1741530000}',
    )
    (tmp_path / "b.json").unlink()
    report = source.releases(ALL).report
    assert report.rows == 1
    assert report.refused[0] == ("b.json", "the file is gone since it was listed")


def test_the_whole_sample_with_every_file_damaged(tmp_path, sample, raw):
    """One line of garbage in each file of lines: every table keeps its rows, every report names one place more."""
    shutil.copytree(SAMPLE, tmp_path / "s", ignore=shutil.ignore_patterns("capture", "truth*"))
    for path in (tmp_path / "s" / "raw").glob("*.ndjson.gz"):
        lines = gzip.decompress(path.read_bytes()).split(b"\n")
        lines.insert(len(lines) // 2, b'{"cut": "off')
        path.write_bytes(gzip.compress(b"\n".join(lines)))
    damaged = FolderSource(tmp_path / "s")
    for name in ("events", "frames", "breadcrumbs", "requests", "vitals", "page_views", "replays"):
        one, other = getattr(sample, name)(ALL), getattr(damaged, name)(ALL)
        assert one.report.rows == other.report.rows, name
    assert damaged.spans().report.rows == sample.spans().report.rows
    for report in (
        damaged.events(ALL),
        damaged.vitals(ALL),
        damaged.page_views(ALL),
        damaged.spans(),
        damaged.replays(ALL),
    ):
        assert len(report.report.refused) == 1


def test_a_map_that_is_not_what_was_uploaded(tmp_path):
    folder = tmp_path / "releases" / "a1b2c3d4"
    folder.mkdir(parents=True)
    text = '{"version":3,"sources":[],"mappings":""}'
    (folder / "shop.js.map").write_text(text)
    entry = {"url": "~/shop.js", "map": "shop.js.map", "debug_id": "8" * 32, "sha256": "0" * 64, "bytes": len(text)}
    (folder / "artifacts.json").write_text(json.dumps([entry]))
    listed = FolderSource(tmp_path).artifacts()
    assert listed.report.refused == ()
    assert listed.frame.collect()["sha256"].to_list() == ["0" * 64]  # believed: the size is right
    (folder / "shop.js.map").write_text(text + "\n")
    changed_map = FolderSource(tmp_path).artifacts()
    [refused] = changed_map.report.refused
    assert refused.place == "releases/a1b2c3d4/shop.js.map"
    assert "has 41 bytes, its listing says 40" in refused.reason
    assert changed_map.frame.collect()["bytes"].to_list() == [41]


def test_a_bomb_is_unpacked_in_pieces(tmp_path):
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(bytes(64 * BLOCK)))
    [file] = find_files(tmp_path, tmp_path)
    assert max(map(len, file.blocks())) <= BLOCK
    assert len(file.head()) == 65_536
