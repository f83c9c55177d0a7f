"""Lab runs from a real Lighthouse CI server, fed with the sample's Lighthouse results."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import polars as pl
import pytest

from connectors.exceptions import AuthError, SourceNotFound
from connectors.lab import lhci as connector
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.conftest import SAMPLE
from tests.connectors.lhci_server import Lhci, lhci

ALL = Window()
MEASURED = ("page_url", "form_factor", "metric", "value", "score", "tool_version", "throttling")


@pytest.fixture(scope="module")
def results() -> dict[str, list[str]]:
    """The sample's results by the letter of their release, as text."""
    found: dict[str, list[str]] = {}
    for path in sorted((SAMPLE / "raw/lab").glob("*.json.gz")):
        found.setdefault(path.name[0], []).append(gzip.decompress(path.read_bytes()).decode())
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Lhci]:
    with lhci(tmp_path_factory.mktemp("lhci")) as server:
        yield server


@pytest.fixture(scope="module")
def shop(server, results) -> str:
    project = server.make_project("Shop of the sample")
    for letter, some in results.items():
        server.upload(project, letter * 40, some)
    server.make_project("Nothing yet")
    return project["slug"]


def test_what_was_uploaded_comes_back_as_the_files_give_it(server, shop, sample, results):
    store = open_store(server.address(shop))
    assert_conforms(store)
    fetched = store.lab_runs(ALL)
    runs = fetched.frame.collect()
    ours = sample.lab_runs(ALL).frame.collect()
    assert runs.select(MEASURED).sort(MEASURED).equals(ours.select(MEASURED).sort(MEASURED))
    assert set(runs["release"]) == {letter * 40 for letter in results}
    assert (set(runs["branch"]), runs["run_id"].n_unique()) == ({"main"}, sum(map(len, results.values())))
    assert (fetched.report.pages, fetched.report.refused, fetched.report.complete) == (len(results), (), True)
    # the same numbers, read out of the results by hand
    first = json.loads(results["A"][0])
    lcp = pl.col("metric") == "LCP"
    of_first = runs.filter(lcp, pl.col("release") == "A" * 40, pl.col("page_url") == first["requestedUrl"])
    assert first["audits"]["largest-contentful-paint"]["numericValue"] in of_first["value"].to_list()


@pytest.mark.parametrize("name", ["slug", "name", "id"])
def test_a_project_by_each_of_its_names(server, shop, name):
    project = next(one for one in server.call("projects") if one["slug"] == shop)
    check = open_store(server.address(project[name].replace(" ", "%20"))).check()
    assert check.ok
    assert check.says.startswith(f"the newest build of {datetime.now(UTC):%Y-%m}")


def test_a_window_asks_only_for_builds_that_were_uploaded_since_its_start(server, shop, sample):
    store = open_store(server.address(shop))
    times = sample.lab_runs(ALL).frame.collect()["at"]
    window = Window(times.min(), times.max())  # the last one is at its end, and so outside
    assert store.lab_runs(window).report.rows == sample.lab_runs(window).report.rows > 0
    later = Window(datetime.now(UTC) + timedelta(days=2), None)
    assert store.lab_runs(later).report.pages == 0


def test_more_builds_than_the_server_lists_at_once(server, results, monkeypatch):
    monkeypatch.setattr(connector, "FIRST_LIMIT", 2)
    project = server.make_project("Many builds")
    for number in range(11):
        server.upload(project, f"{number:040x}", results["A"][:1] if number in (0, 10) else [], sealed=False)
    runs = open_store(server.address(project["slug"])).lab_runs(ALL)
    assert sorted(set(runs.frame.collect()["release"])) == [f"{0:040x}", f"{10:040x}"]
    assert runs.report.pages == 11


def test_a_result_that_is_none_costs_only_itself(server, results):
    project = server.make_project("Strange results")
    broken = json.dumps({"requestedUrl": "http://shop.localhost/", "audits": 3})
    server.upload(project, "c" * 40, [results["A"][0], broken], sealed=False)
    fetched = open_store(server.address(project["slug"])).lab_runs(ALL)
    assert fetched.frame.collect()["run_id"].n_unique() == 1
    [refused] = fetched.report.refused
    assert refused.place.startswith("build ")
    assert "not a Lighthouse result" in refused.reason


def test_a_project_that_is_not_there_and_one_without_builds(server, shop):
    with pytest.raises(SourceNotFound, match=rf"{server.host} has no project 'till'; there are: .*{shop}"):
        open_store(server.address("till")).lab_runs(ALL)
    check = open_store(server.address("nothing-yet")).check()
    assert (check.ok, check.says) == (False, "the project nothing-yet has no builds yet")
    assert open_store(server.address("nothing-yet")).lab_runs(ALL).report.rows == 0


def test_behind_basic_authentication(tmp_path, results, monkeypatch):
    with lhci(tmp_path, password="hush") as guarded:
        guarded.upload(guarded.make_project("Guarded"), "a" * 40, results["A"][:1])
        address = guarded.address("guarded")
        port = urlsplit(f"//{guarded.host}").port
        for secret in ("hush", "lhci:hush"):
            monkeypatch.setenv("BLINDSPOT_LHCI_TOKEN", secret)
            assert open_store(address).lab_runs(ALL).report.rows > 0
        monkeypatch.setenv("BLINDSPOT_LHCI_TOKEN", "guessed")
        with pytest.raises(AuthError) as refused:
            open_store(address).lab_runs(ALL)
        assert f"127.0.0.1:{port}" in str(refused.value)
        assert "BLINDSPOT_LHCI_TOKEN" in str(refused.value)
        assert "guessed" not in str(refused.value)
