"""Leaks: numbers from the standards' own examples, places worked by hand, and the values never come out."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.pages import element, entry, meta, mutation, recording, snapshot, text
from workbench.replay.privacy import iban, leaks, luhn, personal_patterns

PATTERNS = {pattern.name: pattern for pattern in personal_patterns()}


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("email", "write to ann.lee+shop@mail.example.org, please", ["ann.lee+shop@mail.example.org"]),
        ("email", "two: a@b.de <c@d.co.uk>.", ["a@b.de", "c@d.co.uk"]),
        ("email", "support@shop.example or no-reply@shop.example", []),
        ("email", "logo@2x.png and style@import.css and @media print", []),
        ("email", "m***@example.org and ****@*******.***", []),
        # the examples of the IBAN registry
        ("iban", "IE29 AIBK 9311 5212 3456 78", ["IE29AIBK93115212345678"]),
        ("iban", "pay to DE89370400440532013000 today", ["DE89370400440532013000"]),
        ("iban", "gb82 west 1234 5698 7654 32 thanks", ["GB82WEST12345698765432"]),
        ("iban", "NO9386011117947", ["NO9386011117947"]),
        ("iban", "IE29 AIBK 9311 5212 3456 79", []),
        ("iban", "ZZ29AIBK93115212345678", []),
        ("iban", "DE8937040044053201300", []),  # one digit short
        # the card networks' published test numbers
        ("card", "4111 1111 1111 1111", ["4111111111111111"]),
        ("card", "card 378282246310005, exp 12/27", ["378282246310005"]),
        ("card", "5555-5555-5555-4444", ["5555555555554444"]),
        ("card", "6011111111111117", ["6011111111111117"]),
        ("card", "4111 1111 1111 1112", []),
        ("card", "1773079377608", []),  # a time in ms
        ("card", "0.4111111111111111", []),
        ("card", "id-4111111111111111-x", []),
        ("card", "9111111111111111", []),
    ],
)
def test_values_are_told_from_what_looks_alike(kind, said, expected):
    assert PATTERNS[kind].found_in(said) == expected


@settings(deadline=None)
@given(st.integers(10**14, 10**15 - 1))
def test_exactly_one_check_digit_fits_a_card(number):
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1


@settings(deadline=None)
@given(st.from_regex(r"[A-Z0-9]{18}", fullmatch=True))
def test_exactly_one_pair_of_check_digits_fits_an_iban(account):
    fitting = [n for n in range(2, 99) if iban(f"IE{n:02}{account}")]
    assert len(fitting) == 1


REFUND = element(
    10, "form",
    element(11, "input", name="email", placeholder="you@example.org"),
    element(12, "input", name="iban", value=""),
    text(13, "Questions? support@shop.test"),
    id="refund",
)  # fmt: skip


def test_a_forgotten_page_is_found_with_its_fields():
    frame = recording(
        meta(0, "http://shop.test/refund?from=mail"),
        snapshot(1, REFUND),
        entry(10, 11, "ada@example.o"),
        entry(20, 11, "ada@example.or"),
        entry(30, 11, "ada@example.org"),
        entry(40, 12, "IE29AIBK93115212345678"),
    )
    found = leaks(frame)
    assert found.select("pattern", "page", "path", "where", "times", "values", "replays").rows() == [
        ("email", "http://shop.test/refund", "form#refund > input[name=email]", "input", 1, 1, 1),
        ("iban", "http://shop.test/refund", "form#refund > input[name=iban]", "input", 1, 1, 1),
    ]
    everything = found.write_json()
    assert "ada" not in everything
    assert "AIBK" not in everything


def test_masked_fields_and_placeholders_are_no_leaks():
    frame = recording(snapshot(0, REFUND), entry(10, 11, "***************"), entry(20, 12, "**********************"))
    assert leaks(frame).is_empty()


def test_texts_attributes_and_addresses_count_too():
    account = element(
        20,
        "p",
        text(21, "Signed in as ada@example.org"),
        element(22, "a", text(23, "write"), href="mailto:bob@example.org"),
    )
    frame = recording(
        meta(0, "http://shop.test/login?email=ada@example.org"),
        snapshot(1, element(10, "main")),
        mutation(500, adds=[(10, None, account)]),
        mutation(600, texts=[(21, "Signed in as ada@example.org, again")]),
    )
    assert leaks(frame).select("where", "path", "times").sort("where").rows() == [
        ("address", "", 1), ("attribute", "body > main > p > a", 1), ("text", "html > body > main > p", 1),
    ]  # fmt: skip


def test_what_addresses_write_in_percent_is_read():
    link = element(20, "a", text(21, "undo"), href="/undo?user=bob%2Bshop%40example.org")
    frame = recording(meta(0, "http://shop.test/login?email=ada%40example.org"), snapshot(1, link))
    assert leaks(frame).select("pattern", "where").sort("where").rows() == [
        ("email", "address"),
        ("email", "attribute"),
    ]


@pytest.mark.parametrize(
    ("before", "between"), [("\n", " "), ("\t", ""), (" ", "\u00a0"), ("\u00a0", "\u202f"), ("", "-")]
)
def test_numbers_are_found_whatever_white_space_is_around_and_in_them(before, between):
    for kind, number in (("iban", "DE89 3704 0044 0532 0130 00"), ("card", "4111 1111 1111 1111")):
        said = f"Pay with:{before}{number.replace(' ', between)}"
        found = leaks(recording(snapshot(0, element(10, "p", text(11, said)))))
        assert found.select("pattern", "times").rows() == [(kind, 1)], repr(said)


def test_scripts_and_styles_are_not_on_the_page():
    state = element(10, "script", text(11, '{"email":"ada@example.org"}'))
    assert leaks(recording(snapshot(0, state, element(20, "style", text(21, "a@b.de"))))).is_empty()


def test_places_add_up_over_recordings():
    one = recording(meta(0), snapshot(1, element(10, "b", text(11, "ada@example.org"))), replay_id="r1")
    two = recording(meta(0), snapshot(1, element(10, "b", text(11, "bob@example.org"))), replay_id="r2")
    clean = recording(meta(0), snapshot(1, element(10, "b", text(11, "nobody"))), replay_id="r3")
    (row,) = leaks(pl.concat([one, two, clean])).to_dicts()
    assert (row["times"], row["values"], row["page_views"], row["replays"]) == (2, 2, 2, 2)
    assert row["example_replay_id"] == "r1"


def test_a_field_that_was_emptied_again_still_leaked_what_was_recorded():
    frame = recording(snapshot(0, REFUND), entry(10, 11, "ada@example.org"), entry(20, 11, ""))
    assert leaks(frame)["times"].to_list() == [1]
