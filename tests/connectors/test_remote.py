"""The base of every remote system: windows, reports, and a source that fails half-way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, SourceNotFound
from connectors.remote import Batch, Check, RemoteStore, parse_address
from connectors.stores import Refused, Window
from connectors.testing import assert_conforms
from tests.connectors.plays import Play, playing

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", "s3cret-0123456789")


class Acme(RemoteStore):
    """Pages of events with their frames; the page says whether there is another."""

    system = "acme"
    form = "project?query"
    feeds = {"errors": ("events", "frames"), "measures": ("vitals",)}  # noqa: RUF012

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        page = 0
        while page is not None:
            answer = self.http.get(f"{feed}/{page}").json()
            tables = {name: pl.DataFrame(rows) for name, rows in answer["tables"].items()}
            refused = tuple(Refused(*one) for one in answer.get("refused", ()))
            yield Batch(tables, refused, truncated=answer.get("truncated", False), note=answer.get("note"))
            page = answer.get("next")

    def check(self) -> Check:
        self.http.get("check")
        return Check(True, "answers")


def event(name: str, minute: int, **more) -> dict:
    return {"event_id": name, "at": (NOON + timedelta(minutes=minute)).isoformat(), **more}


def frame(name: str, index: int = 0) -> dict:
    return {"event_id": name, "exception_index": 0, "frame_index": index}


def page(tables: dict, **more) -> Play:
    import json

    return Play(body=json.dumps({"tables": tables, **more}).encode())


ONE = {"events": [event("a", 0), event("b", 10)], "frames": [frame("a"), frame("b"), frame("b", 1)]}
TWO = {"events": [event("b", 10), event("c", 70)], "frames": [frame("c")]}


def test_a_feed_is_read_once_for_all_its_tables():
    with playing(page(ONE, next=1), page(TWO, note="old events are sampled")) as server:
        store = Acme(f"acme+{server.url}/shop")
        window = Window(NOON, NOON + timedelta(hours=1))
        events, frames = store.events(window), store.frames(window)
        assert [asked.path for asked in server.asked] == ["/errors/0", "/errors/1"]
        assert server.asked[0].headers["authorization"] == "Bearer s3cret-0123456789"
    assert events.frame.collect()["event_id"].to_list() == ["a", "b"]
    assert frames.frame.collect().select("event_id", "frame_index").rows() == [("a", 0), ("b", 0), ("b", 1)]
    report = events.report
    assert (report.source, report.table, report.rows, report.pages) == ("acme shop", "events", 2, 2)
    assert (frames.report.table, frames.report.rows) == ("frames", 3)
    assert (report.note, report.failed, report.complete) == ("old events are sampled", None, True)


def test_it_keeps_the_contract():
    with playing(page({**ONE})) as server:
        store = Acme(f"acme+{server.url}/shop")
        store.read = lambda feed, window: Acme.read(store, feed, window) if feed == "errors" else iter(())
        assert_conforms(store)


def test_a_source_that_fails_half_way_is_partial_never_empty():
    with playing(page(ONE, next=1), Play(500, b"away", {})) as server:
        store = Acme(f"acme+{server.url}/shop")
        fetched = store.events(Window())
    assert fetched.frame.collect().height == 2
    assert not fetched.report.complete
    assert "did not give" in fetched.report.failed
    assert "500: away" in fetched.report.failed


def test_a_page_of_another_form_is_partial_too():
    with playing(page(ONE, next=1), page({"events": [{"event_id": "c", "at": {"day": 1}}]})) as server:
        fetched = Acme(f"acme+{server.url}/shop").events(Window())
    assert fetched.frame.collect()["event_id"].to_list() == ["a", "b"]
    assert fetched.report.failed == "events has values of another kind: expected Datetime, got struct[1]"
    with playing(page(ONE, next=1), Play(body=b'{"tables": {"events": 7}}')) as server:
        failed = Acme(f"acme+{server.url}/shop").events(Window()).report.failed
    assert failed.startswith("acme shop gave errors in a form that this version does not know (TypeError")


def test_what_was_refused_cut_short_or_limited_stands_in_the_report():
    limited = Play(429, headers={"retry-after": "0"})
    with playing(limited, page(ONE, refused=[["errors/0:3", "no time"]], truncated=True)) as server:
        report = Acme(f"acme+{server.url}/shop").events(Window()).report
    assert report.refused == (Refused("errors/0:3", "no time"),)
    assert report.truncated
    assert report.rate_limited
    assert not report.complete


@pytest.mark.parametrize(("status", "error"), [(401, AuthError), (404, SourceNotFound)])
def test_a_wrong_token_and_an_unknown_project_are_raised(status, error):
    with playing(Play(status)) as server, pytest.raises(error, match=f"acme .*{status}"):
        Acme(f"acme+{server.url}/shop").events(Window())


def test_a_table_that_the_system_does_not_give():
    store = Acme("acme+https://acme.example.com/shop?environment=production&first_party=shop.example,cdn.shop.example")
    assert store.spans(window=Window()).report.note == "acme gives no spans"
    assert store.replay_events("r").report.rows == 0
    assert (store.has("vitals"), store.has("spans")) == (True, False)
    assert store.environment == "production"
    assert store.first_party == ("shop.example", "cdn.shop.example")
    assert "s3cret" not in repr(store) + str(vars(store))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (
            "acme+https://acme.example.com",
            r"does not name its project; .* looks like acme\+https://host/project\?query",
        ),
        ("acme+https:///shop", "names no host"),
        ("acme+ftp://acme.example.com/shop", "names no host"),
        ("acme+https://acme.example.com:port/shop", "is no address"),
        ("acme+https://acme.example.com/shop?colour=red", r"says colour; it may say query, environment, first_party"),
        ("acme+https://maya:pw@acme.example.com/shop", r"//\*\*\*@acme.* has a secret in it.*BLINDSPOT_ACME_TOKEN"),
        ("acme+https://acme.example.com/shop?api_key=abc", r"api_key=\*\*\* has a secret in it"),
    ],
)
def test_addresses_that_cannot_be_used(address, says):
    with pytest.raises(AddressError, match=says):
        Acme(address)


def test_parts_that_may_be_left_out_and_servers_below_a_prefix():
    below = parse_address("bugsink+https://h.example/tools/bugsink/shop%20two", "bugsink", "project")
    assert (below.base_url, below.parts) == ("https://h.example/tools/bugsink", {"project": "shop two"})
    assert parse_address("loki+https://h.example:3100", "loki", "tenant*").parts == {}
    assert parse_address("loki+https://h.example:3100/a", "loki", "tenant*").parts == {"tenant": "a"}
    assert parse_address("loki+https://h.example:3100/a", "loki", "tenant*").host == "h.example:3100"
