"""Folders of maps and artifact bundles: what readers see while maps come and go, and zips as upload tools make them."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.disk import Disk
from connectors.exceptions import FetchError, SourceError, SourceNotFound
from connectors.folder import FolderSource
from connectors.registry import open_store
from connectors.sourcemaps.pruning import prune
from connectors.sourcemaps.uploads import Given, put_maps

NOW = datetime(2026, 3, 9, 14, tzinfo=UTC)
DEBUG_ID = "85314830-023f-4cf1-a267-535f4e37bb17"


def one_map(name: str, **fields: object) -> bytes:
    return json.dumps({"version": 3, "sources": [name], "mappings": "", **fields}).encode()


def given(*names: str) -> list[Given]:
    return [Given(f"~/assets/{name}.js", one_map(name)) for name in names]


def seen(root: Path) -> dict[str, list[str]]:
    """What a reader who opens the folder now sees: the bundles of each release."""
    found: dict[str, list[str]] = {}
    rows = FolderSource(root).artifacts().frame.collect()
    for release, url in rows.select("release", "url").sort("url").iter_rows():
        found.setdefault(release, []).append(url.rpartition("/")[2])
    return found


class Watched(Disk):
    """A folder whose readers look after every step of a writer; it may die at one."""

    def __init__(self, root: Path, *, dies_at: int | None = None) -> None:
        super().__init__(root)
        self.views: list[dict[str, list[str]]] = []
        self.dies_at = dies_at

    def write(self, name: str, content: bytes) -> None:
        if self.dies_at == len(self.views):
            raise KeyboardInterrupt
        super().write(name, content)
        self.views.append(seen(self.root))


def test_a_reader_sees_all_of_an_upload_or_nothing(tmp_path: Path) -> None:
    put_maps(Disk(tmp_path), "1.0.0", given("a", "b"))
    before, after = {"1.0.0": ["a.js", "b.js"]}, {"1.0.0": ["a.js", "b.js"], "1.1.0": ["a.js", "b.js", "c.js"]}
    store = Watched(tmp_path)
    put_maps(store, "1.1.0", given("a", "b", "c"))
    assert store.views == [before] * 4 + [after]  # announced, three maps, listed


def test_a_reader_of_a_replaced_release_sees_the_old_or_the_new(tmp_path: Path) -> None:
    put_maps(Disk(tmp_path), "1.0.0", given("a", "b"))
    old = FolderSource(tmp_path)
    locations = old.artifacts().frame.collect()["map_location"].to_list()
    store = Watched(tmp_path)
    put_maps(store, "1.0.0", [Given("~/assets/a.js", one_map("new"))], replace=True)
    assert store.views == [{"1.0.0": ["a.js", "b.js"]}] * len(store.views)
    now = FolderSource(tmp_path)
    by_url = dict(now.artifacts().frame.collect().select("url", "map_location").iter_rows())
    assert json.loads(now.open_map(by_url["~/assets/a.js"]))["sources"] == ["new"]
    assert by_url["~/assets/b.js"] in locations


@pytest.mark.parametrize("step", range(5))
def test_an_upload_that_dies_is_seen_as_nothing_and_said(step: int, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        put_maps(Watched(tmp_path, dies_at=step), "1.0.0", given("a", "b"), now=NOW)
    fetched = FolderSource(tmp_path).artifacts()
    assert fetched.frame.collect().is_empty()
    if step > 1:  # the store says what it is, the upload is announced, two maps, it is listed
        assert {one.reason for one in fetched.report.refused} == {
            "its upload began at 2026-03-09 14:00 UTC and has not ended; upload again"
        }
    put_maps(Disk(tmp_path), "1.0.0", given("a", "b"), now=NOW)
    again = FolderSource(tmp_path).artifacts()
    assert again.report.refused == ()
    assert again.report.rows == 2


def test_jobs_that_upload_parts_of_one_release_at_a_time_lose_nothing(tmp_path: Path) -> None:
    names = [f"part{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(put_maps, Disk(tmp_path), "1.0.0", given(name)) for name in names]
        assert {job.result()[0].outcome for job in done} == {"new"}
    assert seen(tmp_path) == {"1.0.0": sorted(f"{name}.js" for name in names)}


def test_dists_of_one_release_lie_apart(tmp_path: Path) -> None:
    for dist in ("android", "ios"):
        put_maps(Disk(tmp_path), "1.0.0", [Given("~/main.js", one_map(dist))], dist=dist)
    store = FolderSource(tmp_path)
    rows = store.artifacts().frame.collect().sort("dist")
    assert rows.select("release", "dist", "url").rows() == [("1.0.0", dist, "~/main.js") for dist in ("android", "ios")]
    said = [json.loads(store.open_map(location))["sources"] for location in rows["map_location"]]
    assert said == [["android"], ["ios"]]


@pytest.mark.parametrize("release", ["feature/cart", "../../etc", ".hidden", "shop@1.0+7", "a b?c#d"])
def test_no_release_name_leads_out_of_the_folder_or_hides(release: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    put_maps(Disk(store), release, [Given("~/../../x.js", one_map("x")), Given("https://cdn/y.js?v=1", one_map("y"))])
    assert [path for path in tmp_path.rglob("*.map") if not path.is_relative_to(store)] == []
    rows = FolderSource(store).artifacts().frame.collect()
    assert set(rows["release"]) == {release}
    assert rows.height == 2


def test_a_listing_that_leads_out_of_the_folder_deletes_nothing_there(tmp_path: Path) -> None:
    outside = tmp_path / "precious.map"
    outside.write_text("{}")
    store = tmp_path / "store"
    put_maps(Disk(store), "1.0.0", given("a"), now=NOW)
    listing = store / "1.0.0" / "artifacts.json"
    entries = json.loads(listing.read_text())
    listing.write_text(json.dumps([{**entries[0], "map": "../../precious.map"}, *entries]))
    assert len(prune(Disk(store), NOW + timedelta(days=1), keep_last=0)) == 1
    assert outside.exists()


def test_a_pruning_that_died_is_finished_by_the_next(tmp_path: Path) -> None:
    put_maps(Disk(tmp_path), "1.0.0", given("a"), now=NOW)
    later = NOW + timedelta(days=100)

    class Dying(Disk):
        def delete(self, *names: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(Dying(tmp_path), later, keep_last=0, now=later)
    [location] = FolderSource(tmp_path).artifacts().frame.collect()["map_location"]
    with pytest.raises(SourceNotFound, match="was pruned on 2026-06-17"):  # although its file is still there
        FolderSource(tmp_path).open_map(location)
    assert list(tmp_path.rglob("*.map"))
    assert prune(Disk(tmp_path), later, keep_last=0, now=later) == []
    assert not list(tmp_path.rglob("*.map"))


def test_a_broken_listing_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "1.0.0").mkdir()
    (tmp_path / "1.0.0" / "artifacts.json").write_text('[{"map":')
    with pytest.raises(SourceError, match=r"1\.0\.0/artifacts\.json is not a list of artifacts"):
        put_maps(Disk(tmp_path), "1.0.0", given("a"))


# Artifact bundles

MANIFEST = {
    "org": "acme",
    "release": "shop@1.0.0",
    "dist": "7",
    "files": {
        "files/_/_/assets/shop.js": {
            "type": "minified_source",
            "url": "~/assets/shop.js",
            "headers": {"debug-id": DEBUG_ID, "sourcemap": "shop.js.map"},
        },
        "files/_/_/assets/shop.js.map": {
            "type": "source_map",
            "url": "~/assets/shop.js.map",
            "headers": {"debug-id": DEBUG_ID},
        },
        "files/_/_/cart.min.js": {
            "type": "minified_source",
            "url": "https://cdn/c.js",
            "headers": {"Sourcemap": "m/c"},
        },
        "files/_/_/m/c": {"type": "source_map", "url": "https://cdn/m/c"},
        "files/_/_/old.js.map": {"type": "source_map", "url": "~/old.js.map"},
        "files/_/_/src/cart.ts": {"type": "source", "url": "~/src/cart.ts"},
    },
}


def packed(manifest: object = MANIFEST, *, before: bytes = b"", leave_out: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in MANIFEST["files"]:
            if path not in leave_out:
                archive.writestr(path, one_map(path) if ".map" in path or path.endswith("/c") else "total()")
        archive.writestr("manifest.json", json.dumps(manifest))
    return before + stream.getvalue()


LISTED = [
    ("shop@1.0.0", "7", "https://cdn/c.js", None),
    ("shop@1.0.0", "7", "~/assets/shop.js", DEBUG_ID),
    ("shop@1.0.0", "7", "~/old.js", None),
]


@pytest.mark.parametrize("before", [b"", b"SYSB\x02\x00\x00\x00"], ids=["a zip", "a source bundle"])
def test_a_bundle_alone_and_among_other_files(before: bytes, tmp_path: Path) -> None:
    (tmp_path / "shop.zip").write_bytes(packed(before=before))
    (tmp_path / "word.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    (tmp_path / "releases" / "1f2e3d4").mkdir(parents=True)
    (tmp_path / "releases" / "1f2e3d4" / "a.js.map").write_bytes(one_map("a"))
    folder, alone = open_store(tmp_path), open_store(tmp_path / "shop.zip")
    assert folder.passed_over == ("word.zip",)
    for store, others in ((folder, [("1f2e3d4", None, "~/a.js", None)]), (alone, [])):
        fetched = store.artifacts()
        rows = fetched.frame.collect()
        assert sorted(rows.select("release", "dist", "url", "debug_id").rows()) == sorted(LISTED + others)
        assert fetched.report.refused == ()
        for url, location in rows.select("url", "map_location").iter_rows():
            assert json.loads(store.open_map(location))["version"] == 3, url
    assert alone.artifacts("other").frame.collect().is_empty()
    assert "1 files of artifact bundles that are neither script nor map" in alone.artifacts().report.note


def test_a_damaged_bundle_costs_what_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(packed()[:-200])
    (tmp_path / "said.zip").write_bytes(packed(manifest=["files"]))
    (tmp_path / "less.zip").write_bytes(packed(leave_out=("files/_/_/old.js.map",)))
    fetched = open_store(tmp_path).artifacts()
    assert sorted(fetched.frame.collect()["url"]) == [url for _, _, url, _ in LISTED[:2]]
    assert sorted(one.place for one in fetched.report.refused) == [
        "cut.zip", "less.zip!/files/_/_/old.js.map", "said.zip",
    ]  # fmt: skip


def test_nothing_but_maps_is_taken_from_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "shop.zip").write_bytes(packed())
    store = open_store(tmp_path)
    for location in ("shop.zip!/../../etc/passwd", "other.zip!/a.map", "shop.zip"):
        with pytest.raises(FetchError):
            store.open_map(location)
    (tmp_path / "word.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    with pytest.raises(SourceNotFound, match=r"is no artifact bundle"):
        open_store(tmp_path / "word.zip")


def test_a_new_store_says_what_it_is(tmp_path: Path) -> None:
    """So that nobody has to look into each of its maps to see."""
    put_maps(Disk(tmp_path / "store"), "1.0.0", given("a"))
    (tmp_path / "store" / "notes.txt").write_text("call Maya")
    assert open_store(tmp_path / "store").passed_over == ()
    assert seen(tmp_path / "store") == {"1.0.0": ["a.js"]}
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "notes.txt").write_text("call Maya")
    put_maps(Disk(tmp_path / "evidence"), "1.0.0", given("a"))
    assert not (tmp_path / "evidence" / "source.toml").exists()
