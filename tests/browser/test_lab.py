"""The same panels in a real JupyterLab: live, with a header whose pickers change the others."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.chromium
PATIENCE = 60_000  # ms: a kernel computes and draws anew, on a machine that may be busy
ROOT = Path(__file__).parents[2]
CELLS = (
    "from tests.panels import views\nfrom workbench import panels",
    "header = panels.Header(views.HEADER)\nheader",
    "panels.Funnel(views.funnel_of, header=header)",
    "panels.Bug(views.cards, header=header)",
    "import ipywidgets\n"
    "from tests.panels.recordings import checkout_goes_blank\n"
    "replay = panels.Replay.of(checkout_goes_blank(), at=3100)\n"
    "stands = ipywidgets.Label()\n"
    "ipywidgets.dlink((replay, 'current_ms'), (stands, 'value'), str)\n"
    "header.on_change(lambda: setattr(replay, 'at', 1000))\n"
    "ipywidgets.VBox([replay, stands])",
)
RUN_ALL = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    let notebook;
    for (let i = 0; i < 400; i++) {
        notebook = app.shell.currentWidget;
        if (notebook?.context && notebook.content?.model) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const within = (promise, what) => Promise.race([
        promise, new Promise((_, reject) => setTimeout(() => reject(new Error(`${what} took too long`)), 120000)),
    ]);
    await within(notebook.context.ready, "reading the notebook");
    await within(notebook.sessionContext.ready, "starting the session");
    await within(notebook.sessionContext.session.kernel.info, "starting the kernel");
    await within(app.commands.execute("notebook:run-all-cells"), "running the cells");
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab with one notebook in it; gives its address."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(source) for source in CELLS]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--ServerApp.disable_check_xsrf=True",
    ]  # fmt: skip
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "BLINDSPOT_STATIC": "0", "JUPYTER_PREFER_ENV_PATH": "1"}
    settings |= {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "spaces"),
    }
    with (folder / "lab.log").open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=settings, cwd=folder, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status", started, folder / "lab.log")
        yield address
    finally:
        started.terminate()
        started.wait(20)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            urlopen(address, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the lab did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def notebook(lab: str, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{lab}/lab/workspaces/test/tree/live.ipynb?reset", wait_until="commit")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.evaluate(RUN_ALL)
    yield page
    context.close()


def test_the_header_drives_the_panels(lab: str, notebook: Page) -> None:
    asked: list[str] = []
    own = (lab, lab.replace("http", "ws"), "data:", "blob:")
    notebook.on("request", lambda request: None if request.url.startswith(own) else asked.append(request.url))
    expect(notebook.locator(".bs-card")).to_have_count(2, timeout=120_000)
    release, _, bug = notebook.locator(".bs-pickers select").all()

    bug.select_option(label="B2 · Hydration crash, blank page after login")
    expect(notebook.locator(".bs-card")).to_have_count(1, timeout=PATIENCE)
    expect(notebook.locator(".bs-card header")).to_contain_text("Hydration crash", timeout=PATIENCE)
    bug.select_option(label="B1 · discount missing after GET /api/cart")
    expect(notebook.locator(".bs-card header")).to_contain_text("discount", timeout=PATIENCE)

    funnel = notebook.locator(".bs-funnel .bs-chart")
    expect(funnel).to_contain_text("9,871 raw errors", timeout=PATIENCE)
    release.select_option(label="7f3c2e1")
    expect(funnel).to_contain_text("4,935 raw errors", timeout=PATIENCE)

    notebook.locator(".bs-card .bs-replay").scroll_into_view_if_needed()
    notebook.wait_for_selector(".bs-replay[data-state=ready]")
    notebook.wait_for_selector(".bs-chart[data-live]")
    assert asked == []


def test_the_kernel_knows_where_a_replay_stands_and_can_move_it(notebook: Page) -> None:
    widget = notebook.locator(".jp-OutputArea-output .widget-vbox:has(.bs-replay):has(.widget-label)").last
    widget.scroll_into_view_if_needed()
    label = widget.locator(".widget-label")
    expect(label).to_have_text(re.compile("3100|1000"), timeout=PATIENCE)
    release = notebook.locator(".bs-pickers select").first
    release.select_option(index=1)
    expect(label).to_have_text("1000", timeout=PATIENCE)


def test_the_panels_follow_a_dark_lab(notebook: Page) -> None:
    ink = notebook.locator(".bs-funnel .bs-chart[data-live] svg text[fill='#1b1f24']").first
    expect(ink).to_have_css("fill", "rgb(27, 31, 36)", timeout=PATIENCE)
    notebook.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    notebook.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    expect(ink).to_have_css("fill", "rgb(232, 234, 237)", timeout=PATIENCE)
    notebook.locator(".bs-replay").first.scroll_into_view_if_needed()
    notebook.wait_for_selector(".bs-replay[data-state=ready]")
    player = next(frame for frame in notebook.frames if frame.url.startswith("data:text/html"))
    expect(player.locator("html")).to_have_attribute("data-theme", "dark")
    if folder := os.environ.get("BLINDSPOT_SHOTS"):
        notebook.screenshot(path=f"{folder}/lab-dark.png")
