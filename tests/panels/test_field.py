"""The vitals report: what it says of invented weeks, what it says when there is nothing, and whom it never believes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.exceptions import ParameterError
from tests.panels.field_store import Vitals
from tests.panels.test_markup import Read
from tests.panels.test_panels import ELEMENTS, EVIL
from workbench.panels.field import Field
from workbench.panels.section import Picture, Rows, Section, SectionView

SECTIONS = ("header", "headline", "completeness", "state", "changes", "pages", "trend", "spread", "common", "behind",
            "lab", "aside", "ledger")  # fmt: skip


@pytest.fixture(scope="module")
def page() -> Field:
    return Field(Vitals(odd=[None, float("nan"), -5.0, 0.0, 2.4, 4_000_000.0]))


def said(panel: Any) -> str:
    """The panel's text, without its charts' specifications."""
    html = re.sub(r"<script.*?</script>", "", str(panel.html()), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_worst_change_is_the_headline_and_its_metric_is_looked_at(page: Field) -> None:
    assert "INP got worse with release aaaaaaa" not in said(page.headline)
    assert re.search(r"INP got worse with release\s+b", said(page.headline))
    assert page.header.selection["metric"] == "INP"
    changes = said(page.changes)
    assert "INP on mobile" in changes
    assert "regression" in changes


def test_every_section_begins_with_a_sentence_and_ends_with_its_method(page: Field) -> None:
    for name in ("state", "changes", "pages", "trend", "spread", "common", "behind", "lab", "aside"):
        view = getattr(page, name).compute(**getattr(page, name).params)
        assert view.finding[0].isupper() or view.finding[0].isdigit(), name
        assert view.finding.endswith("."), name
        assert view.method.endswith("."), name


def test_each_odd_value_is_told_with_its_reason(page: Field) -> None:
    aside = said(page.aside)
    assert "6 of 6,006 values do not count." in aside
    for reason in ("null", "not a number", "negative", "zero", "wrong unit", "absurd"):
        assert re.search(rf"LCP {reason} 1 ", aside), reason
    assert "6 values do not count: LCP 1 absurd, 1 negative" in said(page.ledger)
    assert "6 values set aside" in said(page.headline)


def test_the_far_region_is_what_slow_page_views_share_and_the_lab_does_not_see(page: Field) -> None:
    page.header.select(metric="LCP")
    assert "region eu" in said(page.common)
    lab = said(page.lab)
    assert "users in eu see" in lab
    assert "One page has no lab run: /cart" in lab.replace("  ", " ").replace(" .", ".")
    page.header.select(metric="INP")
    assert "The lab has no users, hence no INP" in said(page.lab)


def test_the_element_and_the_quick_fix_are_named(page: Field) -> None:
    behind = said(page.behind)
    assert "#buy" in behind
    assert "processing duration" in behind
    assert "do the visible part first" in behind


def test_pickers_drive_every_section_and_devices_are_mixed_only_when_asked(page: Field) -> None:
    assert "INP, mobile" in said(page.spread)
    assert "INP, desktop" in said(page.spread)
    page.header.select(device="mobile", route="/cart")
    assert "INP, desktop" not in said(page.spread)
    assert "/cart" in said(page.pages)
    assert "on /cart" in re.sub(r"\s+", " ", said(page.changes) + said(page.common))
    page.header.select(device="mixed", route=None)
    assert "all devices" in said(page.state)
    assert "mobile" not in said(page.pages)
    page.header.select(device=None)
    with pytest.raises(TypeError, match="there is no picker colour; there are: metric, device"):
        page.header.select(colour="red")


def test_a_picker_shows_what_is_chosen_and_all_is_shown_as_such(page: Field) -> None:
    page.header.select(metric="INP", device=None)
    pickers = {picker.description: picker for picker in page.header.widget().children}
    assert (pickers["Metric"].label, pickers["Device"].label) == ("INP", "each apart")
    pickers["Device"].value = "mobile"
    assert page.header.selection["device"] == "mobile"
    pickers["Device"].value = ""
    assert (page.header.selection["device"], pickers["Device"].label) == (None, "each apart")
    assert "Browser" in pickers, "all, and the one there is"


def test_two_windows_can_be_compared(page: Field) -> None:
    windows = Field(Vitals(), before="2026-03-02/2026-03-09", after="2026-03-09/2026-03-16")
    changes = said(windows.changes)
    assert "9 Mar – 16 Mar" in changes
    assert "INP on mobile" in changes
    assert list(windows.header.shown.options["compare"])[1][0] == "2 Mar – 9 Mar → 9 Mar – 16 Mar"
    one = Field(Vitals(), after="bb")
    assert one.look(**one.header.selection).comparison.pairs[0].names == ("a" * 40, "b" * 40)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"device": "watch"}, "no page view has device 'watch'; there are: mobile, desktop"),
        ({"route": "/nowhere"}, "no page view has route '/nowhere'; there are: /, /cart"),
        ({"metric": "FID"}, "no page view sent FID; there are: CLS, FCP, INP, LCP, TTFB"),
        ({"release": "c0ffee"}, "release: no release begins with c0ffee; there are: a"),
        ({"before": "b"}, "after is needed as well: no release is known to be live after the other"),
        ({"before": "a", "after": "2026-03-09/2026-03-16"}, "before and after are a release and a window"),
        ({"before": "2026-03-09/soon", "after": "b"}, "before: '2026-03-09/soon' is no release and no window"),
        ({"before": "2026-03-09/2026-03-02", "after": "b"}, "before: the window 2026-03-09/2026-03-02 ends before"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(asked: dict[str, str], answer: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(answer)):
        Field(Vitals(views=60), **asked)


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (Vitals(views=1, lab=False), "too few for a p75 (30 are needed)"),
        (Vitals(routes=("/only",), lab=False), "INP got worse"),
        (Vitals(routes=tuple(f"/shop/{i:03d}/:id" for i in range(200)), views=3000), "with fewer page views"),
        (Vitals(routes=("/very/long/" + "name-of-a-category/" * 12, "/b")), "/very/long/name-of-a-ca"),
    ],
    ids=["one page view", "one route", "200 routes", "a very long name"],
)
def test_any_number_of_pages_has_a_report(store: Vitals, expected: str) -> None:
    page = Field(store)
    whole = " ".join(said(getattr(page, name)) for name in SECTIONS)
    assert expected in whole
    assert "None" not in re.sub(r"None of \d", "", whole)
    assert "nan" not in whole


def test_without_vitals_every_section_says_so() -> None:
    page = Field(Vitals(), start="2027-01-01", end="2027-01-02")
    assert "No vital was measured" in said(page.headline)
    assert "no vitals for this window (2027-01-01 00:00 UTC" in said(page.headline)
    for name in SECTIONS:
        assert said(getattr(page, name)).strip(), name


def test_hostile_names_stay_text() -> None:
    page = Field(Vitals(routes=(EVIL, "/b"), region=EVIL, target=EVIL, releases_=(EVIL, f"{EVIL}2")))
    for name in SECTIONS:
        read = Read(getattr(page, name).html())
        assert set(read.elements) <= ELEMENTS | {"caption"}, name
        assert not {key for key, _ in read.attributes if key.startswith("on") or key in ("srcdoc", "style")}, name


def test_a_table_without_rows_says_what_was_looked_for() -> None:
    view = SectionView("Nothing `here`.", [Rows(["A"], [], empty="No rows."), Picture("No chart.")], "How.", ["Doubt."])
    text = said(Section("demo", view))
    assert text.split(". ") == [" Nothing here ", " Doubt", " No rows", " No chart", " How", ""] or "No rows." in text
    assert '<section class="bs bs-demo">' in Section("demo", view).html()
