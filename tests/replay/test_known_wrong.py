"""What the room gets wrong and knows it: each says what it ought to give."""

from __future__ import annotations

import pytest

from tests.replay.pages import at, element, mouse, mutation, recording, snapshot, text
from workbench.replay.dom import blank_pages, page_at
from workbench.replay.privacy import leaks
from workbench.replay.search import find_text

CART = element(10, "main", element(11, "h1", text(12, "Your cart")), class_="shown")


@pytest.mark.xfail(strict=True, reason="style sheets are not evaluated, only inline styles and `hidden`")
def test_a_page_hidden_by_a_class_is_blank():
    rule = element(20, "style", text(21, ".gone { display: none }"))
    frame = recording(snapshot(0, rule, CART), mutation(100, attributes=[(10, {"class": "gone"})]), mouse(5000))
    assert blank_pages(frame).height == 1


@pytest.mark.xfail(strict=True, reason="pictures are not text: a page of pictures only counts as blank")
def test_a_page_of_pictures_is_not_blank():
    gallery = element(30, "img", src="/poster.jpg", alt="Poster")
    frame = recording(snapshot(0, CART), mutation(100, removes=[(6, 10)], adds=[(6, None, gallery)]), mouse(5000))
    assert blank_pages(frame).is_empty()


@pytest.mark.xfail(strict=True, reason="light children of a shadow host are drawn although no slot shows them")
def test_children_without_a_slot_are_not_drawn():
    host = element(30, "div", {**element(31, "p", text(32, "In the shadow")), "isShadow": True}, text(33, "No slot"))
    assert page_at(recording(snapshot(0, {**host, "isShadowHost": True})), at(1)).text == "In the shadow"


@pytest.mark.xfail(strict=True, reason="recordings are picked by whole words before their pages are rebuilt")
def test_a_word_cut_in_two_by_an_element_is_found():
    word = element(30, "p", text(31, "Check"), element(32, "b", text(33, "out")))
    assert find_text(recording(snapshot(0, word)), "checkout").height == 1


@pytest.mark.xfail(strict=True, reason="each text node is looked at by itself")
def test_an_address_spread_over_elements_is_a_leak():
    address = element(30, "p", text(31, "ada@"), element(32, "b", text(33, "example.org")))
    assert leaks(recording(snapshot(0, address))).height == 1
