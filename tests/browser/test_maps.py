"""Source maps as their reader meets them: the report opened from disk, the frame panel live in the lab."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_lab import PATIENCE, RUN_ALL, lab
from tests.browser.test_offline import scroll_through
from workbench.reports.run import Made, run_report

__all__ = ["lab"]
pytestmark = [pytest.mark.chromium, pytest.mark.xdist_group("lab")]
ROOT = Path(__file__).parents[2]
BROKEN = "bd8d9518049a0893d11b47a4134858b506bb5de9"  # release B
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample without the maps of release B, which lie in a folder beside it."""
    root = tmp_path_factory.mktemp("blind")
    shutil.copytree(ROOT / "sample-data", root / "shop", ignore=shutil.ignore_patterns("capture", "truth*", "lab"))
    (root / "turned-up").mkdir()
    shutil.move(root / "shop" / "releases" / BROKEN, root / "turned-up" / BROKEN)
    return root


@pytest.fixture(scope="module")
def made(blind: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    given = {"source": str(blind / "shop"), "maps": str(blind / "turned-up")}
    return run_report("source_maps", given, tmp_path_factory.mktemp("maps") / "maps.html", progress=False)


def test_the_report_says_whose_stacks_cannot_be_read(made: Made, open_page: Open) -> None:
    assert made.bytes < 2_000_000
    assert re.fullmatch(
        r"\d+ errors of release bd8d951 cannot be read: its source maps were never uploaded", made.title
    )
    watched = open_page(made.html)
    page = watched.page
    scroll_through(page)
    expect(page.locator(".bs-verdicts .bs-chart[data-live]")).to_have_count(1, timeout=PATIENCE)
    page.locator(".bs-verdicts .bs-chart[data-live] svg").hover(position={"x": 200, "y": 8})
    expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("frames")
    expect(page.locator(".bs-frames .bs-card")).to_have_count(2)
    expect(page.locator(".bs-frames .bs-card").first).to_contain_text("no artifact")
    expect(page.locator(".bs-frames .bs-column")).to_have_count(1)
    expect(page.locator(".bs-again")).to_contain_text("old events have their source now")
    overflowing = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(overflowing) is False
    assert watched.requests == []
    assert watched.errors == []


@pytest.fixture
def live(lab: str, blind: Path, browser: Browser) -> Iterator[Page]:
    notebook = nbformat.read(ROOT / "notebooks" / "source_maps.ipynb", as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    parameters.source = parameters.source.replace('"sample-data"', json.dumps(str(blind / "shop")))
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    asked = Request(f"{lab}/api/contents/maps.ipynb", body, {"Content-Type": "application/json"}, method="PUT")
    urlopen(asked, timeout=20).close()
    context = browser.new_context(viewport={"width": 1400, "height": 2400})
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{lab}/lab/workspaces/maps/tree/maps.ipynb?reset", wait_until="commit")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    yield page
    context.close()


def test_in_the_lab_a_frame_is_picked_and_maps_turn_up(live: Page, blind: Path) -> None:
    cards = live.locator(".bs-frames .bs-card")
    expect(cards).to_have_count(2, timeout=PATIENCE)
    picker = live.locator(".bs-frame-picker select")
    labels = [text.replace("\xa0", " ") for text in picker.locator("option").all_inner_texts()]
    mapped = next(label for label in labels if "mapped" in label and "a0b6e8a" in label)
    picker.select_option(label=mapped)
    expect(cards).to_have_count(1, timeout=PATIENCE)
    place = re.search(r"· ([\w.]+:\d+) ·", mapped)
    assert place is not None
    expect(cards.locator("h3")).to_contain_text(place[1])
    expect(cards.locator("pre .hit i")).to_have_text(place[1].partition(":")[2])
    expect(cards.locator(".bs-column")).to_have_count(1)

    again = live.locator(".bs-again")
    expect(again).to_contain_text("Nothing changed: no map has turned up since", timeout=PATIENCE)
    field = live.get_by_placeholder("a folder, a zip, s3://bucket/prefix; empty: the source's own, listed anew")
    field.fill(str(blind / "turned-up"))
    field.press("Enter")
    expect(again).to_contain_text("old events have their source now", timeout=PATIENCE)
    field.fill(str(blind / "nowhere"))
    field.press("Enter")
    expect(live.locator(".bs-fault")).to_contain_text("there is no folder at", timeout=PATIENCE)
    if folder := os.environ.get("BLINDSPOT_SHOTS"):
        live.screenshot(path=f"{folder}/lab-maps.png")
