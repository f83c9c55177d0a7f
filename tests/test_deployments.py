"""Deployments as teams have them, right and broken, with what real bundlers write: an exit code and a line each."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.symbolicate.peers import BUNDLERS, packages, run_node
from workbench.cli import main

RELEASE, EARLIER = "1f2e3d4c5b6a79880123456789abcdef01234567", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
Step = Callable[[Path, Path], object]  # takes the build and the store


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as each bundler builds it."""
    folder = tmp_path_factory.mktemp("built")
    run_node("build_site.mjs", packages(*BUNDLERS), str(folder))
    return folder


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(one) for one in arguments])
    return int(str(stopped.value.code or 0))


def nothing(build: Path, store: Path) -> None:
    return


def edit(folder: Path, pattern: str, change: Callable[[bytes], bytes]) -> None:
    paths = [path for path in folder.rglob(pattern) if path.is_file()]
    assert paths
    for path in paths:
        path.write_bytes(change(path.read_bytes()))


def to_each(pattern: str, change: Callable[[bytes], bytes]) -> Step:
    return lambda build, store: edit(build, pattern, change)


def compress(build: Path, store: Path) -> None:
    for path in build.rglob("*.js"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))


def pack_unreadably(build: Path, store: Path) -> None:
    """Brotli, by somebody else, before anything touched the scripts."""
    for path in list(build.rglob("*.js")):
        copy = path.with_name(f"{path.name}.br")
        copy.write_bytes(b"...")
        os.utime(copy, (1, 1))


def other_files(build: Path, store: Path) -> None:
    for name, content in {
        "index.html": b'<script type="module" src="/assets/main.js"></script>', "data.json": b'{"version":3}',
        "money.wasm": b"\0asm\1\0\0\0", "site.webmanifest": b'{"name":"shop"}', "robots.txt": b"User-agent: *",
        "feed.json": b'{"mappings":{"a":1}}', "broken.json": b"{", "empty.css": b"",
    }.items():  # fmt: skip
        (build / name).write_bytes(content)


def with_query(build: Path, store: Path) -> None:
    edit(store, "artifacts.json", lambda raw: re.sub(rb'(~/[^"]*\.js)"', rb'\1?v=3"', raw))


def rename(build: Path, store: Path) -> None:
    for path in list(build.rglob("*.js")):
        path.rename(path.with_name(path.name.replace(".js", ".c0ffee42.js")))


def maps_gone_wherever(name: str) -> Step:
    return lambda build, store: [path.unlink() for path in store.rglob(name)]


def write(name: str, content: str) -> Step:
    return lambda build, store: (build / name).write_text(content)


A_MAP = json.dumps({"version": 3, "sources": ["a.ts"], "sourcesContent": ["secret()"], "mappings": "AAAA"})
CODE = "export function total(cart){return cart.items.reduce((sum,item)=>sum+item.price,0)}"


class Right(NamedTuple):
    """A set-up that may be deployed: whose build, what is asked of the upload and the check, what happens around."""

    kind: str = "esbuild"
    upload: tuple[str, ...] = ("--strip",)
    check: tuple[str, ...] = ()
    before: Step = nothing
    after: Step = nothing


CDN = ("--prefix", "https://cdn.example/shop/")
RIGHT = {
    "esbuild": Right(),
    "esbuild with debug IDs": Right(upload=("--strip", "--inject")),
    "a banner that the bundler wrote": Right("banner"),
    "inline maps taken out by the upload": Right("inline"),
    "rollup with hashes, a banner, an entry without code": Right("rollup"),
    "webpack with a chunk that has no map": Right("webpack"),
    "webpack with debug IDs": Right("webpack", ("--strip", "--inject")),
    "terser behind esbuild": Right("terser"),
    "a CDN": Right("rollup", ("--strip", *CDN), CDN),
    "a dist": Right(upload=("--strip", "--dist", "web"), check=("--dist", "web")),
    "files that are no scripts": Right(before=other_files),
    "compressed after the upload": Right(after=compress),
    "line ends of Windows": Right("rollup", after=to_each("*.js", lambda raw: raw.replace(b"\n", b"\r\n"))),
    "addresses with a query": Right(after=with_query),
    "a script of others": Right(check=("--ignore", "assets/hotjar*"), after=write("assets/hotjar.js", CODE)),
}


def deploy(setup: Right, built: Path, folder: Path, *, release: str = RELEASE, uploaded: str | None = None) -> int:
    build, store = folder / "build", folder / "store"
    shutil.copytree(built / setup.kind, build)
    setup.before(build, store)
    given = build
    if uploaded:  # the maps come from another job's build
        shutil.copytree(built / uploaded, folder / "other")
        given = folder / "other"
        for path in list(build.rglob("*.map")):
            path.unlink()
        edit(build, "*.[jc]s*", lambda raw: re.sub(rb"(//|/\*)# sourceMappingURL=.*\n?", b"", raw))
    assert run("upload-maps", given, "--release", release, "--store", store, *setup.upload) == 0
    setup.after(build, store)
    return run("check-maps", build, "--release", RELEASE, "--store", store, *setup.check)


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_set_up_passes(what: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = deploy(RIGHT[what], built, tmp_path)
    said = capsys.readouterr().out
    assert code == 0, said
    assert "bad " not in said


LEFT = Right(upload=())
# the finding, where it is, a part of the line that says what to do
BROKEN: dict[str, tuple[str, Right, str]] = {
    "an entry renamed after the upload": ("missing_map", Right(after=rename), "Upload the map of this bundle"),
    "renamed, with debug IDs": (
        "missing_map", Right(upload=("--strip", "--inject"), after=rename), "its debug ID is that of ~/assets/main.js",
    ),
    "no map for the worker": ("missing_map", Right(after=maps_gone_wherever("worker.js.map")), "assets/worker.js"),
    "no map for a lazy chunk": ("missing_map", Right(after=maps_gone_wherever("lazy-*.map")), "assets/lazy-"),
    "a bundle from elsewhere": ("missing_map", Right(after=write("assets/new.js", CODE)), "or leave the bundle out"),
    "a CommonJS bundle from elsewhere": ("missing_map", Right(after=write("assets/new.cjs", CODE)), "assets/new.cjs"),
    "another prefix": ("missing_map", Right("rollup", check=("--prefix", "~/app/")), "URL prefix is wrong"),
    "a banner after the build": (
        "other_build", Right(after=to_each("*.js", lambda raw: b"/* deployed by CI */" + raw)), "nothing change",
    ),
    "a banner line after the build": (
        "other_build", Right(after=to_each("*.js", lambda raw: b"/* deployed by CI */\n" + raw)), "assets/lazy-",
    ),
    "one character before everything": (
        "other_build", Right(after=to_each("*.js", lambda raw: b";" + raw)), "nothing change bundles after the build",
    ),
    "line ends taken out": (
        "other_build", Right("rollup", after=to_each("*.js", lambda raw: raw.replace(b"\n", b""))), "other_build",
    ),
    "another dist": ("dist_mismatch", Right(upload=("--strip", "--dist", "web")), "the same dist"),
    "other debug IDs": (
        "debug_id_mismatch",
        Right(
            upload=("--strip", "--inject"),
            after=to_each("*.js", lambda raw: re.sub(rb"debugId=.{8}", b"debugId=00000000", raw)),
        ),
        "Upload the maps that were made with these bundles",
    ),
    "comments left": ("comment", LEFT, "upload-maps --strip"),
    "a style's comment left": (
        "comment", Right(after=to_each("*.css", lambda raw: raw + b"/*# sourceMappingURL=main.css.map */")), "main.css",
    ),
    "inline maps left": ("inline", LEFT._replace(kind="inline"), "Let the bundler write maps as files"),
    "a style's inline map left": ("inline", LEFT._replace(kind="inline"), "assets/main.css: "),
    "a map inside of a page": (
        "inline", Right(after=write("index.html", "<script>total()//# sourceMappingURL=data:,{}\n</script>")), "index",
    ),
    "maps left": ("map_in_build", LEFT, "remove them from what is deployed"),
    "a map under another name": ("map_in_build", Right(after=write("assets/main.map.json", A_MAP)), "main.map.json"),
    "a guarded map under another name": (
        "map_in_build", Right(after=write("assets/main.txt", f")]}}'\n{A_MAP}")), "assets/main.txt",
    ),
    "compressed before the comments were taken out": ("stale_copy", Right(before=compress), "Compress again"),
    "packed before the comments were taken out": ("stale_copy", Right(before=pack_unreadably), "Compress again"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_set_up_is_stopped(what: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, setup, says = BROKEN[what]
    code = deploy(setup, built, tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert code == 1
    assert any(line.startswith(f"bad {verdict}: ") and says in line for line in said), said


@pytest.mark.parametrize(
    ("given", "verdict"),
    [({"release": EARLIER}, "no_maps"), ({"uploaded": "next"}, "missing_map"), ({"uploaded": "banner"}, "other_build")],
    ids=["for another release", "of the next build", "of a build with other options"],
)
def test_maps_of_another_job(
    given: dict[str, str], verdict: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(Right(), built, tmp_path, **given) == 1
    assert f"bad {verdict}: " in capsys.readouterr().out


def test_bundles_minified_after_their_maps_were_made_are_not_uploaded(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    shutil.copytree(built / "esbuild", build)
    for path in (built / "terser").rglob("*.js"):
        shutil.copy(path, build / "assets")
    assert run("upload-maps", build, "--release", RELEASE, "--store", tmp_path / "store") == 1
    assert "its map is of another build" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
