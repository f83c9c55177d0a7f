"""Maps that turn up after the incident: the hotfix of the sample, built anew from its sources, and a release hidden."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest

import workbench as wb
from connectors.disk import Disk
from connectors.sourcemaps.uploads import Given, put_maps
from tests.case.hotfix import build_hotfix
from workbench.artifacts import check_maps, upload_maps
from workbench.case import Case
from workbench.case.again import Again

SAMPLE = Path(__file__).parents[2] / "sample-data"


@pytest.fixture(scope="module")
def deploys() -> dict[str, str]:
    """Letter of the story -> SHA."""
    records = (json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines())
    return {one["letter"]: one["release"] for one in records if one["kind"] == "deploy"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sample's evidence in a folder that may be written to."""
    return shutil.copytree(SAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns("capture", "truth*", "lab"))


@pytest.fixture(scope="module")
def hotfix(case: Case, deploys: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was deployed as release C, with its maps."""
    mine = case.raw_frames.filter(pl.col("release") == deploys["C"]).select("url", "debug_id").drop_nulls().unique()
    ids = {url.rpartition("/")[2]: debug_id for url, debug_id in mine.cast(pl.String).iter_rows()}
    assert len(ids) == 4
    release, build = build_hotfix(tmp_path_factory.mktemp("kit"), ids)
    assert release == deploys["C"]
    return build


def outcomes(again: Again) -> list[tuple[str | None, int, str]]:
    """File of the issue that events are in now, how many, what became of their issue."""
    rows = again.issues.select(pl.col("after_source").str.replace("^.*/", ""), "events", "outcome").rows()
    return sorted(rows, key=str)


def test_before_an_upload_nothing_changes(copy: Path) -> None:
    again = wb.open_case(copy).symbolicate_again()
    assert again.statuses.is_empty()
    assert set(again.issues["outcome"]) == {"same"}
    assert again.summary == "Nothing changed: no map has turned up since. 688 frames still wait for their map."


def test_old_events_of_the_hotfix_are_mapped_when_its_maps_turn_up(
    copy: Path, hotfix: Path, deploys: dict[str, str]
) -> None:
    case = wb.open_case(copy)
    assert case.grouping.issues.height == 7
    refused = check_maps(hotfix, deploys["C"], os.fspath(copy)).findings["verdict"].to_list()
    assert refused == ["no_maps", "map_in_build"]
    upload_maps(hotfix, deploys["C"], copy, strip=True)
    passed = check_maps(hotfix, deploys["C"], os.fspath(copy))
    assert passed.findings.is_empty()
    assert passed.bundles == 6

    again = case.symbolicate_again()
    assert again.statuses.rows() == [(deploys["C"], "no_artifact", "mapped", 688, 81)]
    assert outcomes(again) == [
        ("AccountPage.tsx", 1, "collapsed"),
        ("AccountPage.tsx", 11, "collapsed"),
        ("CartDrawer.tsx", 32, "collapsed"),
        ("CartDrawer.tsx", 8, "collapsed"),
        ("CheckoutForm.tsx", 16, "same"),  # the hotfix guarded it
        ("OrderSummary.tsx", 10, "collapsed"),
        ("OrderSummary.tsx", 8, "collapsed"),
    ]
    assert again.case.grouping.issues.height == 4
    assert again.case.grouping.bugs.height == case.grouping.bugs.height == 2
    assert again.summary == (
        "688 frames of 81 old events have their source now; 7 issues became 4, 3 of them hold what stood under "
        "several before. No frame waits for its map."
    )
    assert case.frames.filter(pl.col("release") == deploys["C"])["source"].null_count() > 688  # the old case stays
    audit = again.case.map_audit.filter(pl.col("release") == deploys["C"])
    assert audit["verdict"].to_list() == ["uploaded_late"]


def test_maps_of_a_release_that_come_back(copy: Path, deploys: dict[str, str]) -> None:
    """Release B without its maps, then uploaded: the issues are those of the whole sample."""
    shutil.move(copy / "releases" / deploys["B"], copy.parent / "hidden")
    case = wb.open_case(copy)
    blind = case.grouping.issues.height
    listing = json.loads((copy.parent / "hidden" / "artifacts.json").read_text())
    maps = [Given(entry["url"], (copy.parent / "hidden" / entry["map"]).read_bytes()) for entry in listing]
    put_maps(Disk(copy / "releases"), deploys["B"], maps)
    again = case.symbolicate_again()
    whole = wb.open_case(SAMPLE)
    ids = ["event_id", "issue_id"]
    assert again.case.grouping.events.select(ids).sort(ids).equals(whole.grouping.events.select(ids).sort(ids))
    assert again.case.grouping.issues.height == 7
    assert blind != 7
    assert set(again.statuses["before"]) == {"no_artifact"}
    assert set(again.statuses["after"]) == {"mapped", "no_source_content"}


def test_maps_of_another_store(copy: Path, deploys: dict[str, str]) -> None:
    """The evidence has no maps at all; they lie elsewhere."""
    shutil.move(copy / "releases", copy.parent / "maps")
    (copy / "source.toml").write_text((copy / "source.toml").read_text().replace('sourcemaps = "releases"', ""))
    case = wb.open_case(copy)
    assert case.frames["source"].null_count() == case.frames.height
    again = case.symbolicate_again(copy.parent / "maps")
    whole = wb.open_case(SAMPLE).frames
    mapped = again.case.frames
    assert mapped["source"].null_count() == whole["source"].null_count()
    row = mapped.filter(pl.col("map_status") == "mapped").row(0, named=True)
    bug = again.case.bug("B1")
    assert row["map_location"].startswith("maps: ")
    assert bug.places[0].source["is_hit"].any()  # its source is read from the other store
