"""The captured incident, read by us and counted by hand: nothing is lost, nothing is made up."""

import gzip
import json
from collections import Counter, defaultdict

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.conftest import SAMPLE

ALL = Window()


def rows(fetched):
    assert fetched.report.refused == ()
    return fetched.frame.collect()


def test_the_sample_keeps_the_contract(sample):
    assert_conforms(sample)


def test_the_sample_is_found_by_its_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert open_store("sample-data").name == "shop"


def test_every_event_item_is_one_event(sample, raw_items):
    payloads = {p["event_id"]: p for _, item, p in raw_items if item["type"] == "event"}
    events = rows(sample.events(ALL))
    assert set(events["event_id"]) == set(payloads)
    for event in events.select("event_id", "type", "message", "release", "trace_id", "at").iter_rows(named=True):
        payload = payloads[event["event_id"]]
        last = payload["exception"]["values"][-1] if "exception" in payload else {}
        assert event["type"] == last.get("type")
        assert event["message"] == (last.get("value") or payload.get("message"))
        assert event["release"] == payload["release"]
        assert event["trace_id"] == payload["contexts"]["trace"]["trace_id"]
        assert event["at"].timestamp() == pytest.approx(payload["timestamp"], abs=1e-6)


def test_every_frame_is_there_newest_first(sample, raw_items):
    expected = {}
    for _, item, payload in raw_items:
        if item["type"] != "event":
            continue
        images = {image["code_file"]: image["debug_id"] for image in payload.get("debug_meta", {}).get("images", [])}
        chain = payload.get("exception", {}).get("values", [])
        for exception, thrown in enumerate(chain[::-1]):
            for number, frame in enumerate(thrown.get("stacktrace", {}).get("frames", [])[::-1]):
                expected[payload["event_id"], exception, number] = (
                    frame["filename"],
                    frame.get("lineno") or None,  # 0 is no line: ours begin at 1
                    frame.get("colno") or None,
                    images.get(frame["filename"]),
                )
    frames = rows(sample.frames(ALL))
    key, values = ["event_id", "exception_index", "frame_index"], ["url", "line", "column", "debug_id"]
    assert {row[:3]: row[3:] for row in frames.select(*key, *values).iter_rows()} == expected


def test_breadcrumbs_and_their_requests(sample, raw_items):
    crumbs = [
        (payload["event_id"], crumb)
        for _, item, payload in raw_items
        if item["type"] == "event"
        for crumb in payload.get("breadcrumbs", [])
    ]
    assert len(rows(sample.breadcrumbs(ALL))) == len({(event, json.dumps(crumb)) for event, crumb in crumbs})
    asked = {
        (event, round(crumb["timestamp"] * 1000), crumb["data"]["method"], crumb["data"]["url"])
        for event, crumb in crumbs
        if crumb.get("category") in ("fetch", "xhr")
    }
    requests = rows(sample.requests(ALL)).filter(pl.col("event_id").is_not_null())
    assert set(requests.select("event_id", pl.col("at").dt.epoch("ms"), "method", "url").iter_rows()) == asked


def test_both_span_forms_and_the_backend(sample, raw, raw_items):
    ids = {
        (span["trace_id"], span["span_id"]) for _, item, p in raw_items if item["type"] == "span" for span in p["items"]
    }
    for _, item, payload in raw_items:
        if item["type"] == "transaction":
            trace = payload["contexts"]["trace"]
            ids.add((trace["trace_id"], trace["span_id"]))
            ids |= {(trace["trace_id"], span["span_id"]) for span in payload["spans"]}
    assert {item["type"] for _, item, _ in raw_items} >= {"span", "transaction"}
    backend = {
        (span["traceId"], span["spanId"]): span
        for request in raw("traces.otlp.ndjson.gz")
        for group in request["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    }
    spans = rows(sample.spans())
    assert set(spans.filter(side="browser").select("trace_id", "span_id").iter_rows()) == ids
    assert set(spans.filter(side="backend").select("trace_id", "span_id").iter_rows()) == set(backend)
    assert spans.filter(side="backend", status="error").height == sum(
        s["status"]["code"] == 2 for s in backend.values()
    )
    durations = spans.filter(side="backend").select(
        "trace_id", "span_id", "duration_us", pl.col("started_at").dt.epoch("us")
    )
    for trace_id, span_id, duration, started in durations.iter_rows():
        span = backend[trace_id, span_id]
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        assert (started, duration) == (start // 1000, (end - start) // 1000)


def test_the_last_report_of_each_metric_is_kept(sample, raw):
    last = {}
    for beacon in sorted(raw("beacons.ndjson.gz"), key=lambda beacon: beacon["ts"]):
        last[beacon["page_view_id"], beacon["name"], beacon["id"]] = beacon["value"]
    vitals = rows(sample.vitals(ALL))
    kept = Counter(
        (view, metric, round(value, 9))
        for view, metric, value in vitals.select("page_view_id", "metric", "value").iter_rows()
    )
    assert kept == Counter((view, metric, round(value, 9)) for (view, metric, _), value in last.items())


def test_page_views_one_a_line(sample, raw):
    assert set(rows(sample.page_views(ALL))["page_view_id"]) == {
        view["page_view_id"] for view in raw("page_views.ndjson.gz")
    }


def test_sessions_last_from_first_to_last_sign_of_life(sample, raw, raw_items):
    signs = defaultdict(list)
    for line in [*raw("beacons.ndjson.gz"), *raw("page_views.ndjson.gz")]:
        signs[line["session_id"]].append(line["ts"])
    for _, item, payload in raw_items:
        if item["type"] == "event":
            signs[payload["tags"]["session_id"]].append(payload["timestamp"] * 1000)
    sessions = rows(sample.sessions(ALL))
    assert set(sessions["session_id"]) == set(signs)
    for session, start, end in sessions.select("session_id", "started_at", "ended_at").iter_rows():
        assert start.timestamp() * 1000 == pytest.approx(min(signs[session]), abs=1)
        assert end.timestamp() * 1000 == pytest.approx(max(signs[session]), abs=1)
    called = {contact["session_id"] for contact in raw("support.ndjson.gz")}
    assert set(sessions.filter("contacted_support")["session_id"]) == called & set(signs)
    assert sessions["contacted_support"].null_count() == 0


def test_recordings_that_were_kept(sample, raw):
    index = raw("replays.index.ndjson.gz")
    kept = {line["replay_id"]: line for line in index if line["kept"]}
    fetched = sample.replays(ALL)
    assert set(rows(fetched)["replay_id"]) == set(kept)
    if len(kept) < len(index):
        assert f"{len(kept)} of {len(index)}" in fetched.report.sampling
    first = min(kept)
    with gzip.open(SAMPLE / "raw/replays" / f"{kept[first]['session_id']}.ndjson.gz", "rt") as lines:
        recorded = [event for line in lines for event in json.loads(line)["events"]]
    events = rows(sample.replay_events(first))
    assert len(events) == len(recorded) == kept[first]["event_count"]
    assert sorted(events["at"].dt.epoch("ms")) == sorted(event["timestamp"] for event in recorded)
    texts = sorted(json.dumps(event["data"], sort_keys=True) for event in recorded)
    assert sorted(json.dumps(json.loads(data), sort_keys=True) for data in events["data"]) == texts


def test_an_event_without_a_replay_id_has_its_sessions_recording(sample, raw):
    kept = {line["session_id"]: line["replay_id"] for line in raw("replays.index.ndjson.gz") if line["kept"]}
    events = rows(sample.events(ALL))
    assert all(replay == kept.get(session) for session, replay in events.select("session_id", "replay_id").iter_rows())


def test_releases_and_their_maps(sample):
    releases = json.loads((SAMPLE / "raw/releases.json").read_text())
    assert rows(sample.releases(ALL))["release"].to_list() == [release["release"] for release in releases]
    artifacts = rows(sample.artifacts())
    maps = sorted(path.relative_to(SAMPLE).as_posix() for path in (SAMPLE / "releases").rglob("*.map"))
    assert sorted(artifacts["map_location"]) == maps
    for release, location, debug_id in artifacts.select("release", "map_location", "debug_id").iter_rows():
        known = json.loads((SAMPLE / location).read_bytes())
        assert location.startswith(f"releases/{release}/")
        assert debug_id == known.get("debugId", known.get("debug_id"))
        assert sample.open_map(location) == (SAMPLE / location).read_bytes()


def test_what_is_not_a_table_is_counted(sample, raw_items):
    counts = Counter(item["type"] for _, item, _ in raw_items)
    note = sample.events(ALL).report.note
    for kind in counts.keys() - {"event", "span", "transaction"}:
        assert f"{counts[kind]} {kind} items" in note


def test_users_are_hashed(sample, raw):
    users = {line["user_id"] for line in raw("page_views.ndjson.gz")} - {None}
    sessions = rows(sample.sessions(ALL))["user_id"].drop_nulls()
    assert not set(sessions) & users
    assert sessions.n_unique() <= len(users)


def test_a_window_of_one_day(sample, raw_items):
    from datetime import UTC, datetime

    start, end = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)
    of_day = {
        payload["event_id"]
        for _, item, payload in raw_items
        if item["type"] == "event" and start.timestamp() <= payload["timestamp"] < end.timestamp()
    }
    window = Window(start, end)
    assert set(rows(sample.events(window))["event_id"]) == of_day
    assert set(rows(sample.frames(window))["event_id"]) <= of_day
    assert rows(sample.events(Window(start, end, environment="staging"))).is_empty()


def test_lab_runs(sample):
    files = [json.loads(gzip.decompress(path.read_bytes())) for path in sorted((SAMPLE / "raw/lab").glob("*.json.gz"))]
    runs = rows(sample.lab_runs(ALL))
    assert runs["run_id"].n_unique() == len(files)
    truth = [json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text().splitlines()]
    letters = {deploy["letter"]: deploy["release"] for deploy in truth if deploy["kind"] == "deploy"}
    for run_id, release in runs.select("run_id", "release").unique().iter_rows():
        assert release == letters[run_id[0]]  # told by time here, by the driver's file name there
    lcp = sorted(runs.filter(metric="LCP")["value"])
    assert lcp == pytest.approx(
        sorted(result["audits"]["largest-contentful-paint"]["numericValue"] for result in files)
    )
