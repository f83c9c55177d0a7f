"""The grouping lab in a real JupyterLab: a rule is typed, shapes are labelled, the kernel is started anew."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_lab import PATIENCE, RUN_ALL, lab
from workbench.reports.run import Made, run_report

__all__ = ["lab"]
pytestmark = [pytest.mark.chromium, pytest.mark.xdist_group("lab")]
ROOT = Path(__file__).parents[2]
SLOWLY = 180_000  # ms: a kernel starts and prepares a case
RESTART = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.sessionContext.session.kernel.restart();
    await panel.sessionContext.session.kernel.info;
    await window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's raw envelopes and maps in a folder of their own, so that labels may be put beside it."""
    folder = tmp_path_factory.mktemp("source") / "shop"
    shutil.copytree(ROOT / "sample-data", folder)
    return folder


@pytest.fixture(scope="module")
def live(lab: str, browser: Browser, source: Path) -> Iterator[Page]:
    notebook = nbformat.read(ROOT / "notebooks" / "grouping_lab.ipynb", as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += f"\nsource = {os.fspath(source)!r}"
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    asked = Request(f"{lab}/api/contents/grouping.ipynb", body, {"Content-Type": "application/json"}, method="PUT")
    urlopen(asked, timeout=20).close()
    context = browser.new_context(viewport={"width": 1400, "height": 2200})
    page = context.new_page()
    page.set_default_timeout(SLOWLY)
    page.goto(f"{lab}/lab/workspaces/grouping/tree/grouping.ipynb?reset", wait_until="commit")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    expect(section(page, "labels")).to_be_visible(timeout=SLOWLY)
    yield page
    context.close()


def section(page: Page, name: str) -> Locator:
    return page.locator(f"section.bs-{name}").first


def rules(page: Page) -> Locator:
    return page.locator(".bs-lab-rules textarea").first


def test_a_typed_rule_changes_the_table_and_the_scores(live: Page) -> None:
    expect(section(live, "changes")).to_contain_text("No change from rules in force to edited rules", timeout=SLOWLY)
    # The kernel begins with "t" about when the next key comes, and on another thread.
    rules(live).press_sequentially("t")
    live.wait_for_timeout(360)
    rules(live).press_sequentially("yp:TypeError -> everything")
    expect(section(live, "editor")).to_contain_text("rules 1:1", timeout=PATIENCE)
    expect(section(live, "editor")).to_contain_text("no matcher typ; there are:", timeout=PATIENCE)
    expect(rules(live)).to_have_value("typ:TypeError -> everything")
    expect(section(live, "changes")).to_contain_text("No change", timeout=PATIENCE)

    rules(live).fill("type:TypeError -> everything")
    expect(section(live, "editor")).to_contain_text("1 rule", timeout=PATIENCE)
    row = section(live, "changes").locator("tbody tr")
    expect(row).to_have_count(1, timeout=PATIENCE)
    expect(row).to_contain_text("merged")
    expect(row).to_contain_text("TypeError: Cannot read properties of undefined")
    scored = section(live, "scores").locator("tr", has_text="edited rules").first
    # All errors that are no noise are TypeErrors: put into one, they agree with the old issues in recall alone.
    expect(scored.locator("td").nth(2)).to_have_text("1.000", timeout=PATIENCE)
    assert float(scored.locator("td").nth(1).inner_text()) < 0.5


def test_a_label_is_on_the_disk_and_survives_a_restart_of_the_kernel(live: Page, source: Path) -> None:
    picker = live.locator(".bs-lab-labels select")
    expect(picker.locator("option").first).to_contain_text("TypeError", timeout=PATIENCE)
    live.get_by_placeholder("discount missing").fill("discount missing")
    live.get_by_placeholder("words of a message").fill("amount")
    expect(picker.locator("option", has_text="currency")).to_have_count(0, timeout=PATIENCE)
    live.get_by_role("button", name="Pick all listed").click()
    n = picker.locator("option").count()
    expect(picker.locator("option:checked")).to_have_count(n, timeout=PATIENCE)
    live.get_by_role("button", name="Name the bug").click()
    labels = section(live, "labels")
    expect(labels).to_contain_text("discount missing", timeout=PATIENCE)
    expect(section(live, "scores")).to_contain_text(f"Against labels: {n} shapes, 1 bug beside noise", timeout=PATIENCE)
    kept = source.with_name("shop.labels.jsonl")
    assert json.loads(kept.read_text())["bug"] == "discount missing"

    if folder := os.environ.get("BLINDSPOT_SHOTS"):
        live.locator(".bs-lab-editor").scroll_into_view_if_needed()
        live.screenshot(path=f"{folder}/grouping-lab.png")
        live.locator(".bs-lab-labels").scroll_into_view_if_needed()
        live.screenshot(path=f"{folder}/grouping-lab-labels.png")

    live.evaluate(RESTART)
    expect(section(live, "changes")).to_contain_text("No change", timeout=SLOWLY)  # the typed rule went with the kernel
    expect(section(live, "labels")).to_contain_text("discount missing", timeout=SLOWLY)
    expect(section(live, "scores")).to_contain_text(f"Against labels: {n} shapes", timeout=SLOWLY)


def test_one_click_puts_a_suggested_rule_into_the_editor(live: Page) -> None:
    live.get_by_role("button", name="Suggest rules").click()
    put = live.get_by_role("button", name="Put into the editor").first
    expect(put).to_be_visible(timeout=SLOWLY)
    put.click()
    expect(rules(live)).to_have_value(re.compile(r"->"), timeout=PATIENCE)
    expect(section(live, "changes").locator("tbody tr").first).to_contain_text("merged", timeout=PATIENCE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Made:
    folder = tmp_path_factory.mktemp("grouping")
    (folder / "shop.rules").write_text("type:TypeError -> everything\n")
    given = {"source": os.fspath(source), "rules": os.fspath(folder / "shop.rules")}
    return run_report("grouping_lab", given, folder / "grouping.html", progress=False)


def test_papermill_makes_the_same_notebook_the_nightly_report(made: Made, open_page) -> None:
    watched = open_page(made.html)
    page = watched.page
    expect(page.locator("section.bs-changes")).to_contain_text("merged")
    expect(page.locator("section.bs-editor")).to_contain_text("type:TypeError -> everything")
    expect(page.locator("section.bs-explain")).to_contain_text("rule in line 1")
    assert page.locator("textarea, button").count() == 0
    assert watched.requests == []
    assert watched.errors == []
    if folder := os.environ.get("BLINDSPOT_SHOTS"):
        page.screenshot(path=f"{folder}/grouping-report.png", full_page=True)
