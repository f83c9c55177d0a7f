"""Slices that play alone: what is in them by hand, and what the project's own player shows of them in Chromium."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta

import polars as pl
import pytest

from connectors.exceptions import ParameterError
from tests.replay.pages import at, click, element, entry, meta, mouse, mutation, recording, snapshot, text
from tests.replay.test_dom import chromium, when  # noqa: F401 (the recording of a real browser, a fixture)
from workbench.panels.assets import built
from workbench.panels.replay import pack
from workbench.replay.dom import moment, page_at, replay_marks

CART = element(10, "main", element(11, "h1", text(12, "Your cart")))
LONG = [meta(0), snapshot(1, CART), *(mutation(ms, texts=[(12, f"at {ms}")]) for ms in range(1000, 100_000, 1000))]


def test_it_begins_with_size_and_snapshot_and_ends_after_the_moment():
    one = moment(recording(*LONG[:9]), at(5000), after=timedelta(seconds=2))
    assert [event["type"] for event in one.events[:2]] == [4, 2]
    assert [event["timestamp"] for event in one.events] == [0, 0, *range(999, 7000, 1000)]
    assert (one.at_ms, one.starts_at, one.page_url) == (4999, at(1), "http://shop.test/")
    assert (one.width, one.height) == (800, 600)
    assert json.loads(one.to_json()) == one.events


def test_a_later_snapshot_saves_what_lies_before_it():
    frame = recording(meta(0), snapshot(1, CART), meta(30_000), snapshot(30_001, CART, first=100), mouse(50_000))
    assert moment(frame, at(50_000)).starts_at == at(30_001)
    assert moment(frame, at(20_000)).starts_at == at(1)


def test_an_hour_long_visit_is_cut_to_seconds():
    one = moment(recording(*LONG), at(80_000), before=timedelta(seconds=5), after=timedelta(seconds=2))
    assert one.starts_at == at(75_000)
    assert "at 75000" in json.dumps(one.events[1])
    assert len(one.events) == 2 + 7
    assert one.at_ms == 5000


def test_a_cut_keeps_fields_styles_and_the_last_scroll():
    rule = {"source": 8, "id": 20, "adds": [{"rule": "h1{color:red}", "index": 0}]}
    frame = recording(
        meta(0), snapshot(1, CART, element(20, "style"), element(30, "input", type="text")),
        entry(500, 30, "***"), (600, 3, 8, rule),
        (700, 3, 3, {"source": 3, "id": 1, "x": 0, "y": 10}), (800, 3, 3, {"source": 3, "id": 1, "x": 0, "y": 99}),
        (900, 3, 4, {"source": 4, "width": 400, "height": 300}), mouse(60_000),
    )  # fmt: skip
    one = moment(frame, at(60_000), before=timedelta(seconds=1))
    assert [event["data"].get("source") for event in one.events] == [None, None, 8, 3, 4, 1, None]
    assert [event["timestamp"] for event in one.events] == [0] * 5 + [1000, 1500]
    assert one.events[3]["data"]["y"] == 99
    assert '"value": "***"' in json.dumps(one.events[1])


def test_the_page_before_leads_in_but_its_last_words_do_not_mix_in():
    login = recording(meta(0, "http://shop.test/login"), snapshot(1, CART), mouse(4000), mouse(5050), page_view_id="p1")
    account = recording(meta(5000, "http://shop.test/account"), snapshot(5001, CART), mouse(6000), page_view_id="p2")
    one = moment(pl.concat([login, account]), at(5500))
    assert [event["timestamp"] for event in one.events if event["data"].get("source") == 1] == [3999, 5999]
    assert (one.page_view_id, one.page_url) == ("p2", "http://shop.test/account")
    only = moment(pl.concat([login, account]), at(5500), page_view_id="p1")
    assert only.page_url == "http://shop.test/login"


def test_the_time_line_reaches_past_an_error_that_ended_the_page():
    one = moment(recording(meta(0), snapshot(1, CART)), at(3000))
    assert (one.at_ms, one.events[-1]["timestamp"]) == (2999, 3499)
    early = moment(recording(meta(2000), snapshot(2001, CART), mouse(9000)), at(1900))
    assert early.at_ms == 0


def test_marks_come_along_in_the_slices_own_time():
    frame = recording(meta(0), snapshot(1, CART), click(2000, 11), mouse(90_000), click(90_500, 11))
    one = moment(frame, at(90_000), before=timedelta(seconds=3), marks=replay_marks(frame))
    assert one.marks == [{"t": 3500, "kind": "click", "label": "Your cart"}]


def test_damaged_events_are_left_out_and_a_missing_size_is_made_up():
    frame = recording(snapshot(1, CART), (50, 3, 0, '{"adds":'), mutation(60, texts=[(12, "Changed")]))
    one = moment(frame, at(100))
    assert [event["type"] for event in one.events] == [4, 2, 3, 5]
    assert (one.width, one.height, one.page_url) == (1280, 800, None)


@pytest.mark.parametrize("frame", [recording(meta(0), mouse(5)), recording(meta(99_000), snapshot(99_001, CART))])
def test_nothing_to_play_says_so(frame):
    with pytest.raises(ParameterError, match=r"nothing to play|first event is later"):
        moment(frame, at(1000))


HOST = """
<body><script>
addEventListener("message", ({ source, data }) => {
  if (data.op === "boot") source.postMessage({ op: "load", gz: window.gz, at: window.at, marks: [] }, "*");
  if (data.op === "ready" || data.op === "error") window.said = data;
});
window.show = (url, gz, at) => {
  window.gz = Uint8Array.from(atob(gz), (c) => c.charCodeAt(0)).buffer;
  window.at = at;
  document.body.append(Object.assign(document.createElement("iframe"), { src: url, width: 900, height: 700 }));
};
</script></body>
"""


@pytest.mark.chromium
@pytest.mark.parametrize("before", [timedelta(seconds=60), timedelta(milliseconds=200)], ids=["whole", "cut"])
@pytest.mark.parametrize("stage", [40, 120, "shadow", "after_checkpoint", "blank", "back"])
def test_the_player_shows_the_page_that_was_rebuilt(chromium, browser, stage, before):  # noqa: F811
    frame, seen = chromium
    said = seen[stage] if isinstance(stage, int) else next(one for one in seen if one["name"] == stage)
    one = moment(frame, when(said), before=before)
    page = browser.new_page()
    page.set_content(HOST)
    player = "data:text/html;base64," + base64.b64encode(built("frame.html").encode()).decode()
    page.evaluate(
        "([url, gz, at]) => show(url, gz, at)", [player, base64.b64encode(pack(one.events)).decode(), one.at_ms + 1]
    )
    page.wait_for_function("window.said")
    assert page.evaluate("said.message ?? said.op") == "ready"
    recorded = [
        inner for inner in page.frames if inner.parent_frame and inner.parent_frame.parent_frame == page.main_frame
    ]
    shown = recorded[0].evaluate("document.body ? document.body.innerText : ''")
    hidden = page_at(frame, when(said)).text
    in_frame = [line for line in hidden.split("\n") if line in ("In the shadow", "Inside the frame", "Frame changed")]
    expected = hidden
    for line in in_frame:  # innerText leaves shadow trees and frames out
        expected = expected.replace(line, "")
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", expected)
    page.close()
