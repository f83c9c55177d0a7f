"""The vitals of the sample data as their reader meets them: the report from disk, the notebook live in the lab."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_lab import PATIENCE, RUN_ALL, lab
from tests.browser.test_offline import scroll_through
from workbench.case import open_case
from workbench.reports.run import Made, run_report

__all__ = ["lab"]
pytestmark = [pytest.mark.chromium, pytest.mark.xdist_group("lab")]
ROOT = Path(__file__).parents[2]
Open = Callable[..., Watched]
FAULTS = """() => [...document.querySelectorAll('.bs-chart')].flatMap(chart => {
    const outer = chart.getBoundingClientRect();
    const boxes = [...chart.querySelectorAll('svg text')].filter(t => t.textContent.trim())
      .map(t => [t.textContent, t.getBoundingClientRect()]);
    const cut = boxes.filter(([, b]) => b.left < outer.left - 1 || b.right > outer.right + 1).map(([t]) => 'cut: ' + t);
    const over = boxes.flatMap(([t, a], i) => boxes.slice(i + 1).filter(([u, b]) => u !== t
      && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5).map(([u]) => `over: ${t} / ${u}`));
    return [...cut, ...over];
})"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return run_report("vitals", {"metric": "INP"}, tmp_path_factory.mktemp("vitals") / "vitals.html", progress=False)


def beacons(metric: str) -> dict[str, np.ndarray]:
    """The metric's values by device in people's sessions: last reports, from the raw beacons by plain JSON."""
    people = set(open_case(ROOT / "sample-data").sessions["session_id"])
    lines = gzip.decompress((ROOT / "sample-data" / "raw" / "beacons.ndjson.gz").read_bytes()).splitlines()
    last: dict[str, dict] = {}
    for beacon in sorted((json.loads(line) for line in lines), key=lambda beacon: beacon["ts"]):
        if beacon["name"] == metric and beacon["session_id"] in people:
            last[beacon["id"]] = beacon
    devices = {beacon["device_class"] for beacon in last.values()}
    return {
        device: np.array([beacon["value"] for beacon in last.values() if beacon["device_class"] == device])
        for device in devices
    }


def test_the_report_is_one_small_file_that_says_what_got_worse(made: Made) -> None:
    truth = [json.loads(line) for line in (ROOT / "sample-data" / "truth.ndjson").read_text().splitlines()]
    broken = next(record["release"] for record in truth if record["kind"] == "deploy" and record["letter"] == "B")
    assert made.bytes < 2_000_000
    assert "INP" in made.title
    assert "CLS" in made.title
    assert made.title.endswith(f"got worse with release {broken[:7]}")


def test_it_asks_for_nothing_and_its_charts_react(made: Made, open_page: Open) -> None:
    watched = open_page(made.html, width=1280)
    page = watched.page
    scroll_through(page)
    charts = page.locator(".bs-chart")
    expect(page.locator(".bs-chart[data-live]")).to_have_count(charts.count(), timeout=PATIENCE)
    cell = page.locator(".bs-pages .bs-chart[data-live] svg")
    cell.scroll_into_view_if_needed()
    cell.hover(position={"x": 190, "y": 38})
    expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("interval")
    assert watched.requests == []
    assert watched.errors == []
    shoot(page, "vitals-1280")


@pytest.mark.parametrize("width", [1280, 700, 400])
def test_nothing_is_wider_than_the_page_or_laid_over_another(made: Made, open_page: Open, width: int) -> None:
    page = open_page(made.html, width=width).page
    scroll_through(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"vitals-{width}")
    if width == 1280:
        assert page.evaluate(FAULTS) == []


def test_the_state_says_what_the_raw_beacons_say(made: Made, open_page: Open) -> None:
    """p75 and page views of each device, by numpy over the raw file."""
    state = open_page(made.html).page.locator(".bs-state .bs-chart").first
    for device, values in beacons("INP").items():
        expect(state).to_contain_text(f"INP, {device}")
        expect(state).to_contain_text(f"{np.percentile(values, 75):.0f} ms")
        expect(state).to_contain_text(f"{values.size}")


@pytest.fixture(scope="module")
def live(lab: str, browser: Browser) -> Iterator[Page]:
    notebook = nbformat.read(ROOT / "notebooks" / "vitals.ipynb", as_version=4)
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    asked = Request(f"{lab}/api/contents/vitals.ipynb", body, {"Content-Type": "application/json"}, method="PUT")
    urlopen(asked, timeout=20).close()
    context = browser.new_context(viewport={"width": 1400, "height": 2000})
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{lab}/lab/workspaces/vitals/tree/vitals.ipynb?reset", wait_until="commit")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    yield page
    context.close()


def picker(page: Page, label: str) -> Locator:
    return page.locator(".bs-pickers .widget-dropdown", has=page.get_by_text(label, exact=True)).locator("select")


def seen(page: Page, section: str) -> Locator:
    """A section of the page; the lab draws what is scrolled to. It may be drawn anew meanwhile."""
    found = page.locator(f".bs-{section}").first
    found.evaluate("element => element.scrollIntoView({block: 'center'})")
    return found


def test_in_the_lab_another_metric_and_device_change_tables_and_charts(live: Page) -> None:
    expect(live.locator(".bs-headline h1")).to_contain_text("got worse", timeout=180_000)
    shoot(live, "vitals-lab-top")
    picker(live, "Metric").select_option(label="INP")
    expect(seen(live, "spread")).to_contain_text("INP, mobile", timeout=PATIENCE)
    expect(seen(live, "spread")).to_contain_text("INP, desktop")
    expect(seen(live, "behind")).to_contain_text("processing duration", timeout=PATIENCE)

    picker(live, "Metric").select_option(label="LCP")
    picker(live, "Device").select_option(label="mobile")
    values = beacons("LCP")["mobile"]
    spread = seen(live, "spread")
    expect(spread.locator(".bs-chart")).to_contain_text(f"{values.size} page views", timeout=PATIENCE)
    expect(spread.locator(".bs-chart")).to_contain_text(f"p75 {np.percentile(values, 75) / 1000:.1f} s")
    expect(spread.locator(".bs-chart")).not_to_contain_text("desktop")
    expect(seen(live, "pages").locator(".bs-chart")).not_to_contain_text("desktop", timeout=PATIENCE)
    expect(seen(live, "common")).to_contain_text("ap-south", timeout=PATIENCE)
    expect(seen(live, "trend").locator(".bs-chart")).to_contain_text("LCP, mobile", timeout=PATIENCE)
    shoot(live, "vitals-lab")


def test_in_the_lab_two_releases_are_compared_alone(live: Page) -> None:
    compare = picker(live, "Compare")
    pairs = compare.locator("option").all_text_contents()
    assert len(pairs) == 4, "all deploys, and the three pairs of four releases"
    expect(seen(live, "changes").locator("h3").first).to_contain_text("against", timeout=PATIENCE)
    compare.select_option(index=2)
    before, after = (name.strip() for name in pairs[2].split("→"))
    expect(seen(live, "changes").locator("> p").first).to_contain_text(after, timeout=PATIENCE)
    expect(live.locator(".bs-changes")).not_to_contain_text(f"with {before}")


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("BLINDSPOT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
