"""Replay items of Sentry envelopes: the sample's recordings, packed as Sentry's protocol says (relay, replay item)."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.formats import inflate
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms

REPLAYS = Path(__file__).resolve().parents[2] / "sample-data" / "raw" / "replays"
SESSION = "86af8ab0f69dd02e477e61f8a373d30f"
REPLAY = "d2132d31b39445f1938d7e21b6bf0ec4"
# The SDK's own event among rrweb's: its time is in seconds.
SPAN = {"type": 5, "timestamp": 0.0, "data": {"tag": "performanceSpan", "payload": {"op": "memory"}}}


@pytest.fixture(scope="module")
def segments() -> list[list[dict]]:
    with gzip.open(REPLAYS / f"{SESSION}.ndjson.gz", "rt", encoding="utf-8") as lines:
        read = [json.loads(line)["events"] for line in lines]
    last = read[-1]
    return [*read[:-1], [*last, {**SPAN, "timestamp": last[-1]["timestamp"] / 1000 + 0.25}]]


def envelope(number: int, events: list[dict], *, packed: bool = True, said: bool = True) -> bytes:
    body = json.dumps(events).encode()
    recording = json.dumps({"segment_id": number}).encode() + b"\n" + (zlib.compress(body) if packed else body)
    about = {
        "type": "replay_event", "replay_id": REPLAY, "event_id": REPLAY, "segment_id": number, "replay_type": "buffer",
        "timestamp": events[-1]["timestamp"] / 1000, "urls": ["https://shop/"], "error_ids": [], "trace_ids": [],
        "tags": {"session_id": SESSION},
    }  # fmt: skip
    if number == 0:
        about["replay_start_timestamp"] = events[0]["timestamp"] / 1000
    parts = [json.dumps({"event_id": REPLAY, "sent_at": "2026-03-09T15:00:00Z"}).encode()]
    if said:
        parts += [json.dumps({"type": "replay_event"}).encode(), json.dumps(about).encode()]
    header = {"type": "replay_recording", "length": len(recording)}
    return b"\n".join([*parts, json.dumps(header).encode(), recording])


@pytest.mark.parametrize("form", ["packed", "plain", "one file, wrapped"])
def test_a_folder_of_envelopes_gives_its_recordings(tmp_path, segments, form):
    made = [envelope(number, events, packed=form != "plain") for number, events in enumerate(segments)]
    if form == "one file, wrapped":
        lines = [
            json.dumps({"received_at": 1773068400000, "envelope_b64": base64.b64encode(one).decode()}) for one in made
        ]
        (tmp_path / "envelopes.ndjson").write_text("\n".join(lines))
    else:
        for number, one in enumerate(reversed(made)):
            (tmp_path / f"{number}.envelope").write_bytes(one)
    store = open_store(tmp_path)
    events = [event for segment in segments for event in segment]
    [replay] = store.replays(Window()).frame.collect().rows(named=True)
    assert (replay["replay_id"], replay["session_id"], replay["kept_because"]) == (REPLAY, SESSION, "error")
    assert (replay["segment_count"], replay["event_count"]) == (len(segments), len(events))
    started = min(event["timestamp"] for event in events if event["type"] != 5)
    assert replay["started_at"] == datetime.fromtimestamp(started / 1000, UTC)
    recording = store.replay_events(REPLAY)
    rows = recording.frame.collect()
    assert rows.height == len(events)
    assert rows["session_id"].unique().to_list() == [SESSION]
    expected = sorted(
        (round(event["timestamp"] * (1000 if event["timestamp"] < 1e11 else 1)), event["type"]) for event in events
    )
    assert sorted(zip(rows["at"].dt.timestamp("ms"), rows["type"], strict=True)) == expected
    assert rows["segment"].unique().sort().to_list() == list(range(len(segments)))
    assert_conforms(store)


def test_beside_recordings_of_its_own_a_folder_keeps_both(tmp_path, segments):
    (tmp_path / "0.envelope").write_bytes(envelope(0, segments[0]))
    (tmp_path / "s7_0.json").write_text(json.dumps(segments[0]))
    store = open_store(tmp_path)
    assert sorted(store.replays(Window()).frame.collect()["replay_id"]) == [REPLAY, "s7"]
    assert store.replay_events("s7").report.rows == store.replay_events(REPLAY).report.rows == len(segments[0])
    assert_conforms(store)


def test_a_recording_that_names_no_session_has_that_of_its_events(tmp_path, segments):
    (tmp_path / "0.envelope").write_bytes(envelope(0, segments[0], said=False))
    event = {
        "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": segments[0][0]["timestamp"] / 1000,
        "message": "hi", "tags": {"session_id": "s-9"}, "contexts": {"replay": {"replay_id": REPLAY}},
    }  # fmt: skip
    (tmp_path / "1.envelope").write_text("{}\n" + json.dumps({"type": "event"}) + "\n" + json.dumps(event))
    store = open_store(tmp_path)
    assert store.replays(Window()).frame.collect()["session_id"].to_list() == ["s-9"]
    assert store.replay_events(REPLAY).frame.collect()["session_id"].unique().to_list() == ["s-9"]


def test_what_is_broken_costs_itself_and_is_named(tmp_path, segments):
    whole = envelope(1, segments[0])
    (tmp_path / "a.envelope").write_bytes(envelope(0, segments[0]))
    (tmp_path / "b.envelope").write_bytes(whole[:-20])
    (tmp_path / "c.envelope").write_bytes(whole.replace(b"\x78", b"\x00", 1))
    (tmp_path / "d.envelope").write_bytes(whole.replace(REPLAY.encode(), b"?" * 32))
    fetched = open_store(tmp_path).replays(Window())
    assert fetched.frame.collect()["segment_count"].to_list() == [1]
    assert {refused.place for refused in fetched.report.refused} == {
        "b.envelope item 2", "c.envelope item 2", "d.envelope item 1", "d.envelope item 2",
    }  # fmt: skip
    assert not fetched.report.complete


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(inflate, "MOST_BYTES", 1 << 20)
    bomb = zlib.compress(b"[" + b" " * (2 << 20) + b"]", 1)
    recording = b'{"segment_id":0}\n' + bomb
    header = json.dumps({"type": "replay_recording", "length": len(recording)}).encode()
    (tmp_path / "a.envelope").write_bytes(
        json.dumps({"event_id": REPLAY}).encode() + b"\n" + header + b"\n" + recording
    )
    report = open_store(tmp_path).replays(Window()).report
    assert report.refused[0].reason == "the recording is larger than 1 MB unpacked"


RECORDED = Path(__file__).parent / "recorded" / "sentry_replay.ndjson"


def test_what_the_real_sdk_recorded_in_a_real_browser(tmp_path):
    """Two visits of Chromium to a page with Sentry's SDK (`recorded/`): a click, a call, an error; packed and plain."""
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    told = {line["replay_id"] for line in lines}
    assert all(line["replay_id"].encode() in base64.b64decode(line["envelope_b64"]) for line in lines)
    shutil.copy(RECORDED, tmp_path)
    store = open_store(tmp_path)
    replays = store.replays(Window()).frame.collect()
    assert set(replays["replay_id"]) == told
    assert len(told) == 2
    assert set(replays["session_id"]) == {"s-1"}
    assert set(replays["kept_because"]) == {"sample"}
    for replay in replays.iter_rows(named=True):
        rows = store.replay_events(replay["replay_id"]).frame.collect()
        assert replay["event_count"] == rows.height
        # a visit of some seconds: none of the SDK's own events, whose times are in seconds, fell out of it
        assert 2 < (replay["ended_at"] - replay["started_at"]).total_seconds() < 20
        assert rows["at"].min() >= replay["started_at"]
        texts = rows["data"].to_list()
        assert sum('"tag":"performanceSpan"' in text for text in texts) >= 5
        # the button was pressed, and the page said so
        assert sum('"textContent":"sold"' in text for text in texts) == 1
        assert rows.filter(type=3, source=2).height >= 3
    events = store.events(Window()).frame.collect()
    assert set(events["replay_id"]) == told
    assert set(events["type"]) == {"TypeError"}
    assert_conforms(store)
