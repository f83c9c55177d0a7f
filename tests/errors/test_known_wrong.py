"""Known to be wrong: what grouping gives today is not what it ought to give; a case that passes moves elsewhere.

Each states what ought to come out; strict, so that an improvement is noticed.
"""

import polars as pl
import pytest

from tests.errors.test_grouping import Day, bugs
from workbench.errors.messages import canonical_messages
from workbench.errors.noise import classify_noise


@pytest.mark.xfail(strict=True, reason="one issue holds both: the default fingerprint knows files, not callers")
def test_a_shared_formatter_that_fails_for_two_endpoints_ought_to_be_two_bugs():
    day = Day().quiet()
    day.crash(25, prop="currency", file="src/shared/money.ts", endpoint="GET /api/cart", after=1)
    day.crash(25, prop="currency", file="src/shared/money.ts", endpoint="GET /api/refunds", after=6)
    assert day.group().bugs.height == 2


@pytest.mark.xfail(strict=True, reason="without source maps nobody says which field it was, and the endpoints conflict")
def test_one_missing_field_behind_two_endpoints_ought_to_be_one_bug_without_maps_and_spans():
    day = Day().quiet()
    day.crash(25, prop="amount", file="src/Cart.tsx", endpoint="GET /api/cart", after=2, mapped=False)
    day.crash(25, prop="amount", file="src/Order.tsx", endpoint="GET /api/orders/:id", after=2, mapped=False)
    assert day.group().bugs.height == 1


@pytest.mark.xfail(
    strict=True, reason="with neither requests nor a shared name, one deploy's onset alone must not join"
)
def test_two_components_of_one_cause_ought_to_be_one_bug_without_requests():
    day = Day().quiet()
    day.requests = [request for request in day.requests if request["endpoint"] == "GET /api/me"]
    day.crash(25, prop="amount", file="src/Cart.tsx", after=2).crash(25, prop="code", file="src/Order.tsx", after=2)
    deploy = pl.DataFrame(
        {"release": ["1"], "deployed_at": [min(e["at"] for e in day.events if e["event_id"][0] == "s")]}
    )
    assert len(bugs(day.group(releases=deploy))) == 1


@pytest.mark.xfail(strict=True, reason="without a source map the framework's frames and ours look alike in one bundle")
def test_a_node_removed_twice_by_our_own_code_ought_not_to_be_noise_in_an_unmapped_bundle():
    stack = "Error: x\n    at closeDialog (https://www.shop.example/assets/app-3f2a9c1b.js:1:2000)"
    said = "Failed to execute 'removeChild' on 'Node': The node to be removed is not a child of this node."
    event = pl.DataFrame({"event_id": ["e"], "type": ["NotFoundError"], "message": [said], "stack": [stack]})
    assert classify_noise(event, None, first_party=["shop.example"])["noise_class"].to_list() == [None]


def canonical(*said):
    rows = canonical_messages(pl.DataFrame(said, schema=["type", "message"], orient="row"))
    return rows["canonical"].to_list()


@pytest.mark.xfail(strict=True, reason="V8 says the same of a string never closed, a stray character and a bad number")
@pytest.mark.parametrize(
    "firefox",
    [
        "'' string literal contains an unescaped line break",
        "illegal character U+201C",
        "identifier starts immediately after numeric literal",
    ],
)
def test_chromes_word_for_several_faults_of_syntax_ought_to_be_firefoxes_for_each(firefox):
    one, other = canonical(("SyntaxError", "Invalid or unexpected token"), ("SyntaxError", firefox))
    assert one == other != canonical(("SyntaxError", "expected expression, got ','"))[0]


@pytest.mark.xfail(strict=True, reason="JavaScriptCore names no property here, and one error has one canonical message")
def test_two_read_only_properties_ought_to_be_two_messages():
    one, other = canonical(
        ("TypeError", "Cannot assign to read only property 'rate' of object '#<Object>'"),
        ("TypeError", "Cannot assign to read only property 'total' of object '#<Object>'"),
    )
    assert one != other


@pytest.mark.xfail(strict=True, reason="an id of letters alone looks like a word")
def test_an_id_without_digits_ought_to_be_a_placeholder():
    one, other = canonical(("Error", "customer cus_NffrFeUfNVaHib"), ("Error", "customer cus_QqzPwKdLmTbXyo"))
    assert one == other
