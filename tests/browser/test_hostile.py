"""A hostile recording, and a hostile text, in a report whose network is open: neither reaches the server or the page.

The server is real and runs on this machine; the first test shows that a page from disk can reach it at all, so that
"nobody asked" is an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.browser.conftest import Server, Watched
from tests.panels.gallery import gallery
from tests.panels.recordings import hostile
from tests.panels.views import replay_view
from workbench import panels

pytestmark = pytest.mark.chromium
Open = Callable[..., Watched]


def test_the_server_can_be_reached_from_a_page_on_disk(tmp_path: Path, server: Server, open_page: Open) -> None:
    file = tmp_path / "open.html"
    file.write_text(f'<img src="{server.address}/control.png">', encoding="utf-8")
    open_page(file, offline=False).page.wait_for_timeout(500)
    assert server.asked == ["/control.png"]


def test_a_hostile_recording_fetches_nothing_and_touches_nothing(
    tmp_path: Path, server: Server, open_page: Open
) -> None:
    events = hostile(server.address)
    assert json.dumps(events).count(server.address) > 20
    file = tmp_path / "report.html"
    file.write_text(gallery(panels.ReplayView(panels.pack(events), 500)), encoding="utf-8")
    watched = open_page(file, offline=False)
    page = watched.page
    page.locator(".bs-replay").first.scroll_into_view_if_needed()
    page.wait_for_selector(".bs-replay[data-state=ready]")
    frame = next(frame for frame in page.frames if frame.url.startswith("data:text/html"))
    assert "hostile page" in frame.child_frames[0].locator("body").inner_text()
    frame.get_by_role("button", name="Play").click()
    page.wait_for_function("Number(document.querySelector('.bs-replay').dataset.time) >= 2000")
    page.wait_for_timeout(500)
    assert server.asked == []
    assert watched.requests == []
    assert watched.errors == []
    assert page.evaluate("window.__touched") is None
    assert [frame.evaluate("window.__touched"), len(page.frames)] == [
        None,
        5,
    ]  # page, player, recording, its two iframes


def test_the_policy_alone_holds_when_the_recording_is_not_cleaned(
    tmp_path: Path, server: Server, open_page: Open
) -> None:
    """Second wall: with the cleaning of recordings cut out of the player, nothing is fetched either ."""
    from workbench.panels.assets import built
    from workbench.reports import exporter

    assert "default-src 'none'" in built("frame.html")
    assert "default-src 'none'" in exporter.policy()
    frame = tmp_path / "frame.html"
    images = "".join(f'<img src="{server.address}/{i}.png">' for i in range(3))
    frame.write_text(
        built("frame.html").replace("<body>", f"<body>{images}<link rel=stylesheet href={server.address}/s.css>")
    )
    open_page(frame, offline=False).page.wait_for_timeout(500)
    assert server.asked == []


def test_a_script_in_the_page_does_not_run_even_if_escaping_failed(
    tmp_path: Path, server: Server, open_page: Open
) -> None:
    evil = (
        f"<script>window.__touched=1;fetch('{server.address}/fetch')</script>"
        f"<img src='{server.address}/img' onerror='window.__touched=2'><iframe src='{server.address}/iframe'></iframe>"
        "<svg onload='window.__touched=3'></svg><form action='javascript:window.__touched=4'></form>"
    )
    file = tmp_path / "report.html"
    file.write_text(gallery().replace("<footer>", f"{evil}<footer>"), encoding="utf-8")
    page = open_page(file, offline=False).page
    page.wait_for_timeout(800)
    assert page.evaluate("window.__touched") is None
    assert server.asked == []


def test_hostile_marks_are_text(tmp_path: Path, open_page: Open) -> None:
    mark = panels.Mark(3600, "error", "<img src=x onerror=top.__touched=1></script><script>top.__touched=2</script>")
    file = tmp_path / "report.html"
    file.write_text(gallery(replace(replay_view(), marks=(mark,))), encoding="utf-8")
    watched = open_page(file)
    watched.page.locator(".bs-replay").first.scroll_into_view_if_needed()
    watched.page.wait_for_selector(".bs-replay[data-state=ready]")
    frame = next(frame for frame in watched.page.frames if frame.url.startswith("data:text/html"))
    assert frame.locator(".marks span").inner_text() == mark.label
    assert watched.page.evaluate("window.__touched") is None
    assert watched.errors == []
