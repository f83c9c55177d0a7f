"""Code that everybody calls is on top of unrelated bugs: who called it, and which request failed, tells them apart."""

from datetime import timedelta

import polars as pl
import pytest

from tests.errors.test_grouping import BUNDLE, MORNING, SITE, Day, bugs
from tests.naive.errors import stable_id
from workbench.errors.grouping import group, group_events

WRAPPER = ("src/api/client.ts", "request")
SAID = "Request failed with status code 500"


class Calls(Day):
    """Days on which stacks have callers."""

    def throw(self, n, stack, *, message=SAID, endpoint=None, status=200, after=0.0, mapped=True, page="/x", **extra):
        """`n` errors of one stack, given as (file, function), the throwing one first."""
        for k in range(n):
            event_id, at = f"t{len(self.events)}", MORNING + timedelta(hours=after + 4 * (k + 0.5) / n)
            self.events.append(
                {"event_id": event_id, "at": at, "type": "Error", "message": message, "browser": "Chrome",
                 "session_id": event_id, "page_url": SITE + page, "release": "1"} | extra
            )  # fmt: skip
            for index, (file, function) in enumerate(stack):
                self.frames.append(
                    {"event_id": event_id, "exception_index": 0, "frame_index": index, "line": 1, "url": BUNDLE,
                     "column": 1000 + 5000 * (sum(map(ord, file)) % 40), "function": "t", "in_app": True,
                     "source": file if mapped else None, "source_line": 7 if mapped else None,
                     "source_function": function if mapped else None, "receiver": None, "property": None}
                )  # fmt: skip
            if endpoint:
                asked = at - timedelta(seconds=0.4)
                self.requests.append({"event_id": event_id, "at": asked, "endpoint": endpoint, "status": status})
        return self


def test_a_formatter_that_fails_for_two_callers_is_two_bugs():
    day, said = Calls().quiet(), "Cannot read properties of undefined (reading 'currency')"
    for caller, endpoint in (("src/cart/Cart.tsx", "GET /api/cart"), ("src/refunds/Refund.tsx", "GET /api/refunds")):
        stack = [("src/utils/format.ts", "formatPrice"), (caller, "Price")]
        day.throw(25, stack, message=said, endpoint=endpoint, page="/" + caller)
    grouping = day.group()
    assert grouping.issues.height == grouping.bugs.height == 2
    assert grouping.issues["rule"].str.contains("the file that called it").all()
    hashed = stable_id("file\x1fnullish-read:currency\x1fsrc/utils/format.ts < src/cart/Cart.tsx")
    assert hashed in grouping.issues["issue_id"].to_list()


def test_a_component_in_a_shared_folder_is_a_place_of_its_own():
    day = Calls().quiet()
    for page in ("src/Cart.tsx", "src/Order.tsx"):
        day.throw(10, [("src/shared/Price.tsx", "Price"), (page, "Page")], message="No rate for EUR")
    assert day.group().issues.height == 1


@pytest.mark.parametrize("mapped", [True, False])
def test_one_wrapper_that_throws_for_two_endpoints_is_two_bugs(mapped):
    day = Calls().quiet()
    for endpoint in ("GET /api/cart", "POST /api/orders"):
        day.throw(25, [WRAPPER], endpoint=endpoint, status=500, mapped=mapped)
    grouping = day.group()
    assert grouping.issues.height == grouping.bugs.height == 2
    assert grouping.issues["rule"].str.contains("the endpoint that failed").all()


def test_a_component_that_throws_itself_needs_no_request():
    day = Calls().quiet()
    for endpoint in ("GET /api/cart", "POST /api/orders"):
        day.throw(5, [("src/Cart.tsx", "Cart")], endpoint=endpoint, status=500)
    assert day.group().issues["issue_id"].to_list() == [stable_id("file\x1fhttp-status:500\x1fsrc/Cart.tsx")]


def test_what_one_engine_cuts_off_and_one_session_did_not_record_is_the_same_bug():
    day, asked = Calls().quiet(), ("src/api/cart.ts", "loadCart")
    day.throw(20, [WRAPPER, asked], endpoint="GET /api/cart", status=500)
    day.throw(10, [WRAPPER], endpoint="GET /api/cart", status=500, browser="Safari")
    day.throw(10, [WRAPPER, asked])
    grouping = day.group()
    assert (grouping.issues.height, grouping.bugs.height) == (3, 1)


def test_two_nodes_that_are_not_there_are_two_bugs():
    day, said = Calls().quiet(), "Cannot read properties of null (reading 'scrollTop')"
    day.throw(20, [("src/Cart.tsx", "Cart")], message=said, page="/cart")
    day.throw(20, [("src/Chat.tsx", "Chat")], message=said, page="/help")
    assert bugs(day.group()) == [["src/Cart.tsx"], ["src/Chat.tsx"]]


def test_an_error_that_always_follows_another_is_its_consequence():
    day = Calls().quiet(n=60)
    for k in range(12):
        seen = {"session_id": f"v{k}", "page_view_id": f"p{k}", "after": k, "page": "/"}
        first = "Cannot read properties of undefined (reading 'total')"
        day.throw(1, [("src/Cart.tsx", "Cart")], message=first, **seen)
        day.throw(1, [("src/Form.tsx", "Form")], message="Form is not mounted", **seen)
    assert bugs(day.group()) == [["src/Cart.tsx", "src/Form.tsx"]]


@pytest.mark.parametrize(
    "address", ["src/Cart.tsx", "webpack:///./src/Cart.tsx", "app:///src/Cart.tsx", "../../src/Cart.tsx"]
)
def test_a_source_that_stands_in_the_address_is_a_source(address):
    frame = {"event_id": "a", "exception_index": 0, "frame_index": 0, "in_app": True}
    events = pl.DataFrame({"event_id": ["a"], "type": "Error", "message": "No rate for EUR"})
    mapped = {"source": "src/Cart.tsx", "source_line": 7, "source_function": "Cart"}
    as_columns = group_events(events, pl.DataFrame(frame | mapped | {"url": BUNDLE, "line": 1, "column": 4711}), None)
    as_address = group_events(events, pl.DataFrame(frame | {"url": address, "function": "Cart", "line": 9}), None)
    assert as_address["issue_id"].to_list() == as_columns["issue_id"].to_list()


@pytest.mark.parametrize(
    "address", [BUNDLE, "app:///static/main.js", "main.jsbundle", "https://www.shop.example/src/app.js"]
)
def test_a_script_is_no_source(address):
    frame = {"event_id": "a", "exception_index": 0, "frame_index": 0, "url": address, "function": "t", "line": 1}
    events = pl.DataFrame({"event_id": ["a"], "type": "Error", "message": "No rate for EUR"})
    assert not group(events, pl.DataFrame(frame), None, first_party=["shop.example"]).issues["mapped"].any()
