"""Every frame gets a verdict, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from connectors.exceptions import TableError
from connectors.stores import SourceMapStore
from tests.naive.symbolicate import encode_mappings
from tests.symbolicate.stores import MemoryStore, frames, map_bytes
from workbench.symbolicate.frames import STATUSES, source_lines, symbolicate

SHA = "1f2e3d4c5b6a79880123456789abcdef01234567"
OTHER = "99887766554433221100ffeeddccbbaa99887766"
APP = "https://shop.example/assets/app.js"
CART = """import { money } from "./money";

export function CartDrawer({ cart }: Props) {
  const amount = cart.totals.discount.amount;
  return items.map((item) => item.price.amount);
}
"""
# the bundle `n.totals.discount.amount` at line 1: columns 10 (n), 28 (amount); 60: item => item.price.amount
MAPPINGS = encode_mappings(
    [[(0, 0, 2, 16), (10, 0, 3, 17), (28, 0, 3, 38, 0), (40, 0, 4, 9), (60, 0, 4, 40), (80,), (90, 1, 6, 3, 1)]]
)
APP_MAP = map_bytes(
    sources=["src/CartDrawer.tsx", "node_modules/react-dom/client.js"],
    sourcesContent=[CART, None],
    names=["amount", "renderRoot"],
    mappings=MAPPINGS,
)


def artifact(**fields: object) -> dict[str, object]:
    return {"release": SHA, "url": "~/assets/app.js", "map_location": "app.js.map",
            "uploaded_at": datetime(2026, 3, 1, tzinfo=UTC), **fields}  # fmt: skip


def one(frame: pl.DataFrame, store: MemoryStore) -> dict[str, object]:
    assert isinstance(store, SourceMapStore)
    return symbolicate(frame, store).row(0, named=True)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"app.js.map": APP_MAP}, [artifact()])


def at(column: int, **fields: object) -> pl.DataFrame:
    return frames({"url": APP, "line": 1, "column": column, "release": SHA, **fields})


def test_position_function_and_property(store):
    row = one(at(29), store)
    assert (row["source"], row["source_line"], row["source_column"]) == ("src/CartDrawer.tsx", 4, 39)
    assert (row["source_function"], row["function_from"]) == ("CartDrawer", "tree-sitter")
    assert (row["receiver"], row["property"]) == ("discount", "amount")
    assert (row["map_status"], row["map_detail"], row["map_location"]) == ("mapped", None, "app.js.map")
    assert row["in_app"] is True


def test_anonymous_function_says_where_it_stands(store):
    assert one(at(61), store)["source_function"] == "<anonymous> in CartDrawer"


def test_a_property_is_told_only_where_it_is_certain(store):
    start = at(11)  # the map says where the expression starts, not which of its three reads failed
    assert one(start, store)["receiver"] is None
    told = one(start.with_columns(message_property=pl.lit("discount")), store)
    assert (told["receiver"], told["property"]) == ("totals", "discount")
    deeper = at(29, frame_index=1)  # only a throwing position reads
    assert one(deeper, store)["receiver"] is None


def test_a_library_frame_is_not_ours_and_has_no_content(store):
    row = one(at(95, function="renderRoot", in_app=True), store)
    assert (row["map_status"], row["in_app"]) == ("no_source_content", False)
    assert row["source"] == "node_modules/react-dom/client.js"
    assert (row["source_function"], row["function_from"]) == ("renderRoot", "minified")


def test_a_mangled_name_is_read_from_the_callers_mapping(store):
    called = {"event_id": "e", "url": APP, "line": 1, "release": SHA}
    stack = frames(
        {**called, "column": 95, "function": "t", "frame_index": 0},
        {**called, "column": 91, "function": "n", "frame_index": 1},
    )
    assert symbolicate(stack, store)["source_function"].to_list() == ["renderRoot", "n"]
    assert symbolicate(stack, store)["function_from"].to_list() == ["name", "minified"]
    disorder = pl.concat([stack.reverse(), at(29), stack.with_columns(event_id=pl.lit("f"))])
    assert symbolicate(disorder, store)["source_function"].to_list() == [
        "n",
        "renderRoot",
        "CartDrawer",
        "renderRoot",
        "n",
    ]


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://shop.example/assets/app.js?v=3#x", "~/assets/app.js"),
        ("https://shop.example/assets/app.js", "/assets/app.js"),
        ("https://cdn.example/assets/app.js", "assets/app.js"),
        ("https://SHOP.example/assets/app.js", "https://shop.example/assets/app.js"),
        ("app:///assets/app.js", "~/assets/app.js"),
        ("~/assets/app.js", "~/assets/app.js?v=1"),
        ("https://shop.example/_next/app/%5Bslug%5D/page.js", "~/_next/app/[slug]/page.js"),
        ("https://shop.example//assets/app.js", "~/assets/app.js"),
        ("https://shop.example:443/assets/app.js", "https://shop.example/assets/app.js"),
        ("http://shop.example/assets/100%.js", "http://shop.example:80/assets/100%.js"),
    ],
)
def test_addresses_that_mean_one_file(url, stored):
    store = MemoryStore({"app.js.map": APP_MAP}, [artifact(url=stored)])
    assert one(at(29, url=url), store)["map_status"] == "mapped"


@pytest.mark.parametrize(("dist", "stored"), [(None, ""), ("", None), ("", ""), ("web", "")])
def test_an_empty_dist_is_none(dist, stored):
    store = MemoryStore({"app.js.map": APP_MAP}, [artifact(dist=stored)])
    assert one(at(29, dist=dist), store)["map_status"] == "mapped"


def test_the_artifact_that_names_the_host_wins():
    other = map_bytes(sources=["src/other.ts"], mappings="AAAA", sourcesContent=["x"])
    stored = [artifact(map_location="other.map"), artifact(url=APP)]
    store = MemoryStore({"app.js.map": APP_MAP, "other.map": other}, stored)
    assert one(at(29), store)["source"] == "src/CartDrawer.tsx"
    assert one(at(29, url="https://cdn.example/assets/app.js"), store)["source"] == "src/other.ts"


VERDICTS = [
    ("not_javascript", {"url": None}, {}, "no file"),
    ("not_javascript", {"url": "chrome-extension://aapbdbdo/inject.js"}, {}, "extension"),
    ("not_javascript", {"url": "<anonymous>"}, {}, "eval"),
    ("not_javascript", {"url": "[native code]"}, {}, "engine"),
    ("not_javascript", {"url": "https://shop.example/checkout"}, {}, "inline script"),
    ("no_artifact", {"release": OTHER}, {}, f"no map was uploaded for release '{OTHER}'"),
    ("no_artifact", {"release": None}, {}, "names no release"),
    ("no_artifact", {"url": "https://shop.example/assets/old.js"}, {}, "none for shop.example/assets/old.js"),
    ("no_artifact", {"url": "https://shop.example/static/app.js"}, {}, "URL prefix"),
    ("no_artifact", {}, {"url": "https://other.example/assets/app.js"}, "as other.example/assets/app.js"),
    ("release_mismatch", {"release": f"shop@{SHA[:12]}"}, {}, "the same commit in another format"),
    ("release_mismatch", {"release": "shop@1.4.2"}, {"release": "v1.4.2"}, "the same version in another format"),
    ("dist_mismatch", {"dist": "android"}, {"dist": "ios"}, "uploaded for dist 'ios'"),
    ("dist_mismatch", {}, {"dist": "ios"}, "the event has no dist"),
    ("debug_id_mismatch", {"debug_id": "0a0a0a0a-1111-4222-8333-444444444444"},
     {"debug_id": "ffffffff-1111-4222-8333-444444444444"}, "the map ffffffff"),
    ("outside_map", {"line": 7}, {}, "mappings end at line 1"),
    ("outside_map", {"column": 86}, {}, "no original position"),
    ("outside_map", {"line": None}, {}, "no line and column"),
    ("expired", {}, {"map_location": "gone.map", "uploaded_at": datetime(2025, 9, 1, tzinfo=UTC)}, "no longer"),
    ("no_artifact", {}, {"map_location": "gone.map"}, "not in the store"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "frame", "stored", "says"), VERDICTS)
def test_verdicts(status, frame, stored, says):
    store = MemoryStore({"app.js.map": APP_MAP}, [artifact(**stored)])
    when = pl.lit(datetime(2026, 3, 9, tzinfo=UTC)).alias("at")
    row = one(at(**{"column": 29, **frame}).with_columns(when), store)
    assert (row["map_status"], says in (row["map_detail"] or "")) == (status, True), row["map_detail"]
    assert (row["source"] is not None) == (status == "release_mismatch")


def test_the_list_of_verdicts_is_whole():
    seen = {status for status, *_ in VERDICTS} | {"mapped", "no_source_content", "invalid_map"}
    assert seen == set(STATUSES)


def test_a_debug_id_decides_over_release_and_address():
    debug_id = "0A0A0A0A-1111-4222-8333-444444444444"
    store = MemoryStore({"app.js.map": APP_MAP}, [artifact(debug_id=debug_id.lower(), url=None, release=OTHER)])
    assert one(at(29, debug_id=debug_id), store)["map_status"] == "mapped"


def test_a_hash_in_the_name_makes_two_releases_one_file():
    store = MemoryStore({"app.js.map": APP_MAP}, [artifact(url="~/assets/app-5X2ABC7Q.js", release=OTHER)])
    hashed = one(at(29, url="https://shop.example/assets/app-5X2ABC7Q.js"), store)
    assert (hashed["map_status"], hashed["source_line"]) == ("release_mismatch", 4)
    plain = one(at(29), MemoryStore({"app.js.map": APP_MAP}, [artifact(release=OTHER)]))
    assert (plain["map_status"], plain["source"]) == ("no_artifact", None)


def test_a_broken_map_costs_only_its_own_frames():
    broken = map_bytes(sources=["a.ts"], mappings="AAA")
    store = MemoryStore(
        {"app.js.map": APP_MAP, "broken.map": broken},
        [artifact(), artifact(url="~/assets/broken.js", map_location="broken.map")],
    )
    mixed = pl.concat([at(29), at(1, url="https://shop.example/assets/broken.js"), at(61)])
    found = symbolicate(mixed, store)
    assert found["map_status"].to_list() == ["mapped", "invalid_map", "mapped"]
    assert "a segment of 3 numbers" in found["map_detail"][1]


def test_each_map_is_opened_once_and_order_is_kept(store):
    many = pl.concat([at(column, event_id=f"e{column}-{i}") for i in range(20) for column in (61, 29, 11, 5000)])
    found = symbolicate(many, store)
    assert store.opened == ["app.js.map"]
    assert found["event_id"].to_list() == many["event_id"].to_list()
    assert found["source_line"].to_list() == [5, 4, 4, 7] * 20


def test_nothing_in_nothing_out(store):
    empty = symbolicate(at(29).clear(), store)
    assert empty.height == 0
    assert {"source", "map_status", "receiver"} <= set(empty.columns)
    assert one(at(29), MemoryStore({}, []))["map_detail"] == "the store has no source maps at all"


def test_a_missing_column_is_named(store):
    with pytest.raises(TableError, match="frames lacks the column url"):
        symbolicate(at(29).drop("url"), store)


def test_source_lines(store):
    lines = source_lines(store, "app.js.map", "src/CartDrawer.tsx", 4, context=1)
    assert lines.rows() == [
        (3, "export function CartDrawer({ cart }: Props) {", False),
        (4, "  const amount = cart.totals.discount.amount;", True),
        (5, "  return items.map((item) => item.price.amount);", False),
    ]
    assert source_lines(store, "app.js.map", "node_modules/react-dom/client.js", 7).height == 0
    assert source_lines(store, "app.js.map", "src/CartDrawer.tsx", 99).height == 0
