"""A report opened from disk with the network cut: nothing is asked for, charts react, the replay plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import Watched
from tests.panels.gallery import gallery

pytestmark = pytest.mark.chromium
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(gallery(), encoding="utf-8")
    return file


def player(page: Page) -> Frame:
    """The frame of the first replay, once it is ready."""
    page.locator(".bs-replay").first.scroll_into_view_if_needed()
    page.wait_for_selector(".bs-replay[data-state=ready]")
    return next(frame for frame in page.frames if frame.url.startswith("data:text/html"))


def recorded(frame: Frame) -> str:
    """The text of the page inside the recording, as a reader sees it."""
    return frame.child_frames[0].locator("body").inner_text()


def scroll_through(page: Page) -> None:
    height = page.evaluate("document.documentElement.scrollHeight")
    for y in range(0, height, 700):
        page.evaluate("y => scrollTo(0, y)", y)
        page.wait_for_timeout(150)


def test_nothing_is_asked_for_and_nothing_fails(report: Path, open_page: Open) -> None:
    watched = open_page(report)
    scroll_through(watched.page)
    watched.page.wait_for_selector(".bs-replay[data-state=ready]")
    n = watched.page.locator(".bs-chart").count()
    expect(watched.page.locator(".bs-chart[data-live]")).to_have_count(n)
    assert n == 6
    assert watched.requests == []
    assert watched.errors == []


def test_charts_tell_more_when_hovered(report: Path, open_page: Open) -> None:
    page = open_page(report).page
    chart = page.locator(".bs-funnel .bs-chart[data-live]")
    chart.locator("svg").hover(position={"x": 100, "y": 12})
    tooltip = page.locator("#vg-tooltip-element.visible")
    expect(tooltip).to_contain_text("raw errors")
    expect(tooltip).to_contain_text("9871")


def test_every_chart_can_be_seen_before_any_script_runs(report: Path, browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    expect(page.locator(".bs-chart-still svg")).to_have_count(6)
    expect(page.locator(".bs-funnel .bs-chart-still svg")).to_contain_text("9,871 raw errors")
    context.close()


def test_the_replay_opens_before_the_error_and_plays_into_the_blank_page(report: Path, open_page: Open) -> None:
    watched = open_page(report)
    frame = player(watched.page)
    replay = watched.page.locator(".bs-replay").first
    assert replay.get_attribute("data-time") == "3100"
    assert "Your cart" in recorded(frame)
    frame.get_by_role("button", name="Play").click()
    watched.page.wait_for_function("Number(document.querySelector('.bs-replay').dataset.time) > 4200")
    assert recorded(frame).strip() == ""
    assert watched.errors == []


def test_marks_are_buttons_that_go_there(report: Path, open_page: Open) -> None:
    page = open_page(report).page
    frame = player(page)
    marks = frame.get_by_role("list", name="Moments in the recording").get_by_role("button")
    names = [button.get_attribute("aria-label") or "" for button in marks.all()]
    assert [name.split(" ")[0] for name in names] == ["click", "request", "error"]
    marks.nth(2).click()
    page.wait_for_function("document.querySelector('.bs-replay').dataset.time === '3100'")
    assert "Your cart" in recorded(frame)
    assert frame.locator(".tick").count() == 3


def test_the_player_can_be_steered_by_keyboard(report: Path, open_page: Open) -> None:
    page = open_page(report).page
    frame = player(page)
    slider = frame.get_by_role("slider", name="Position in the recording")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('.bs-replay').dataset.time === '8000'")
    assert slider.get_attribute("aria-valuetext") == "0:08.0 of 0:08.0"
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(frame.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize("width", [1120, 400])
def test_nothing_is_wider_than_the_page(report: Path, open_page: Open, width: int) -> None:
    page = open_page(report, width=width).page
    scroll_through(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_text_of_a_chart_is_cut_or_laid_over_another(report: Path, open_page: Open) -> None:
    """Boxes of the texts of one chart neither leave it nor meet, except a text and its own halo."""
    page = open_page(report).page
    faults = page.evaluate(
        """() => [...document.querySelectorAll('.bs-chart')].flatMap(chart => {
            const outer = chart.getBoundingClientRect();
            const boxes = [...chart.querySelectorAll('svg text')].filter(t => t.textContent.trim()).map(t => [t.textContent, t.getBoundingClientRect()]);
            const out = boxes.filter(([, b]) => b.left < outer.left - 1 || b.right > outer.right + 1).map(([t]) => 'cut: ' + t);
            const over = boxes.flatMap(([t, a], i) => boxes.slice(i + 1).filter(([u, b]) => u !== t
              && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5).map(([u]) => `over: ${t} / ${u}`));
            return [...out, ...over];
        })"""  # noqa: E501
    )
    assert faults == []
