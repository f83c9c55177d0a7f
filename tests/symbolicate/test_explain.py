"""The steps of a look-up, as a person reads them."""

from __future__ import annotations

import polars as pl
import pytest

from tests.symbolicate.stores import MemoryStore, frames
from tests.symbolicate.test_frames import APP, APP_MAP, SHA, artifact, at
from workbench.symbolicate.explain import explain_frame


def steps(frame: pl.DataFrame, store: MemoryStore) -> dict[str, tuple[str, bool | None]]:
    return {step: (said, fine) for step, said, fine in explain_frame(frame, store).iter_rows()}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"app.js.map": APP_MAP}, [artifact()])


def test_a_mapped_frame(store):
    assert explain_frame(at(32), store).rows() == [
        ("address", f"{APP} is shop.example/assets/app.js", True),
        ("debug ID", "the frame carries none", None),
        ("release", f"{SHA} has 1 map, one for this address", True),
        ("map", "app.js.map: 2 sources, 7 mappings", True),
        ("mapping", "1:32 lies 3 behind the mapping at column 29, which is src/CartDrawer.tsx:4:39", True),
        ("second reader", "the package sourcemap agrees", True),
        ("function", "CartDrawer (tree-sitter)", None),
        ("verdict", "mapped", True),
    ]


def test_where_the_search_ended(store):
    extension = steps(frames({"url": "chrome-extension://x/y.js", "release": SHA}), store)
    assert extension["address"][1] is False
    assert extension["verdict"] == ("not_javascript: a browser extension's script, not one of the site", False)
    assert "map" not in extension
    other = steps(at(29, release=f"shop@{SHA[:12]}"), store)
    assert other["release"] == (f"shop@{SHA[:12]} has no maps; {SHA} has, the same commit in another format", False)
    assert other["verdict"][1] is True
    outside = steps(at(86), store)
    assert outside["mapping"] == ("1:86: its mapping leads to no source", False)


def test_a_map_that_breaks_a_rule():
    store = MemoryStore({"app.js.map": APP_MAP[:-20]}, [artifact(debug_id="85314830-023f-4cf1-a267-535f4e37bb17")])
    said = steps(at(29, debug_id="85314830023F4CF1A267535F4E37BB17"), store)
    assert said["debug ID"] == ("85314830023F4CF1A267535F4E37BB17 is that of app.js.map", True)
    assert said["map"] == ("app.js.map breaks a rule: not a source map: input data was truncated", False)


def test_one_frame_only(store):
    with pytest.raises(ValueError, match="takes one frame, not 2"):
        explain_frame(pl.concat([at(29), at(30)]), store)
