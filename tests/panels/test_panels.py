from __future__ import annotations

import dataclasses
from typing import Any

import ipywidgets
import polars as pl
import pytest

from connectors.exceptions import SourceNotFound
from connectors.stores import FetchReport, Refused
from tests.panels import views
from tests.panels.test_markup import Read
from workbench import panels
from workbench.panels.base import Panel

EVIL = "\"'><img src=x onerror=top.t=1><script>top.t=2</script>`<svg onload=top.t=3>`"
ELEMENTS = {
    "a", "abbr", "article", "b", "code", "dd", "details", "div", "dl", "dt", "h1", "h3", "h4", "header", "i", "li",
    "ol", "p", "pre", "section", "span", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
    "svg", "g", "path", "rect", "text", "tspan", "line", "clippath", "defs", "script",
}  # fmt: skip


def poisoned(value: Any) -> Any:
    """The same view with the hostile text in every place that holds text."""
    if isinstance(value, str):
        return EVIL
    if isinstance(value, pl.DataFrame):
        keep = {"metric", "kind", "severity", "side", "status", "span_id", "parent_span_id"}
        return value.with_columns(
            pl.lit(EVIL).alias(name) for name, kind in value.schema.items() if kind == pl.String and name not in keep
        )
    if isinstance(value, FetchReport):
        return dataclasses.replace(value, source=EVIL, query=EVIL, note=EVIL, refused=(Refused(EVIL, EVIL),))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value, **{f.name: poisoned(getattr(value, f.name)) for f in dataclasses.fields(value)}
        )
    if isinstance(value, tuple | list):
        return type(value)(poisoned(part) for part in value)
    return value


@pytest.mark.parametrize("panel", views.all_panels(), ids=lambda panel: type(panel).__name__)
def test_hostile_text_in_every_field_stays_text(panel: Panel[Any]) -> None:
    view = panel.view
    panel = panels.Header(poisoned(view)) if isinstance(panel, panels.Header) else type(panel)(poisoned(view))
    if isinstance(panel, panels.Header):
        panel.select(environment=EVIL, release=EVIL)
    read = Read(panel.html())
    assert set(read.elements) <= ELEMENTS
    names = {name for name, _ in read.attributes}
    assert not {name for name in names if name.startswith("on") or name in ("srcdoc", "style")}
    assert {value for name, value in read.attributes if name in ("src", "href")} <= {"#ledger", f"#{EVIL}"}


@pytest.mark.parametrize("panel", views.all_panels(), ids=lambda panel: type(panel).__name__)
def test_in_a_report_a_panel_is_still_html(panel: Panel[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSPOT_STATIC", "1")
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/html"] == str(panel.html())


@pytest.mark.parametrize("panel", views.all_panels(), ids=lambda panel: type(panel).__name__)
def test_in_the_lab_a_panel_is_a_widget(panel: Panel[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLINDSPOT_STATIC", raising=False)
    bundle = panel._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_panel_follows_what_its_function_asks_for() -> None:
    header = panels.Header(views.HEADER)
    asked = []

    def view(bug: str | None, release: str | None) -> panels.HeadlineView:
        asked.append((bug, release))
        return panels.HeadlineView(f"bug {bug}", "")

    live = panels.Headline(view, header=header).widget()
    header.select(bug="B2")
    header.select(bug="B2")
    assert asked == [(None, None), ("B2", None)]
    assert "bug B2" in live.html


def test_an_error_raised_on_purpose_is_shown_in_place_of_the_panel() -> None:
    header = panels.Header(views.HEADER)

    def view(bug: str | None) -> panels.HeadlineView:
        if bug:
            raise SourceNotFound("nothing <there>")
        return panels.HeadlineView("fine", "")

    live = panels.Headline(view, header=header).widget()
    header.select(bug="B1")
    assert "nothing &lt;there&gt;" in live.html
    header.select(bug=None)
    assert "fine" in live.html


def test_a_mistake_in_a_view_is_not_swallowed() -> None:
    header = panels.Header(views.HEADER)
    panels.Headline(lambda bug: panels.HeadlineView(bug.titel if bug else "", ""), header=header).widget()
    with pytest.raises(AttributeError):
        header.select(bug="B1")


def test_a_header_knows_what_it_can_be_asked_for() -> None:
    with pytest.raises(TypeError, match="there is no picker bugs; there are: start, end, release, environment, bug"):
        panels.Header(views.HEADER).select(bugs="B1")


def test_pickers_choose_and_the_window_keeps_its_ends() -> None:
    header = panels.Header(views.HEADER)
    window, release, _, bug = header.widget().children
    assert isinstance(window, ipywidgets.SelectionRangeSlider)
    assert window.value == (views.START, views.END)
    release.value = views.B
    bug.value = "B2"
    window.value = (window.options[1][1], window.options[-2][1])
    chosen = header.selection
    assert (chosen["release"], chosen["bug"]) == (views.B, "B2")
    assert views.START < chosen["start"] < chosen["end"] < views.END


def test_nothing_found_is_said_in_words() -> None:
    empty = panels.BugsTable(panels.BugsView(views.BUGS.bugs.clear()))
    assert "No bug hit anybody" in Read(empty.html()).text
    assert "No bug hit anybody" in Read(panels.Bug([]).html()).text
    assert "No error was noise" in Read(panels.NoiseTable(panels.NoiseView(views.NOISE.noise.clear(), 0)).html()).text
    assert "Complete evidence" in Read(panels.Completeness(panels.CompletenessView()).html()).text


def test_the_hit_line_is_marked_and_what_all_lines_are_indented_by_is_taken_off() -> None:
    html = panels.Bug(views.bug_view()).html()
    hit = html.split('<span class="hit">')[1].split("</span>")[0]
    assert hit == "<i>11</i>  return money(cart.sum - cart.discount.amount);\n"


def test_the_ledger_says_what_failed_what_was_cut_and_what_was_set_aside() -> None:
    text = Read(panels.Ledger(views.LEDGER).html()).text
    for said in ("failed", "truncated", "all but 1", "sampled", "000417.envelope: ends in the middle of an item"):
        assert said in text
