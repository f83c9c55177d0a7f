"""The rebuilt page against what real Chromium showed, and against a naive twin."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import ParameterError
from connectors.tables import REPLAY_EVENTS, conform
from tests.naive import replay as naive
from tests.replay.pages import BODY, NOON, at, element, entry, meta, mouse, mutation, recording, snapshot, text
from workbench.replay.dom import blank_pages, page_at

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture(scope="module")
def chromium() -> tuple[pl.DataFrame, list[dict]]:
    events = json.loads(gzip.decompress((RECORDED / "events.json.gz").read_bytes()))
    seen = json.loads(gzip.decompress((RECORDED / "seen.json.gz").read_bytes()))
    frame = pl.DataFrame(
        {
            "replay_id": "r1",
            "page_view_id": "p1",
            "segment": 0,
            "at": [event["timestamp"] for event in events],
            "type": [event["type"] for event in events],
            "source": [event["data"].get("source") for event in events],
            "data": [json.dumps(event["data"]) for event in events],
        }
    )
    return conform(frame, REPLAY_EVENTS), seen


def when(said: dict) -> datetime:
    return datetime.fromtimestamp(said["at"] / 1000, UTC)


def squeezed(shown: str) -> str:
    return re.sub(r"\s+", "", shown)


def test_every_state_of_the_page_is_chromiums_own(chromium):
    frame, seen = chromium
    assert len(seen) == 160
    for said in seen:
        page = page_at(frame, when(said))
        main = re.search(r'<main id="m"[^>]*>(.*?)</main>', page.html, re.DOTALL)
        if said["name"] not in ("blank", "end"):
            assert main is not None
            assert main.group(1) == said["html"]
        in_shadow = "In the shadow" if "In the shadow" in page.text else ""  # innerText leaves shadow trees out
        assert squeezed(page.text.replace(in_shadow, "")) == squeezed(said["text"] + said["frame"])


def test_fields_hold_what_the_recorder_let_through(chromium):
    frame, seen = chromium
    html = page_at(frame, when(seen[-5])).html
    assert 'value="***********"' in html  # "Ada Example", masked by the recorder
    assert "Ada Example" not in html


def test_chromiums_blank_stage_is_found_and_its_flicker_is_not(chromium):
    frame, seen = chromium
    named = {said["name"]: when(said) for said in seen}
    found = blank_pages(frame)
    assert found["kind"].to_list() == ["went_blank", "went_blank"]
    assert found["until_end"].to_list() == [False, True]
    assert named["after_checkpoint"] <= found["blank_from"][0] <= named["blank"] - timedelta(milliseconds=1300)
    assert found["blank_to"][0] >= named["blank"]
    assert found["blank_from"][1] >= named["flicker"]
    assert "Pay now" in found["visible_text_before"][0]


CART = element(10, "main", element(11, "h1", text(12, "Your cart")))


def test_a_page_that_ends_without_text_is_blank_until_its_last_event():
    frame = recording(meta(0), snapshot(1, CART), mutation(500, removes=[(BODY, 10)]), mouse(9000))
    (row,) = blank_pages(frame).to_dicts()
    assert row["replay_id"] == "r1"
    assert row["page_url"] == "http://shop.test/"
    assert (row["blank_from"], row["blank_to"], row["until_end"]) == (at(500), at(9000), True)
    assert row["visible_text_before"] == "Your cart"


def test_text_that_comes_back_within_a_second_is_re_rendering():
    frame = recording(
        snapshot(0, CART),
        mutation(500, removes=[(BODY, 10)]),
        mutation(1400, adds=[(BODY, None, element(20, "p", text(21, "Back")))]),
    )
    assert blank_pages(frame).is_empty()
    assert blank_pages(frame, at_least=timedelta(milliseconds=900)).height == 1


def test_a_page_is_not_blank_before_its_first_text():
    frame = recording(
        snapshot(0, element(10, "div", id="root")), mutation(3000, adds=[(10, None, text(11, "Hydrated"))])
    )
    assert blank_pages(frame).is_empty()


def test_a_page_that_never_shows_anything_is_blank_after_five_seconds():
    frame = recording(snapshot(0, element(10, "div", id="root")), mouse(6000))
    (row,) = blank_pages(frame).to_dicts()
    assert (row["kind"], row["blank_from"], row["blank_to"], row["until_end"]) == ("never_shown", at(0), at(6000), True)


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": [(10, {"style": "color: red; display: none"})]},
        {"attributes": [(10, {"style": {"display": ["none", "important"]}})]},
        {"attributes": [(10, {"hidden": ""})]},
        {"attributes": [(11, {"style": "visibility:hidden"})]},
        {"texts": [(12, " \n ")]},
        {"removes": [(11, 12)]},
    ],
)
def test_every_way_to_lose_the_last_text_counts(change):
    assert blank_pages(recording(snapshot(0, CART), mutation(100, **change), mouse(2000))).height == 1


@pytest.mark.parametrize("tag", ["script", "style", "noscript", "template"])
def test_what_browsers_never_draw_does_not_make_a_page_whole(tag):
    frame = recording(
        snapshot(0, CART, element(20, tag, text(21, "SCRIPT_PLACEHOLDER"))), mutation(100, removes=[(BODY, 10)])
    )
    assert blank_pages(frame).height == 1


def test_a_chat_bubble_in_an_iframe_does_not_make_a_page_whole():
    bubble = {"type": 0, "id": 30, "childNodes": [element(31, "html", element(32, "body", text(33, "Chat with us")))]}
    frame = recording(
        snapshot(0, CART, element(20, "iframe")),
        mutation(50, adds=[(20, None, bubble)]),
        mutation(100, removes=[(BODY, 10)]),
    )
    assert page_at(frame, at(60)).text == "Your cart\nChat with us"
    assert blank_pages(frame).height == 1


def test_a_new_load_begins_anew_but_a_checkpoint_goes_on():
    blank = mutation(100, removes=[(BODY, 10)])
    reloaded = recording(snapshot(0, CART), blank, snapshot(3000, CART), page_view_id=None)
    assert blank_pages(reloaded).select("blank_to", "until_end").rows() == [(at(3000), True)]
    checkpoint = recording(snapshot(0, CART), snapshot(50, CART, first=100), page_view_id=None)
    assert blank_pages(checkpoint).is_empty()
    hidden = element(110, "main", element(111, "h1", text(112, "")))
    still_blank = recording(snapshot(0, CART), blank, snapshot(3000, hidden, first=100), mouse(5000), page_view_id=None)
    assert blank_pages(still_blank).select("blank_from", "blank_to").rows() == [(at(100), at(5000))]


def test_a_lost_segment_loses_no_more_than_its_own_nodes():
    frame = recording(
        snapshot(0, CART),
        mutation(
            10,
            adds=[(10, 77, element(40, "p", text(41, "beside a lost one"))), (99, None, element(50, "p"))],
            removes=[(10, 98)],
            texts=[(97, "lost")],
            attributes=[(96, {"class": "lost"})],
        ),
    )
    page = page_at(frame, at(20))
    assert page.text == "Your cart\nbeside a lost one"
    assert page.lost == 5


def test_a_broken_event_is_left_out_and_the_rest_is_read():
    frame = recording(snapshot(0, CART), (10, 3, 0, '{"adds": [{"parentId"'), mutation(20, texts=[(12, "Changed")]))
    assert page_at(frame, at(30)).text == "Changed"


def test_adds_come_in_any_order():
    later_first = [
        (40, None, text(41, "child")),
        (10, None, element(40, "p")),
        (10, 40, element(42, "i", text(43, "a"))),
    ]
    assert page_at(recording(snapshot(0, CART), mutation(5, adds=later_first)), at(9)).text == "Your cart\na\nchild"


def test_two_tabs_are_two_pages():
    one = recording(snapshot(0, CART), mutation(200, texts=[(12, "First tab")]), page_view_id="p1")
    two = recording(snapshot(100, element(10, "p", text(11, "Second tab"))), page_view_id="p2")
    both = pl.concat([two, one])
    assert page_at(both, at(300)).text == "Second tab"
    assert page_at(both, at(300), page_view_id="p1").text == "First tab"


def test_a_soft_navigation_goes_on_with_the_page_before():
    one = recording(snapshot(0, CART), page_view_id="p1")
    two = recording(mutation(100, texts=[(12, "Checkout")]), page_view_id="p2")
    page = page_at(pl.concat([one, two]), at(200))
    assert (page.page_view_id, page.text) == ("p2", "Checkout")


def test_no_page_yet_is_an_error_that_says_so():
    with pytest.raises(ParameterError, match="no full snapshot lies before"):
        page_at(recording(snapshot(0, CART)), NOON - timedelta(seconds=1))


def test_inputs_are_not_text_of_the_page():
    form = element(10, "form", element(11, "input", name="iban"), text(12, "Refund"))
    page = page_at(recording(snapshot(0, form), entry(10, 11, "IE29")), at(20))
    assert page.text == "Refund"
    assert 'value="IE29"' in page.html


words = st.sampled_from(["", " ", "\n", "tea", "pot"])


@st.composite
def histories(draw):
    """A page of a few nodes and mutations of nodes that are there."""
    body = [element(10, "div", text(11, draw(words)), element(12, "p", text(13, draw(words))))]
    events = [snapshot(0, *body)]
    tree = events[0][3]["node"]
    ms, fresh = 0, 100
    for _ in range(draw(st.integers(0, 8))):
        ms += draw(st.sampled_from([1, 400, 1000, 2000]))
        inside = [n for n in naive.nodes_of(naive.find(tree, BODY)) if n["id"] != BODY]
        elements = [n["id"] for n in naive.nodes_of(naive.find(tree, BODY)) if n["type"] == 2]
        kind = draw(st.sampled_from(["add", "remove", "text", "style", "hidden"]))
        if kind == "add":
            parent = draw(st.sampled_from(elements))
            siblings = [child["id"] for child in naive.find(tree, parent)["childNodes"]]
            tag = draw(st.sampled_from(["p", "style", "template"]))
            node = element(fresh, tag, text(fresh + 1, draw(words)))
            event = mutation(ms, adds=[(parent, draw(st.sampled_from([None, *siblings])), node)])
            fresh += 2
        elif kind == "remove" and inside:
            gone = draw(st.sampled_from([n["id"] for n in inside]))
            event = mutation(ms, removes=[(naive.parent_of(tree, gone)["id"], gone)])
        elif kind == "text" and any(n["type"] == 3 for n in inside):
            event = mutation(
                ms, texts=[(draw(st.sampled_from([n["id"] for n in inside if n["type"] == 3])), draw(words))]
            )
        else:
            value = draw(st.sampled_from([None, "display: none", "display:block"]))
            name = "hidden" if kind == "hidden" else "style"
            event = mutation(ms, attributes=[(draw(st.sampled_from(elements)), {name: value})])
        tree = naive.mutated(tree, event[3])
        events.append(event)
    return events


@settings(max_examples=300, deadline=None)
@given(histories())
def test_blank_stretches_are_the_naive_ones(events):
    plain = [(ms, kind, source, json.dumps(data)) for ms, kind, source, data in events]
    expected = naive.blank_stretches(plain, at_least_ms=1000)
    found = blank_pages(recording(*events), never_shown=timedelta(days=1))
    rows = found.select("blank_from", "blank_to", "until_end").rows()
    assert rows == [(at(start), at(end), ended) for start, end, ended in expected]
