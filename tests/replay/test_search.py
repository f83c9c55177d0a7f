"""Recordings found by what they show and by what a user did in vain."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from connectors.exceptions import ParameterError
from connectors.tables import REQUESTS, conform
from tests.replay.pages import at, click, element, entry, meta, mouse, mutation, recording, snapshot, text
from workbench.replay.dom import replay_marks
from workbench.replay.search import dead_clicks, find_text, rage_clicks

ORDER = element(10, "p", text(11, "Order "), element(12, "b", text(13, "1002")), text(14, " is\n on its way"))


def test_a_text_is_found_from_when_to_when_it_could_be_read():
    frame = recording(
        meta(0, "http://shop.test/order/1002"),
        snapshot(1, element(9, "main")),
        mutation(100, adds=[(9, None, ORDER)]),
        mutation(900, attributes=[(10, {"hidden": ""})]),
        mutation(1500, attributes=[(10, {"hidden": None})]),
        mouse(3000),
    )
    found = find_text(frame, "order 1002  IS on")
    assert found.select("page_url", "shown_from", "shown_to", "until_end", "line").rows() == [
        ("http://shop.test/order/1002", at(100), at(900), False, "Order 1002 is on its way"),
        ("http://shop.test/order/1002", at(1500), at(3000), True, "Order 1002 is on its way"),
    ]
    assert find_text(frame, "order 1002", case_sensitive=True).is_empty()
    assert find_text(frame, "Order 1003").is_empty()


def test_scripts_show_nothing_and_other_recordings_are_left_alone():
    hidden = recording(snapshot(0, element(10, "script", text(11, "Order 1002"))), replay_id="r1")
    shown = recording(snapshot(0, ORDER), replay_id="r2")
    assert find_text(pl.concat([hidden, shown]), "1002")["replay_id"].to_list() == ["r2"]


def test_words_outside_ascii_are_found_however_json_writes_them():
    frame = recording(snapshot(0, element(10, "p", text(11, "Größe wählen"))))
    assert find_text(frame, "größe").height == 1


def test_an_empty_text_is_refused():
    with pytest.raises(ParameterError, match="nothing to look for"):
        find_text(recording(snapshot(0, ORDER)), " \n ")


FORM = (
    element(10, "button", text(11, "Pay now"), class_="pay big wide"),
    element(20, "p", element(21, "span", text(22, "Total"))),
    element(30, "input", type="text", name="email", placeholder="Your e-mail"),
    element(40, "a", element(41, "img", alt="Cart"), href="/cart", aria_label="Open the cart"),
)


def test_marks_name_what_was_clicked_and_never_what_was_typed():
    frame = recording(
        meta(0), snapshot(10, *FORM), click(100, 11), click(200, 22), click(300, 41),
        entry(400, 30, "a"), entry(450, 30, "ad"), click(500, 30), entry(600, 30, "ada@example.org"), click(700, 99),
    )  # fmt: skip
    marks = replay_marks(frame)
    assert marks.select("offset_ms", "kind", "label", "interactive").rows() == [
        (0, "page", "http://shop.test/", None),
        (100, "click", "button Pay now", True),
        (200, "click", "Total", False),
        (300, "click", "link Open the cart", True),
        (400, "input", "field email", None),
        (500, "click", "field email", False),
        (600, "input", "field email", None),
        (700, "click", "something the recording lost", None),
    ]
    assert marks["target"][1] == "html > body > button.pay.big"
    assert "ada" not in marks.write_json()


def test_a_field_that_the_page_itself_fills_is_no_entry():
    frame = recording(snapshot(0, *FORM), entry(5, 30, ""), entry(50, 30, "x"))
    assert replay_marks(frame)["at"].to_list() == [at(50)]


def clicks(*times: int, node: int = 10) -> list[tuple]:
    return [click(ms, node) for ms in times]


def test_rage_is_three_clicks_within_a_second():
    frame = recording(
        snapshot(0, *FORM), *clicks(100, 700, 1099, 1400, 5000, 5400), *clicks(9000, 9900, 10050, node=40)
    )
    found = rage_clicks(replay_marks(frame))
    assert found.select("label", "from", "to", "clicks").rows() == [("button Pay now", at(100), at(1400), 4)]
    assert rage_clicks(replay_marks(frame), within=timedelta(milliseconds=1050)).height == 2
    assert rage_clicks(replay_marks(recording(snapshot(0, *FORM)))).is_empty()


def test_a_click_is_dead_when_nothing_answers():
    frame = recording(
        meta(0), snapshot(1, *FORM),
        click(1000, 10), mutation(1900, texts=[(11, "Paying")]),
        click(3000, 10),
        click(6000, 22),
        click(8000, 30),
        click(10_000, 10), mouse(10_500), mouse(12_000),
    )  # fmt: skip
    marks = replay_marks(frame)
    assert dead_clicks(marks, frame)["at"].to_list() == [at(3000), at(10_000)]
    asked = conform(
        pl.DataFrame(
            {"session_id": ["session of r1"] * 2, "at": [at(3400), at(14_000)], "duration_ms": [None, 3500.0]}
        ),
        REQUESTS,
    )
    assert dead_clicks(marks, frame, requests=asked).is_empty()


def test_a_click_that_ends_the_page_is_answered():
    frame = recording(meta(0), snapshot(1, *FORM), click(1000, 40), mouse(1100))
    assert dead_clicks(replay_marks(frame), frame).is_empty()
