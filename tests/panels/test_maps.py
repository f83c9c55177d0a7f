"""The page of source maps over the sample: what it says, what it shows of a frame, hostile names in it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import polars as pl
import pytest

import workbench as wb
from tests.panels.test_markup import Read
from tests.panels.test_panels import ELEMENTS, poisoned
from tests.test_artifacts import Site
from workbench.charts.verdicts import verdicts_chart
from workbench.panels.maps import SourceMapsPage
from workbench.panels.maps.frame import Frames, FrameView

SAMPLE = Path(__file__).parents[2] / "sample-data"


@pytest.fixture(scope="module")
def page() -> SourceMapsPage:
    return SourceMapsPage(wb.open_case(SAMPLE))


def text(html: object) -> str:
    return " ".join(Read(html).text.split())


def test_the_headline_is_the_hotfix(page: SourceMapsPage) -> None:
    said = text(page.headline.html())
    assert "of release 97f55d6 cannot be read: its source maps were never uploaded" in said
    assert "17 of them are not noise" in said


def test_verdicts_are_drawn_release_by_release(page: SourceMapsPage) -> None:
    said = text(page.verdicts.html())
    for part in ("97f55d6", "688 no map", "486 mapped", "3,817 of 4,505 frames"):
        assert part in said


def test_a_report_shows_the_worst_frame_and_the_most_frequent_one(page: SourceMapsPage) -> None:
    worst, best = page.frames.compute(**page.frames.params)
    assert (worst.status, worst.place) == ("no_artifact", None)
    assert best.status == "mapped"
    hit = best.lines.filter("is_hit")["text"][0]
    html = str(page.frames.html())
    marked = html.partition('<b class="bs-column">')[2].partition("</b>")[0]
    assert hit[best.column - 1 :].startswith(marked)
    assert len(marked) > 1
    assert best.steps["step"].to_list()[-1] == "verdict"
    assert "second reader" in best.steps["step"].to_list()


def test_each_frame_of_the_picker_can_be_looked_at(page: SourceMapsPage) -> None:
    picker = page.frames.controls()["frame"]
    keys = [key for _, key in picker.options if key is not None]
    assert len(keys) == len(set(keys)) > 10
    for key in (keys[0], keys[-1]):
        [view] = page.frames.compute(frame=key)
        assert view.steps.height >= 4


def test_a_column_behind_letters_beyond_16_bits_is_marked() -> None:
    lines = pl.DataFrame({"line": [1], "text": ["  '🛒🛒', total.amount"], "is_hit": [True]})
    steps = pl.DataFrame(schema={"step": pl.String, "said": pl.String, "fine": pl.Boolean})
    view = FrameView("a.js:1:1", "mapped", "1f2e3d4", 1, 1, steps, "a.ts:1:17", lines=lines, column=17)
    assert '<b class="bs-column">amount</b>' in Frames([view]).html()


def test_hostile_text_in_a_frame_stays_text(page: SourceMapsPage) -> None:
    views = [dataclasses.replace(view, column=3) for view in page.frames.compute()]
    read = Read(Frames(poisoned(views)).html())
    assert set(read.elements) <= ELEMENTS
    assert not {name for name, _ in read.attributes if name.startswith("on") or name in ("srcdoc", "style", "src")}


def test_maps_of_another_store_are_typed_in(page: SourceMapsPage, tmp_path: Path) -> None:
    assert "Nothing changed" in text(page.again.html())
    assert page.again.controls()["maps"].value == ""
    (tmp_path / "maps").mkdir()
    view = page.again.compute(maps=str(tmp_path / "maps"))
    assert view.finding.startswith("Nothing changed")


def test_a_site_that_gives_maps_away(tmp_path: Path) -> None:
    """Its bundles are of one release; those of the others are gone."""
    case = wb.open_case(SAMPLE, release="bd8d951")
    urls = case.frames.filter(pl.col("map_location").is_not_null())["url"].cast(pl.String).unique()
    names = sorted(url.rpartition("/")[2] for url in urls)
    (tmp_path / "assets").mkdir()
    for name in names[1:]:
        (tmp_path / "assets" / name).write_text("total()")
    (tmp_path / "assets" / names[1]).write_text("total()\n//# sourceMappingURL=secret.map")
    location = next((SAMPLE / "releases").rglob("*.map"))
    shutil.copy(location, tmp_path / "assets" / f"{names[2]}.map")
    site = Site(tmp_path)
    try:
        said = text(SourceMapsPage(case, site=site.address).given_away.html())
    finally:
        site.server.shutdown()
        site.server.server_close()
    assert f"2 of {len(names) - 1} bundles that the site serves lead everybody to their map" in said
    assert "comment (secret.map)" in said
    assert "its address with .map answers" in said
    assert "1 bundle could not be had" in said


def test_without_a_site_it_says_how_to_ask_one(page: SourceMapsPage) -> None:
    assert "give this report the parameter site" in text(page.given_away.html())


def test_nothing_to_draw() -> None:
    none = pl.DataFrame(schema={"release": pl.String, "map_status": pl.String, "frames": pl.Int64})
    assert verdicts_chart(none) == "No event of this window has a stack."
