"""The player answers messages in the order in which its host sent them, also while a recording is being unpacked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Watched
from tests.panels.recordings import checkout_goes_blank
from workbench.panels.assets import built
from workbench.panels.recording import pack

pytestmark = pytest.mark.chromium
HOST = """async ([frame, gz, steps]) => {
    const load = (at) => ({ op: "load", gz: Uint8Array.from(atob(gz), (c) => c.charCodeAt(0)).buffer, at, marks: [] });
    const heard = [];
    const player = document.createElement("iframe");
    player.src = "data:text/html;base64," + frame;
    const ready = new Promise((resolve) => addEventListener("message", ({ data }) => {
        heard.push(data);
        if (data.op === "boot") for (const [op, at] of steps)
            player.contentWindow.postMessage(op === "load" ? load(at) : { op, at }, "*");
        if (data.op === "ready" || data.op === "error") resolve();
    }));
    document.body.append(player);
    await ready;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return heard.map(({ op, t }) => (op === "time" ? t : op)).filter((said) => !["boot", "size"].includes(said));
}"""


@pytest.mark.parametrize(
    ("steps", "heard"),
    [
        ([("load", 3100)], [3100, "ready"]),
        ([("load", 3100), ("seek", 1000)], [3100, 1000, "ready"]),
        ([("load", 3100), ("seek", 1000), ("seek", 2000)], [3100, 2000, "ready"]),
        ([("load", 3100), ("seek", 1000), ("load", 500)], [500, "ready"]),
    ],
    ids=["opened", "moved while unpacking", "moved twice", "another recording meanwhile"],
)
def test_a_player_stands_where_it_was_last_told_to(
    tmp_path: Path, open_page: Callable[..., Watched], steps: list[tuple[str, int]], heard: list[object]
) -> None:
    host = tmp_path / "host.html"
    host.write_text("<!doctype html><body></body>", encoding="utf-8")
    frame = base64.b64encode(built("frame.html").encode()).decode()
    gz = base64.b64encode(pack(checkout_goes_blank())).decode()
    assert open_page(host).page.evaluate(HOST, [frame, gz, steps]) == heard
