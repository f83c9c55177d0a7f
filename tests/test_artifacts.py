"""Maps from the build to the store, with a real bundler's build: what stops a deploy, what an upload leaves behind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from connectors.exceptions import AddressError, ParameterError, SourceError, SourceMapError, SourceNotFound
from connectors.registry import open_store
from tests.symbolicate.peers import BUNDLERS, packages, run_node
from workbench.artifacts import check_maps, prune_maps, upload_maps
from workbench.cli import main

RELEASE, EARLIER = "1f2e3d4c5b6a79880123456789abcdef01234567", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
NOW = datetime(2026, 3, 9, 14, tzinfo=UTC)
SAMPLE = Path(__file__).parents[1] / "sample-data"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """esbuild's output: three bundles, their maps beside them, comments that name the maps, no debug IDs."""
    folder = tmp_path_factory.mktemp("bundled")
    run_node("build_maps.mjs", packages(*BUNDLERS), str(folder))
    return folder / "esbuild"


@pytest.fixture(scope="module")
def finished(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The right set-up: an earlier release and this one uploaded, the build free of maps."""
    root = tmp_path_factory.mktemp("finished")
    for release, at in ((EARLIER, NOW - timedelta(days=7)), (RELEASE, NOW)):
        shutil.rmtree(root / "build", ignore_errors=True)
        shutil.copytree(bundled, root / "build" / "assets")
        upload_maps(root / "build", release, root / "store", inject=True, strip=True, now=at)
    return root


@pytest.fixture
def setup(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "site")
    return tmp_path / "site"


def check(setup: Path, **options: object) -> list[tuple[str, str]]:
    asked = {"build": setup / "build", "release": RELEASE, "store": os.fspath(setup / "store"), **options}
    return check_maps(**asked).findings.select("severity", "verdict").rows()


def test_the_right_set_up_passes(setup: Path) -> None:
    checked = check_maps(setup / "build", RELEASE, os.fspath(setup / "store"))
    assert checked.findings.rows() == []
    assert checked.passed
    assert checked.bundles == 3
    assert checked.positions > 20_000


def bundle(setup: Path, name: str = "view.js") -> Path:
    return setup / "build" / "assets" / name


def stored(setup: Path, name: str = "view.js") -> Path:
    return setup / "store" / RELEASE / "assets" / f"{name}.map"


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text("utf-8")), "utf-8")


def relist(setup: Path, **fields: object) -> None:
    listing = setup / "store" / RELEASE / "artifacts.json"
    listing.write_text(json.dumps([{**entry, **fields} for entry in json.loads(listing.read_text())]))


def other_build(setup: Path) -> None:
    """The map of a build in which one import stands at the beginning of the bundle."""
    edit(bundle(setup), lambda code: f'import"./polyfill.js";{code}')


def half_an_upload(setup: Path) -> None:
    listing = setup / "store" / RELEASE / "artifacts.json"
    entries = json.loads(listing.read_text())
    listing.write_text(json.dumps([{**entry, "announced_at": entry["uploaded_at"]} for entry in entries]))
    stored(setup).unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BROKEN: dict[str, tuple[str, Callable[[Path], None]]] = {
    "nothing was uploaded": ("no_maps", lambda setup: shutil.rmtree(setup / "store" / RELEASE)),
    "the build is empty": ("no_bundles", lambda setup: shutil.rmtree(bundle(setup).parent)),
    "one map is not in the store": ("missing_map", lambda setup: stored(setup).unlink()),
    "a bundle that was not in the upload": ("missing_map", lambda setup: bundle(setup, "new.js").write_text("total()")),
    "the upload stopped half-way": ("no_maps", half_an_upload),
    "the map was cut on its way": ("invalid_map", lambda setup: cut(stored(setup))),
    "the map changed in the store": (
        "unreadable_map",
        lambda setup: edit(stored(setup), lambda text: text.replace("Zeichen", "zeichen")),
    ),
    "the map is of another build": ("other_build", other_build),
    "the map of another bundle": ("other_build", lambda setup: shutil.copy(stored(setup, "view.js"), lazy(setup))),
    "the upload has another name for the commit": ("release_mismatch", lambda setup: relist(setup, release=SHORT)),
    "the upload has another dist": ("dist_mismatch", lambda setup: relist(setup, dist="web")),
    "the bundle has another debug ID": (
        "debug_id_mismatch",
        lambda setup: edit(bundle(setup), lambda code: code.replace("debugId=", "debugId=0000")[:-5] + "\n"),
    ),
    "the bundle lost its debug ID": (
        "debug_id_mismatch",
        lambda setup: edit(bundle(setup), lambda code: code.partition("//# debugId=")[0]),
    ),
    "the store lists another debug ID": ("debug_id_mismatch", lambda setup: relist(setup, debug_id=OTHER_ID)),
    "the maps were pruned": (
        "expired",
        lambda setup: prune_maps(setup / "store", "0d", keep_last=0, now=NOW + timedelta(days=1)),
    ),
    "a comment names the map": (
        "comment",
        lambda setup: edit(bundle(setup), lambda code: f"{code}//# sourceMappingURL=view.js.map\n"),
    ),
    "the map stands inside": (
        "inline",
        lambda setup: edit(bundle(setup), lambda code: f"{code}/*# sourceMappingURL=data:application/json,{{}} */"),
    ),
    "the map would be deployed": (
        "map_in_build",
        lambda setup: shutil.copy(stored(setup), bundle(setup, "view.js.map")),
    ),
    "a compressed map would be deployed": ("map_in_build", lambda setup: bundle(setup, "x.js.map.gz").write_text("")),
}  # fmt: skip
SHORT, OTHER_ID = f"shop@{RELEASE[:12]}", "00000000-0000-4000-8000-000000000000"


def lazy(setup: Path) -> Path:
    return next(stored(setup).parent.glob("lazy-*.map"))


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_set_up_is_stopped(what: str, setup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, damage = BROKEN[what]
    damage(setup)
    assert ("bad", verdict) in check(setup)
    with pytest.raises(SystemExit) as stopped:
        main(["check-maps", str(setup / "build"), "--release", RELEASE, "--store", str(setup / "store")])
    assert stopped.value.code == 1
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"bad {verdict}: ") for line in said)
    assert said[-1].startswith(f"release {RELEASE} must not be deployed: ")


def test_a_release_in_another_format_than_those_before(setup: Path, bundled: Path) -> None:
    shutil.copytree(bundled, setup / "next")
    upload_maps(setup / "next", "shop@2.4.0", setup / "store", inject=True, strip=True, now=NOW)
    asked = {"build": setup / "next", "release": "shop@2.4.0"}
    assert check(setup, **asked) == [("bad", "name_changed")]
    assert check(setup, **asked, allow=["name_changed"]) == [("allowed", "name_changed")]


def test_it_would_have_stopped_the_hotfix(tmp_path: Path) -> None:
    """Release C of the sample was deployed with bundles of which no map was ever uploaded."""
    records = [json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines()]
    release = next(one["release"] for one in records if one["kind"] == "deploy" and one["letter"] == "C")
    urls = {one["url"] for one in records if one["kind"] == "frame" and one["release"] == release}
    names = {url.rpartition("/assets/")[2] for url in urls if "/assets/" in url}
    assert len(names) > 1
    (tmp_path / "assets").mkdir()
    for name in names:
        (tmp_path / "assets" / name).write_text("total()")
    checked = check_maps(tmp_path, release, "sample-data")
    assert not checked.passed
    [(verdict, bundle, detail, _)] = checked.findings.select("verdict", "bundle", "detail", "way_out").rows()
    assert (verdict, bundle) == ("no_maps", None)
    assert f"maps of 3 other releases and none of {release}" in detail


class Site:
    """A real server of a build: `change` may touch each answer."""

    def __init__(self, root: Path, *, fallback: bytes | None = None) -> None:
        self.headers: dict[str, str] = {}
        self.change: Callable[[str, bytes], bytes] = lambda path, body: body
        self.gone: set[str] = set()
        site = self

        class Serving(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file = root / self.path.lstrip("/")
                there = file.is_file() and self.path not in site.gone
                body = site.change(self.path, file.read_bytes()) if there else fallback
                self.send_response(404 if body is None else 200)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site(setup: Path) -> Iterator[Site]:
    """A single-page shop: what it does not know it answers with its page."""
    serving = Site(setup / "build", fallback=b"<!doctype html><title>Shop</title>")
    yield serving
    serving.server.shutdown()
    serving.server.server_close()


def test_a_site_that_gives_nothing_away(setup: Path, site: Site) -> None:
    assert check(setup, url=site.address) == []


def test_a_header_that_names_the_map(setup: Path, site: Site) -> None:
    site.headers["SourceMap"] = "/maps/view.js.map"
    assert set(check(setup, url=site.address)) == {("bad", "header")}


def test_a_map_that_answers_without_being_named(setup: Path, site: Site) -> None:
    site.change = lambda path, body: body
    shutil.copy(stored(setup), bundle(setup, "view.js.map"))
    found = check(setup, url=site.address)
    assert sorted(found) == [("bad", "map_answers"), ("bad", "map_in_build")]


def test_a_bundle_that_something_rewrote_on_its_way(setup: Path, site: Site) -> None:
    site.change = lambda path, body: body.replace(b"//# debugId", b"/**/\n//# debugId")
    assert set(check(setup, url=site.address)) == {("bad", "other_bundle")}


def test_a_bundle_that_is_not_served(setup: Path) -> None:
    shutil.copytree(setup / "build", setup / "live")
    (setup / "live" / "assets" / "view.js").unlink()
    serving = Site(setup / "live")
    try:
        assert check(setup, url=serving.address) == [("bad", "not_served")]
    finally:
        serving.server.shutdown()
        serving.server.server_close()


def test_json_for_other_programs(setup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(setup).unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["check-maps", str(setup / "build"), "--release", RELEASE, "--store", str(setup / "store"), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert stopped.value.code == 1
    assert (said["passed"], said["bundles"]) == (False, 3)
    assert [one["verdict"] for one in said["findings"]] == ["missing_map"]
    assert said["findings"][0]["bundle"] == "assets/view.js"


def test_without_a_store_only_leaks_are_looked_for(setup: Path) -> None:
    assert check(setup, store=None) == []
    edit(bundle(setup), lambda code: f"{code}//# sourceMappingURL=view.js.map\n")
    assert check(setup, store=None) == [("bad", "comment")]


def test_a_vendors_script_needs_no_map_when_it_is_ignored(setup: Path) -> None:
    bundle(setup, "polyfill.js").write_text("window.polyfilled = true")
    assert check(setup) == [("bad", "missing_map")]
    assert check(setup, ignore=["assets/poly*"]) == []


# Uploads


def test_the_build_changes_only_when_asked(bundled: Path, tmp_path: Path) -> None:
    shutil.copytree(bundled, tmp_path / "build")
    before = {path.name: path.read_bytes() for path in (tmp_path / "build").iterdir()}
    done = upload_maps(tmp_path / "build", RELEASE, tmp_path / "store")
    assert {path.name: path.read_bytes() for path in (tmp_path / "build").iterdir()} == before
    assert done.changed == []
    stripped = upload_maps(tmp_path / "build", RELEASE, tmp_path / "store", strip=True)
    assert {one.outcome for one in stripped.put} == {"same"}
    assert not list((tmp_path / "build").glob("*.map"))
    for path in (tmp_path / "build").iterdir():
        code = before[path.name].decode()
        assert path.read_text("utf-8") == code[: code.index("//# sourceMappingURL")]
    assert len(stripped.changed) == len(before)


def test_what_was_compressed_before_is_named(bundled: Path, tmp_path: Path) -> None:
    shutil.copytree(bundled, tmp_path / "build")
    (tmp_path / "build" / "view.js.gz").write_bytes(b"old")
    done = upload_maps(tmp_path / "build", RELEASE, tmp_path / "store", strip=True)
    assert any("compress it again, view.js.gz is older" in said for said in done.changed)


def test_the_same_upload_again_writes_nothing(setup: Path, bundled: Path) -> None:
    store = setup / "again"
    first = upload_maps(bundled, RELEASE, store, now=NOW)
    times = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    second = upload_maps(bundled, RELEASE, store, now=NOW + timedelta(hours=1))
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()} == times
    assert [one.outcome for one in first.put] == ["new"] * 3
    assert [one.outcome for one in second.put] == ["same"] * 3


def test_another_map_for_the_same_release_is_refused_with_a_word(setup: Path, bundled: Path, tmp_path: Path) -> None:
    store, build = setup / "again", tmp_path / "build"
    upload_maps(bundled, RELEASE, store, now=NOW)
    listed = (store / RELEASE / "artifacts.json").read_bytes()
    shutil.copytree(bundled, build)
    edit(build / "view.js.map", lambda text: text.replace("Zeichen", "zeichen"))
    with pytest.raises(SourceError, match=r"has another map for ~/view\.js, uploaded 2026-03-09T14:00.*--replace"):
        upload_maps(build, RELEASE, store)
    assert (store / RELEASE / "artifacts.json").read_bytes() == listed
    done = upload_maps(build, RELEASE, store, replace=True)
    assert sorted(one.outcome for one in done.put) == ["replaced", "same", "same"]
    [replaced] = [one for one in done.put if one.outcome == "replaced"]
    assert (store / replaced.map_location).read_bytes() == (build / "view.js.map").read_bytes()
    assert not (store / RELEASE / "view.js.map").exists()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda build: cut(build / "view.js.map"), "view.js: its map breaks a rule"),
        (lambda build: edit(build / "view.js", lambda code: f"let early=1;{code}"), "view.js: its map is of another"),
    ],
)
def test_a_map_that_is_not_its_bundles_is_not_uploaded(damage, says, bundled: Path, tmp_path: Path) -> None:
    shutil.copytree(bundled, tmp_path / "build")
    damage(tmp_path / "build")
    with pytest.raises(SourceMapError, match=says):
        upload_maps(tmp_path / "build", RELEASE, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_build_without_maps_and_a_build_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "app.js").write_text("total()")
    with pytest.raises(SourceError, match="let the bundler write hidden source maps"):
        upload_maps(tmp_path / "build", RELEASE, tmp_path / "store")
    with pytest.raises(SourceNotFound, match="there is no build at"):
        upload_maps(tmp_path / "nowhere", RELEASE, tmp_path / "store")


def test_an_inline_map_is_uploaded(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    code = "let total=1\n//# sourceMappingURL=data:application/json,"
    (tmp_path / "build" / "app.js").write_text(code + '{"version":3,"sources":["a.js"],"mappings":"AAAA,IAAI"}')
    done = upload_maps(tmp_path / "build", RELEASE, tmp_path / "store", strip=True)
    assert [one.url for one in done.put] == ["~/app.js"]
    assert (tmp_path / "build" / "app.js").read_text() == "let total=1\n"


def test_a_source_of_workbench_toml_is_a_store(setup: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (setup / "workbench.toml").write_text('[sources.shop]\nsourcemaps = "maps"\n[sources.other]\nreleases = "."\n')
    (setup / "maps").mkdir()
    monkeypatch.chdir(setup)
    upload_maps(bundled, RELEASE, "shop", now=NOW)
    assert (setup / "maps" / RELEASE / "artifacts.json").exists()
    assert "no_maps" not in [verdict for _, verdict in check(setup, build=bundled, store="shop")]
    with pytest.raises(AddressError, match="the source 'other' names 0 places for source maps"):
        upload_maps(bundled, RELEASE, "other")


# Retention


def test_prune_keeps_what_was_uploaded_last_and_says_what_it_would_do(setup: Path) -> None:
    store, later = setup / "store", NOW + timedelta(days=200)
    would = prune_maps(store, "90d", dry_run=True, now=later)
    assert {one.release for one in would} == {EARLIER}
    assert stored(setup).exists()
    assert list((store / EARLIER).rglob("*.map"))
    assert prune_maps(store, "90d", now=later) == would
    assert not list((store / EARLIER).rglob("*.map"))
    assert prune_maps(store, "90d", now=later) == []
    listed = open_store(store).artifacts()
    assert listed.report.refused == ()
    gone = listed.frame.collect().filter(release=EARLIER)
    assert gone.height == 3
    assert gone["debug_id"].null_count() == 0
    with pytest.raises(SourceNotFound, match=r"was pruned on 2026-09-25; upload the maps of its release again"):
        open_store(store).open_map(gone["map_location"][0])


def test_an_upload_brings_back_what_was_pruned(setup: Path, bundled: Path) -> None:
    store = setup / "again"
    upload_maps(bundled, RELEASE, store, now=NOW)
    prune_maps(store, "1h", keep_last=0, now=NOW + timedelta(hours=2))
    done = upload_maps(bundled, RELEASE, store, now=NOW + timedelta(hours=3))
    assert {one.outcome for one in done.put} == {"restored"}
    artifacts = open_store(store).artifacts().frame.collect()
    assert artifacts.height == 3
    assert artifacts["sha256"].null_count() == 0


def test_maps_without_a_listing_are_as_old_as_their_files(tmp_path: Path) -> None:
    old = tmp_path / "1.4.0" / "assets" / "shop.js.map"
    old.parent.mkdir(parents=True)
    debug_id = "85314830-023f-4cf1-a267-535f4e37bb17"
    old.write_text(json.dumps({"version": 3, "sources": [], "mappings": "", "debugId": debug_id}))
    os.utime(old, (NOW.timestamp(), NOW.timestamp()))
    (tmp_path / "1.5.0").mkdir()
    shutil.copy(old, tmp_path / "1.5.0" / "shop.js.map")
    [pruned] = prune_maps(tmp_path, "90d", now=NOW + timedelta(days=100))
    assert (pruned.release, pruned.url, pruned.uploaded_at) == ("1.4.0", "~/assets/shop.js", NOW)
    rows = open_store(tmp_path).artifacts().frame.collect().sort("release")
    assert rows.select("release", "url", "debug_id").rows() == [
        ("1.4.0", "~/assets/shop.js", debug_id),
        ("1.5.0", "~/shop.js", debug_id),
    ]


@pytest.mark.parametrize("broken", [b'[{"map":', b"{}", b"\xff\xfe", b""])
def test_one_broken_listing_costs_only_itself(broken: bytes, setup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = setup / "store"
    shutil.copytree(store / EARLIER, store / "1.0.0")
    (store / "1.0.0" / "artifacts.json").write_bytes(broken)
    kept = {path: path.read_bytes() for path in (store / "1.0.0").rglob("*") if path.is_file()}
    maps = len(list((store / EARLIER).rglob("*.map")))
    asked = ["prune-maps", "--store", str(store), "--older-than", "1h"]
    for arguments, gone in ((["--dry-run", "--json"], 0), (["--json"], maps), ([], maps)):
        with pytest.raises(SystemExit) as stopped:
            main([*asked, *arguments])
        assert stopped.value.code == 1
        assert {path: path.read_bytes() for path in (store / "1.0.0").rglob("*") if path.is_file()} == kept
        assert len(list((store / EARLIER).rglob("*.map"))) == maps - gone
        said = capsys.readouterr()
        assert said.err.startswith("1.0.0/artifacts.json is not a list of artifacts")
        assert "it is not written over" in said.err
        if arguments == ["--json"]:
            told = json.loads(said.out)
            assert {one["release"] for one in told["pruned"]} == {EARLIER}
            assert told["problems"] == [said.err.strip()]


def test_an_age_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="'soon', which is not an age; give 90d, 12h or 2w"):
        prune_maps(tmp_path, "soon")


def test_the_commands_say_what_they_did(setup: Path, bundled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(setup / "cli")
    for arguments, code in (
        (["upload-maps", str(bundled), "--release", RELEASE, "--store", place], 0),
        (["prune-maps", "--store", place, "--older-than", "0h", "--keep-last", "0", "--dry-run"], 0),
        (["prune-maps", "--store", place, "--older-than", "soon"], 2),
        (["upload-maps", str(bundled), "--release", RELEASE, "--store", "sentry+https://h/o/p"], 2),
        (["upload-maps", str(bundled), "--store", place], 2),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == code
    said = capsys.readouterr()
    assert f"release {RELEASE}: 3 maps listed, 3 of them written" in said.out
    assert "would prune" in said.out
    assert said.err.count("\n") == 3
