"""Trees of spans: worked by hand, after Jaeger's own clock cases, and against a naive twin."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import TableError
from tests.naive import traces as naive
from tests.traces.spans import browser, span, spans, swallowed_failure
from workbench.traces.failures import failing_spans, normalised_statement, signature
from workbench.traces.tree import trace_tree


def test_from_the_click_to_the_sql():
    tree = trace_tree(spans(*reversed(swallowed_failure())), "t1")
    assert tree.select("span_id", "depth").rows() == [
        ("page", 0), ("fetch", 1), ("cart", 2), ("call", 3), ("pricing", 4), ("select", 5), ("other", 5),
    ]  # fmt: skip
    assert tree.filter("is_root_cause")["span_id"].to_list() == ["select"]
    assert tree.filter("on_error_path")["span_id"].to_list() == ["cart", "call", "pricing", "select"]
    assert tree.filter("swallowed_error")["span_id"].to_list() == ["cart"]
    assert tree["offset_us"].to_list() == [0, 100_000, 110_000, 120_000, 130_000, 140_000, 150_000]
    assert tree["skew_us"].unique().to_list() == [0]


def test_the_failing_span_names_who_swallowed_it():
    (row,) = failing_spans(spans(*swallowed_failure())).to_dicts()
    assert (row["span_id"], row["swallowed_by"], row["swallowed_status"]) == ("select", "shop GET /api/cart", 200)
    assert row["signature"] == (
        "pricing · SELECT shop · select promo_pct as pct from promo_rule where category=? · no such column: promo_pct"
    )
    assert (row["failures"], row["depth"]) == (1, 5)


def test_signatures_are_equal_in_every_trace():
    found = failing_spans(spans(*swallowed_failure("t1"), *swallowed_failure("t2"), span("fine", trace_id="t3")))
    assert found["trace_id"].to_list() == ["t1", "t2"]
    assert found["signature"].n_unique() == 1


def test_an_error_that_reaches_the_browser_was_not_swallowed():
    rows = [
        browser("fetch", None, 0, 50, kind="client", http_status=500, status="error"),
        span("api", "fetch", 5, 40, kind="server", http_status=500, status="error"),
        span("query", "api", 10, 5, status="error"),
    ]
    (row,) = failing_spans(spans(*rows)).to_dicts()
    assert (row["span_id"], row["swallowed_by"]) == ("query", None)
    assert trace_tree(spans(*rows), "t1").filter("on_error_path")["span_id"].to_list() == ["fetch", "api", "query"]


def test_a_span_that_says_nothing_passes_an_error_on_when_its_caller_failed():
    rows = [
        span("api", None, 0, 40, kind="server", http_status=200),
        span("caught", "api", 1, 30),
        span("call", "caught", 2, 20, kind="client", status="error"),
        span("quiet", "call", 3, 10),
        span("query", "quiet", 4, 5, status="error"),
    ]
    assert failing_spans(spans(*rows))["swallowed_by"].to_list() == ["shop caught"]


def test_of_two_failures_the_deepest_then_the_first_counts():
    rows = [
        span("api", None, 0, 40, kind="server", http_status=200),
        span("late", "api", 9, 1, status="error"),
        span("early", "api", 2, 1, status="error"),
        span("step", "api", 20, 9),
        span("deep", "step", 21, 1, http_status=503),
    ]
    assert failing_spans(spans(*rows))["span_id"].to_list() == ["deep"]
    assert failing_spans(spans(*rows), every=True)["span_id"].to_list() == ["deep", "early", "late"]
    assert failing_spans(spans(*rows[:3]))["span_id"].to_list() == ["early"]


def test_an_aborted_fetch_is_no_failing_backend():
    rows = spans(browser("fetch", None, 0, 5, kind="client", status="error", status_message="cancelled"))
    assert failing_spans(rows).is_empty()
    assert failing_spans(rows, side=None)["side"].to_list() == ["browser"]


def test_nothing_to_lay_out_keeps_the_columns():
    tree = trace_tree(spans(*swallowed_failure()), "unknown")
    assert tree.is_empty()
    assert {"depth", "offset_us", "is_root_cause", "on_error_path", "db_statement"} <= set(tree.columns)
    assert failing_spans(spans(span("fine"))).columns[:2] == ["trace_id", "span_id"]


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="spans lacks the column parent_span_id"):
        trace_tree(spans(span("a")).drop("parent_span_id"), "t1")


def test_orphans_are_roots_that_say_so():
    tree = trace_tree(spans(span("root", None, 0), span("lost", "never sent", 5), span("child", "lost", 6)), "t1")
    assert tree.select("span_id", "depth", "is_orphan").rows() == [
        ("root", 0, False), ("lost", 0, True), ("child", 1, False),
    ]  # fmt: skip


def test_a_span_exported_twice_stands_once():
    tree = trace_tree(spans(span("a"), span("a"), span("b", "a"), span("b", "a")), "t1")
    assert tree["span_id"].to_list() == ["a", "b"]


def test_zipkins_shared_ids_are_a_client_and_a_server():
    rows = [
        span("root", None, 0, 100, service="web"),
        span("shared", "root", 10, 50, service="web", kind="client"),
        span("shared", "root", 15, 40, service="api", kind="server"),
        span("query", "shared", 20, 5, service="api", kind="client"),
        span("retry", "shared", 12, 1, service="web"),
    ]
    tree = trace_tree(spans(*rows), "t1")
    assert tree.select("span_id", "kind", "depth").rows() == [
        ("root", "internal", 0), ("shared", "client", 1), ("retry", "internal", 2), ("shared", "server", 2),
        ("query", "client", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("parents", [("a",), ("b", "a"), ("b", "c", "a"), ("b", "c", "b")])
def test_circles_are_cut_and_every_span_stands_once(parents):
    rows = [span(name, parent) for name, parent in zip("abc", parents, strict=False)]
    tree = trace_tree(spans(*rows), "t1")
    assert sorted(tree["span_id"]) == sorted(row["span_id"] for row in rows)


class TestClocks:
    """Jaeger's own cases (clockskew_test.go): parent and child on different hosts, in the same numbers."""

    def child_start(self, parent: tuple[int, int], child: tuple[int, int], *, service: str = "api") -> int:
        rows = [
            span("p", None, parent[0], parent[1], service="web"),
            span("c", "p", child[0], child[1], service=service),
        ]
        tree = trace_tree(spans(*rows), "t1")
        shift = tree.filter(span_id="c")["skew_us"][0]
        return child[0] + shift // 1000

    def test_a_child_within_its_parent_stays(self):
        assert self.child_start((10, 100), (20, 50)) == 20

    def test_a_child_before_its_parent_moves_to_the_middle(self):
        assert self.child_start((10, 100), (0, 50)) == 35

    def test_a_child_after_its_parent_moves_to_the_middle(self):
        assert self.child_start((10, 100), (80, 50)) == 35

    def test_a_longer_child_only_starts_no_earlier(self):
        assert self.child_start((10, 100), (0, 150)) == 10
        assert self.child_start((10, 100), (60, 150)) == 60

    def test_one_service_has_one_clock(self):
        assert self.child_start((10, 100), (0, 50), service="web") == 0

    def test_what_is_below_moves_along(self):
        rows = [
            span("p", None, 10, 100, service="web"),
            span("c", "p", 0, 50, service="api"),
            span("d", "c", 20, 20, service="api"),
        ]
        assert trace_tree(spans(*rows), "t1")["skew_us"].to_list() == [0, 35_000, 35_000]

    def test_a_page_load_below_the_servers_span_began_before_it(self):
        rows = [span("ssr", None, 50, 20, kind="server"), browser("pageload", "ssr", 0, 400)]
        tree = trace_tree(spans(*rows), "t1")
        assert tree.select("span_id", "offset_us", "skew_us").rows() == [("ssr", 50_000, 0), ("pageload", 0, 0)]

    def test_a_browser_clock_that_is_a_minute_late_is_put_right(self):
        rows = [
            span("ssr", None, 50, 20, kind="server"),
            browser("pageload", "ssr", 60_000, 400),
            browser("fetch", "pageload", 60_200, 50, kind="client"),
            span("api", "fetch", 260, 30, kind="server"),
        ]
        tree = trace_tree(spans(*rows), "t1")
        starts = dict(tree.select("span_id", "offset_us").iter_rows())
        assert starts == {"ssr": 0, "pageload": 0, "fetch": 200_000, "api": 210_000}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select * from t where a = -1.5e3 and b=$2 and c = :name", "select * from t where a = ? and b=? and c = ?"),
        ("insert into t1 values (1, 'x'), (2, 'y')", "insert into t1 values (?)"),
        ("select a::text -- note\nfrom t2", "select a::text from t2"),
        ("select 'it''s', \"Quoted Name\" from `t`", 'select ?, "Quoted Name" from `t`'),
    ],
)
def test_statements_lose_their_literals(statement, expected):
    assert normalised_statement(statement) == expected


def test_names_and_messages_lose_what_differs():
    one = signature(
        "api", "GET /orders/1002", None, "user 7f3a9c41d2 not found, request 4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    )
    two = signature(
        "api", "GET /orders/9", None, "user 0a11b2c3d4 not found, request 00f067aa-0ba9-42b7-8c3d-5e6f708192a3"
    )
    assert one == two == "api · GET /orders/? · user ? not found, request ?"


@st.composite
def forests(draw):
    """Spans of one trace without circles; starts all differ, so that the order is one."""
    n = draw(st.integers(1, 9))
    rows = []
    starts = draw(st.permutations(range(n)))
    for i in range(n):
        parent = draw(st.sampled_from([None, "gone", *[f"s{j}" for j in range(i)]]))
        rows.append(
            span(
                f"s{i}",
                parent,
                starts[i],
                1,
                status=draw(st.sampled_from(["unset", "error", "ok"])),
                http_status=draw(st.sampled_from([None, 200, 302, 404, 500])),
                side=draw(st.sampled_from(["backend", "backend", "browser"])),
            )
        )
    return rows


@settings(max_examples=300, deadline=None)
@given(forests(), st.randoms(use_true_random=False))
def test_trees_and_failures_are_the_naive_ones(rows, chance: random.Random):
    chance.shuffle(rows)
    frame = spans(*rows)
    one_clock = frame.with_columns(service=pl.lit("one"), kind=pl.lit("consumer"))  # queued: no clock is moved
    tree = trace_tree(one_clock, "t1")
    assert tree.select("span_id", "depth").rows() == naive.depth_first(rows)
    causes = naive.root_causes(rows)
    found = failing_spans(frame, every=True)
    assert found["span_id"].to_list() == [cause["span_id"] for cause in causes]
    swallowers = [naive.swallowed_by(cause, rows) for cause in causes]
    assert found["swallowed_by"].to_list() == [None if who is None else f"shop {who}" for who in swallowers]
