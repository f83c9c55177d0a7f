"""Every verdict on the sample's real stacks, after an accident to its maps on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from workbench.artifacts import prune_maps
from workbench.symbolicate.audit import audit_maps
from workbench.symbolicate.explain import explain_frame
from workbench.symbolicate.frames import STATUSES, symbolicate

SAMPLE = Path(__file__).parents[2] / "sample-data"
Change = Callable[[dict[str, Any]], dict[str, Any]]
OTHER_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def sample():
    return open_store(SAMPLE)


@pytest.fixture(scope="module")
def given(sample) -> pl.DataFrame:
    events = sample.events(Window()).frame.select("event_id", "release", "dist", "at").collect()
    return sample.frames(Window()).frame.collect().join(events, on="event_id", how="left", maintain_order="left")


@pytest.fixture(scope="module")
def found(given, sample) -> pl.DataFrame:
    return symbolicate(given, sample)


@pytest.fixture(scope="module")
def deploys() -> dict[str, str]:
    """Letter of the story -> SHA."""
    records = (json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines())
    return {one["letter"]: one["release"] for one in records if one["kind"] == "deploy"}


def change(
    folder: Path, entry: Change = lambda entry: entry, source_map: Change = lambda source_map: source_map
) -> None:
    """Change every entry of a release's listing, and every map; sizes and digests are those of the changed maps."""
    listing = folder / "artifacts.json"
    entries = []
    for one in json.loads(listing.read_text("utf-8")):
        path = folder / one["map"]
        path.write_text(json.dumps(source_map(json.loads(path.read_text("utf-8")))), "utf-8")
        entries.append(entry({key: value for key, value in one.items() if key not in ("bytes", "sha256")}))
    listing.write_text(json.dumps(entries), "utf-8")


def without_ids(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in ("debug_id", "debugId")}


def half(source_map: dict[str, Any]) -> dict[str, Any]:
    """The map as a writer leaves it that dies between two mappings."""
    said = source_map["mappings"]
    return {**source_map, "mappings": said[: said.rindex(",", 0, max(len(said) // 2, said.index(",") + 1))]}


def cut(folder: Path) -> None:
    for path in folder.rglob("*.map"):
        path.write_bytes(path.read_bytes()[:-100])


ACCIDENTS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    # what happened: the release it happened to, the verdict of its frames, how
    "the folder was taken away": ("B", "no_artifact", shutil.rmtree),
    "no debug IDs, and another name for the commit": (
        "D", "release_mismatch", lambda folder: change(folder, without_ids, without_ids),
    ),
    "uploaded for another dist": (
        "B", "dist_mismatch",
        lambda folder: change(folder, lambda entry: {**without_ids(entry), "dist": "web"}, without_ids),
    ),
    "uploaded from another build": (
        "B", "debug_id_mismatch",
        lambda folder: change(folder, lambda entry: {**entry, "debug_id": OTHER_ID}),
    ),
    "pruned": (
        "A", "expired",
        lambda folder: prune_maps(folder.parent, "1d", now=datetime(2026, 3, 5, tzinfo=UTC)),
    ),
    "cut on its way": ("B", "invalid_map", cut),
    "half of its mappings": ("B", "outside_map", lambda folder: change(folder, source_map=half)),
    "written without the sources' text": (
        "B", "no_source_content",
        lambda folder: change(folder, source_map=lambda one: {**one, "sourcesContent": None}),
    ),
}  # fmt: skip
MAPPED_ALL_THE_SAME = {"release_mismatch", "no_source_content"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    shutil.copy(SAMPLE / "source.toml", tmp_path / "shop")
    shutil.copytree(SAMPLE / "releases", tmp_path / "shop" / "releases")
    return tmp_path / "shop"


def test_what_the_sample_has_of_itself(found, deploys) -> None:
    release = pl.col("release").str.replace("^shop@", "").str.head(12)
    said = found.group_by(release).agg(pl.col("map_status").unique().sort()).rows()
    whole = ["mapped", "no_source_content", "not_javascript"]
    assert dict(said) == {
        deploys["A"][:12]: whole, deploys["B"][:12]: whole, deploys["C"][:12]: ["no_artifact", "not_javascript"],
        deploys["D"][:12]: whole,
    }  # fmt: skip


def test_every_verdict_occurs_here() -> None:
    met = {verdict for _, verdict, _ in ACCIDENTS.values()} | {"mapped", "not_javascript"}
    assert met == set(STATUSES)


@pytest.mark.parametrize("what", ACCIDENTS)
def test_an_accident_and_its_verdict(what: str, copy: Path, given, found, sample, deploys) -> None:
    letter, verdict, accident = ACCIDENTS[what]
    accident(copy / "releases" / deploys[letter])
    store = open_store(copy)
    mine = pl.Series(given["release"].str.contains(deploys[letter][:12])) & found["source"].is_not_null()
    before, again = found.filter(mine), symbolicate(given, store).filter(mine)
    if verdict == "outside_map":
        assert set(again["map_status"]) == {"mapped", "no_source_content", verdict}
        again = again.filter(pl.col("map_status") == verdict)
    assert again.height > 100
    assert set(again["map_status"]) == {verdict}
    assert again["map_detail"].null_count() == 0
    if verdict in MAPPED_ALL_THE_SAME:
        assert again["source_line"].equals(before["source_line"])
    else:
        assert again["source"].null_count() == again.height

    rest = symbolicate(given, store).filter(~mine & pl.Series(~given["release"].str.contains(deploys[letter][:12])))
    other = found.filter(~mine & pl.Series(~given["release"].str.contains(deploys[letter][:12])))
    assert rest["map_status"].equals(other["map_status"])  # nobody else's

    steps = explain_frame(given.filter(mine).slice(0, 1), store)
    assert steps["step"][-1] == "verdict"
    assert steps["said"][-1].startswith(symbolicate(given.filter(mine).slice(0, 1), store)["map_status"][0])


@pytest.mark.parametrize(
    ("what", "verdict"),
    [
        ("the folder was taken away", "no_maps"),
        ("uploaded for another dist", "dist_mismatch"),
        ("uploaded from another build", "debug_id_mismatch"),
        ("pruned", "expired"),
        ("cut on its way", "invalid_map"),
        ("half of its mappings", "outside_map"),
    ],
)
def test_the_audit_names_the_accident_and_the_way_out(what: str, verdict: str, copy: Path, given, deploys) -> None:
    letter, _, accident = ACCIDENTS[what]
    accident(copy / "releases" / deploys[letter])
    store = open_store(copy)
    artifacts, releases = store.artifacts().frame.collect(), open_store(SAMPLE).releases(Window()).frame.collect()
    audit = audit_maps(symbolicate(given, store), artifacts, releases, first_party=store.first_party)
    found = audit.filter((pl.col("release") == deploys[letter]) & (pl.col("verdict") == verdict))
    assert found.height == 1
    assert found["way_out"][0]
    assert found["frames"][0] > 50
