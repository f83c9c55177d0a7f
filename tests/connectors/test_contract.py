"""Addresses, redaction, and the conformance check held against stores that break the contract on purpose."""

import sys
from datetime import UTC, datetime
from importlib.metadata import EntryPoint

import polars as pl
import pytest

from connectors import registry
from connectors.exceptions import AddressError, MissingExtra, SourceNotFound
from connectors.lake import Lake
from connectors.pages import fill_in
from connectors.redaction import redact
from connectors.registry import open_store
from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import EVENTS, LAB_RUNS, RELEASES, SESSIONS, conform
from connectors.testing import findings_of

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize("form", ["{path}", "file://{path}", "file:{path}", "folder:{path}", "folder://{path}"])
def test_a_folder_by_every_address_it_can_have(tmp_path, form):
    assert open_store(form.format(path=tmp_path)).address == str(tmp_path)


def test_a_lake_is_seen_by_its_list(tmp_path):
    Lake.create(tmp_path / "l", name="kept")
    for address in (tmp_path / "l", f"lake:{tmp_path}/l", f"file://{tmp_path}/l"):
        assert open_store(address).name == "kept"


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("tempoo+https://t.example", AddressError, "there are: .*folder, .*lake"),
        ("acme+https://maya:pw@t.example?token=abc", AddressError, r"acme\+https://\*\*\*@t.example\?token=\*\*\*"),
        ("lake:no/such", SourceNotFound, "there is no lake at no/such"),
        ("no/such", SourceNotFound, "there is no folder at no/such"),
        (" ", AddressError, "the address is empty"),
    ],
)
def test_an_address_that_leads_nowhere(address, error, message):
    with pytest.raises(error, match=message):
        open_store(address)


def test_a_store_of_another_package(monkeypatch, tmp_path):
    (tmp_path / "acme_store.py").write_text(
        "class AcmeStore:\n    open = staticmethod(lambda address: ['opened', address])\n"
    )
    (tmp_path / "needy_store.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    entries = [
        EntryPoint("acme+https", "acme_store:AcmeStore", registry.GROUP),
        EntryPoint("needy+https", "needy_store:NeedyStore", registry.GROUP),
        EntryPoint("gone", "no_such_module:Store", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == registry.GROUP else [])
    assert open_store("acme+https://x.example/1") == ["opened", "acme+https://x.example/1"]
    with pytest.raises(
        MissingExtra, match=r"needs the package a_package_that_is_not_there: pip install 'blindspot-workbench\[needy\]'"
    ):
        open_store("needy+https://x.example")
    with pytest.raises(AddressError, match="registered as no_such_module:Store, but there is no such module"):
        open_store("gone:x")
    sys.modules.pop("acme_store")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://maya:s3cret@h.example/p", "https://***@h.example/p"),
        ("https://ghp_token@h.example", "https://***@h.example"),
        ("s3://b/k?X-Amz-Signature=ab12&x=1", "s3://b/k?X-Amz-Signature=***&x=1"),
        ("https://h/?api_key=1;access_token=2&key=3", "https://h/?api_key=***;access_token=***&key=***"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        (
            "https://h.example/monkey?keyboard=qwerty&authority=x",
            "https://h.example/monkey?keyboard=qwerty&authority=***",
        ),
        ("maya@example.org", "maya@example.org"),
    ],
)
def test_secrets_do_not_stay_in_addresses(text, kept):
    assert redact(text) == kept
    assert redact(kept) == kept


class Told:
    """A store that gives what it is told to give."""

    def __init__(self, table, frame, keep=None, /, **report):
        self._table, self._frame, self._keep = table, frame, keep
        self._report = {"source": "told", "query": "all", **report}

    def __getattr__(self, name):
        if name != self._table.name:
            raise AttributeError(name)
        return self._answer

    def _answer(self, window: Window) -> Fetched:
        frame = self._frame if self._keep is None else self._keep(self._frame, window)
        rows = len(frame) if isinstance(frame, pl.DataFrame) else 0
        report = FetchReport(**{"table": self._table.name, "rows": rows, **self._report})
        return Fetched(frame.lazy() if isinstance(frame, pl.DataFrame) else frame, report)


def by_time(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    return window.keep(frame.lazy(), "deployed_at").collect()


DEPLOYS = conform(pl.DataFrame({"release": ["a", "b"], "deployed_at": [NOON, NOON.replace(hour=13)]}), RELEASES)


def test_a_store_that_keeps_the_contract():
    assert list(findings_of(Told(RELEASES, DEPLOYS, by_time))) == []


@pytest.mark.parametrize(
    ("store", "finding"),
    [
        (Told(RELEASES, DEPLOYS), "releases: 2 rows in a window of 1971"),
        (Told(RELEASES, DEPLOYS, by_time, rows=7), "releases: the report says 7 rows, the frame has 2"),
        (Told(RELEASES, DEPLOYS, by_time, table="events"), "releases: the report is about events"),
        (Told(RELEASES, DEPLOYS, by_time, query=""), "releases: the report names no query"),
        (Told(RELEASES, DEPLOYS, by_time, query="https://a:b@c"), "releases: the report shows a secret"),
        (
            Told(RELEASES, DEPLOYS, by_time, refused=("x",)),
            "releases: 'x' does not say what was refused, where and why",
        ),
        (Told(RELEASES, DEPLOYS.drop("commit"), by_time), "releases: not the canonical columns (commit)"),
        (
            Told(RELEASES, DEPLOYS.select(reversed(DEPLOYS.columns)), by_time),
            "releases: the columns are in another order",
        ),
        (
            Told(RELEASES, pl.concat([DEPLOYS, DEPLOYS]), by_time),
            "releases: 4 rows share their key (release, environment; first: ('a', None))",
        ),
        (
            Told(RELEASES, DEPLOYS.with_columns(release=pl.lit(None, pl.String)), by_time),
            "releases.release: 2 of 2 values are null, but it is required",
        ),
        (
            Told(
                LAB_RUNS,
                conform(pl.DataFrame({"run_id": ["r"], "at": [NOON], "metric": ["LCP"]}), LAB_RUNS).with_columns(
                    value=float("inf")
                ),
            ),
            "lab_runs.value: 1 of 1 values are not finite (first: inf); give null",
        ),
        (
            Told(
                RELEASES,
                DEPLOYS,
                lambda frame, window: by_time(frame, Window(window.start, window.end and window.end.replace(hour=14))),
            ),
            "releases: a window gives rows that begin at its end or later (2026-03-09 13:00:00+00:00)",
        ),
        (
            Told(RELEASES, DEPLOYS, lambda frame, window: frame.clear() if window.start else frame),
            "releases: 1 rows that begin at 2026-03-09 13:00:00+00:00 or later are not in the window from there",
        ),
    ],
)
def test_a_store_that_breaks_it_is_told_how(store, finding):
    assert finding in list(findings_of(store))


def test_an_eager_frame_is_no_answer():
    store = Told(RELEASES, DEPLOYS, by_time)
    store._answer = lambda window: Fetched(by_time(DEPLOYS, window), FetchReport("s", "releases", "q", rows=2))
    assert list(findings_of(store)) == ["releases: the frame is a DataFrame, not a LazyFrame"]


def test_sessions_that_began_before_the_window_belong_to_it(tmp_path):
    lake = Lake.create(tmp_path / "l")
    lake.write(SESSIONS, pl.DataFrame({"session_id": ["s"], "started_at": [NOON], "ended_at": [NOON.replace(hour=15)]}))
    assert lake.sessions(Window(NOON.replace(hour=14), None)).report.rows == 1
    assert lake.sessions(Window(NOON.replace(hour=16), None)).report.rows == 0
    assert lake.sessions(Window(None, NOON)).report.rows == 0


class Visitors(RemoteStore):
    """As somebody writes it in an afternoon: the columns that the system has, and no others."""

    system, feeds = "acme", {"errors": ("events",)}
    hashes = False

    def read(self, feed, window):
        rows = pl.DataFrame(
            {"event_id": ["e1"], "at": [NOON], "user_id": [7], "page_url": ["https://shop.example/p/7"]}
        )
        rows = rows.filter(window.keep(rows.lazy().select("at", "event_id")).collect().height > 0)
        yield Batch({"events": fill_in(rows, EVENTS, self.user_key) if self.hashes else rows})

    def check(self):
        return Check(True, "opens")


def test_a_connector_that_names_users_is_told_what_to_do():
    assert list(findings_of(Visitors("acme+https://acme.example.com"))) == [
        "errors: 1 of 1 user_id in events are no hash, so that users are named; give the rows through "
        "connectors.pages.fill_in(frame, table, self.user_key)"
    ]

    class Hashing(Visitors):
        hashes = True

    store = Hashing("acme+https://acme.example.com")
    assert list(findings_of(store)) == []
    ((user, route),) = store.events(Window()).frame.select("user_id", "route").collect().rows()
    assert (len(user), route) == (16, "/p/:id")
