"""The incident of the sample data as its reader meets it: the report opened from disk, the notebook live in the lab."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_lab import PATIENCE, RUN_ALL, lab
from tests.browser.test_offline import player, recorded, scroll_through
from workbench.reports.run import Made, run_report

__all__ = ["lab"]
pytestmark = [pytest.mark.chromium, pytest.mark.xdist_group("lab")]
ROOT = Path(__file__).parents[2]
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return run_report("incident", {}, tmp_path_factory.mktemp("incident") / "incident.html", progress=False)


@pytest.fixture(scope="module")
def truth() -> list[dict]:
    return [json.loads(line) for line in (ROOT / "sample-data" / "truth.ndjson").read_text().splitlines()]


def test_the_report_is_one_small_file_that_says_what_happened(made: Made, truth: list[dict]) -> None:
    assert made.bytes < 3_000_000
    broken = next(record["release"] for record in truth if record["kind"] == "deploy" and record["letter"] == "B")
    assert broken[:7] in made.title
    assert "200 OK" in made.title


def test_it_asks_for_nothing_and_its_charts_react(made: Made, open_page: Open) -> None:
    watched = open_page(made.html)
    page = watched.page
    scroll_through(page)
    charts = page.locator(".bs-chart")
    expect(page.locator(".bs-chart[data-live]")).to_have_count(charts.count(), timeout=PATIENCE)
    page.locator(".bs-funnel .bs-chart[data-live] svg").hover(position={"x": 100, "y": 12})
    expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("raw errors")
    assert watched.requests == []
    assert watched.errors == []


def test_its_replays_play_up_to_what_the_user_saw(made: Made, open_page: Open) -> None:
    """The second bug's recording ends on a page without a word."""
    watched = open_page(made.html)
    page = watched.page
    replays = page.locator(".bs-replay")
    assert replays.count() == 2
    frame = player(page)
    before = int(replays.first.get_attribute("data-time") or 0)
    assert recorded(frame).strip() != ""
    frame.get_by_role("button", name="Play").click()
    page.wait_for_function("from => Number(document.querySelector('.bs-replay').dataset.time) > from + 400", arg=before)
    replays.nth(1).scroll_into_view_if_needed()
    page.wait_for_selector(".bs-replay[data-state=ready] >> nth=1", timeout=PATIENCE)
    blank = [frame for frame in page.frames if frame.url.startswith("data:text/html")][1]
    assert "Sign in" in recorded(blank)
    blank.get_by_role("button", name="Play").click()
    expect(blank.child_frames[0].locator("body")).to_have_text("", timeout=PATIENCE)
    assert watched.requests == []
    assert watched.errors == []


def test_no_value_that_leaked_stands_in_the_report_s_text(made: Made) -> None:
    text = made.html.read_text()
    assert "form#refund" in text
    assert "IE29AIBK93115212345678" not in text


@pytest.fixture
def live(lab: str, browser: Browser) -> Iterator[Page]:
    notebook = nbformat.read(ROOT / "notebooks" / "incident.ipynb", as_version=4)
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    asked = Request(f"{lab}/api/contents/incident.ipynb", body, {"Content-Type": "application/json"}, method="PUT")
    urlopen(asked, timeout=20).close()
    context = browser.new_context(viewport={"width": 1400, "height": 2000})
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{lab}/lab/workspaces/incident/tree/incident.ipynb?reset", wait_until="commit")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    yield page
    context.close()


def test_in_the_lab_the_header_drives_every_section(live: Page, truth: list[dict]) -> None:
    events = [record for record in truth if record["kind"] == "event"]
    broken = next(record["release"] for record in truth if record["kind"] == "deploy" and record["letter"] == "B")
    funnel = live.locator(".bs-funnel .bs-chart")
    expect(funnel).to_contain_text(f"{len(events):,} raw errors", timeout=PATIENCE)
    release, _, bug = live.locator(".bs-pickers select").all()
    expect(live.locator(".bs-card")).to_have_count(2, timeout=PATIENCE)

    bug.select_option(index=2)
    expect(live.locator(".bs-card")).to_have_count(1, timeout=PATIENCE)

    release.select_option(label=broken[:7])
    expect(funnel).to_contain_text(f"{raw_events()[broken]:,} raw errors", timeout=PATIENCE)


def raw_events() -> Counter[str]:
    """Count the error events of each release in the raw envelopes, by plain JSON."""
    lines = gzip.decompress((ROOT / "sample-data" / "raw" / "envelopes.ndjson.gz").read_bytes()).splitlines()
    payloads = [json.loads(text) for line in lines for text in json.loads(line)["envelope"].splitlines()]
    return Counter(payload["release"] for payload in payloads if "exception" in payload)
