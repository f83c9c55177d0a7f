"""Decoded maps on disk: the same as decoded anew, shared by processes, bounded, and rebuilt when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.symbolicate.stores import MemoryStore, frames, map_bytes
from workbench.symbolicate.cache import FORMAT, MapCache
from workbench.symbolicate.decode import decode_map
from workbench.symbolicate.frames import symbolicate
from workbench.symbolicate.functions import outline
from workbench.symbolicate.wire import read_contents

SOURCE = "export function total(cart) {\n  return cart.discount.amount;\n}\n// é 🛒\n"
RAW = map_bytes(
    sources=["src/total.ts", None, "lib.js"],
    sourcesContent=[SOURCE, None, None],
    names=["total"],
    mappings="AAAA,UACSA,UCAA,E;;ACAA",
    ignoreList=[2],
    debugId="85314830-023f-4cf1-a267-535f4e37bb17",
)
EMPTY = map_bytes()


@pytest.fixture
def cache(tmp_path) -> MapCache:
    return MapCache(tmp_path / "maps", most_in_memory=0)


@pytest.mark.parametrize("raw", [RAW, EMPTY], ids=["a map", "an empty map"])
def test_a_kept_map_is_the_map(cache, raw):
    decoded = decode_map(raw)
    cache.save("1f", decoded)
    kept = cache.load("1f", lambda: read_contents(raw))
    for field in ("sources", "names", "ignore_list", "debug_id"):
        assert getattr(kept, field) == getattr(decoded, field), field
    assert [kept.contents.has(i) for i in range(len(kept.sources))] == [text is not None for text in decoded.contents]
    assert list(kept.contents) == list(decoded.contents)
    assert kept.mappings.equals(decoded.mappings)
    assert kept.original([0, 0, 2], [12, 99, 0]).equals(decoded.original([0, 0, 2], [12, 99, 0]))


def test_a_kept_outline_is_the_outline(cache):
    for digest, source in (("1f", SOURCE), ("2f", "")):
        parsed = outline(source, "src/total.ts")
        cache.save_outline(digest, parsed)
        kept = cache.load_outline(digest)
        assert kept.functions_at([0, 1, 9], [0, 9, 0]) == parsed.functions_at([0, 1, 9], [0, 9, 0])
        assert kept.read_at(1, 23) == parsed.read_at(1, 23)
        assert np.array_equal(kept.lines, parsed.lines)


def place() -> tuple[MemoryStore, object]:
    store = MemoryStore({"m": RAW}, [{"release": "r", "url": "~/app.js", "map_location": "m"}])
    return store, frames({"url": "https://x.example/app.js", "line": 1, "column": 11, "release": "r"})


def test_a_second_run_opens_nothing(cache):
    store, frame = place()
    first = symbolicate(frame, store, cache=cache)
    assert store.opened == ["m"]
    again = symbolicate(frame, store, cache=cache)
    assert store.opened == ["m"]
    assert again.equals(first)


@pytest.mark.parametrize("damage", [b"", b"PAR1", None], ids=["emptied", "overwritten", "cut off"])
def test_a_damaged_file_is_made_again(cache, damage):
    store, frame = place()
    first = symbolicate(frame, store, cache=cache)
    for path in cache.folder.iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if damage is None else damage)
    assert symbolicate(frame, store, cache=cache).equals(first)
    assert store.opened == ["m", "m"]
    symbolicate(frame, store, cache=cache)
    assert store.opened == ["m", "m"]


def test_a_file_of_another_shape_is_made_again(cache):
    cache.save_outline("1f", outline(SOURCE, "a.ts"))
    (cache.folder / f"1f.outline{FORMAT}.parquet").rename(cache.folder / f"1f.map{FORMAT}.parquet")
    assert cache.load("1f", lambda: read_contents(RAW)) is None


def test_the_folder_stays_within_its_bound(tmp_path):
    decoded = decode_map(RAW)
    MapCache(tmp_path).save("0", decoded)
    measured = next(tmp_path.glob("*.parquet"))
    size = measured.stat().st_size
    measured.unlink()
    cache = MapCache(tmp_path, most_bytes=3 * size, most_in_memory=0)
    for number in range(1, 6):
        cache.save(str(number), decoded)
        os.utime(next(tmp_path.glob(f"{number}.*")), (1000 + number, 1000 + number))
        if number == 3:
            cache.load("1", lambda: decoded.contents)  # used again: stays
    kept = {path.name.split(".")[0] for path in tmp_path.glob("*.parquet")}
    assert kept == {"1", "4", "5"}


def test_two_processes_share_a_folder(cache, tmp_path):
    (tmp_path / "app.js.map").write_bytes(RAW)
    script = (
        "import sys\n"
        "from workbench.symbolicate.cache import MapCache\n"
        "from workbench.symbolicate.decode import decode_map\n"
        "cache = MapCache(sys.argv[1], most_bytes=20_000, most_in_memory=0)\n"
        "decoded = decode_map(open(sys.argv[2], 'rb').read())\n"
        "for turn in range(40):\n"
        "    kept = cache.load(str(turn % 8), lambda: decoded.contents)\n"
        "    assert kept is None or kept.sources == decoded.sources\n"
        "    cache.save(str(turn % 8), decoded)\n"
    )
    given = [sys.executable, "-c", script, str(cache.folder), str(tmp_path / "app.js.map")]
    runs = [subprocess.Popen(given, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert not list(cache.folder.glob(".*.part"))


def test_maps_used_last_stay_in_memory(tmp_path):
    decoded = decode_map(RAW)
    held = sum(column.nbytes for column in decoded.columns)
    cache = MapCache(tmp_path, most_in_memory=2 * held)
    for digest in ("1", "2", "3"):
        cache.save(digest, decoded)

    def contents():
        return decoded.contents

    first = cache.load("1", contents)
    assert cache.load("2", contents) is not cache.load("1", contents)
    assert cache.load("1", contents) is first
    cache.load("3", contents)
    for path in tmp_path.glob("*.parquet"):
        path.unlink()
    assert cache.load("1", contents) is first
    assert cache.load("2", contents) is None


def test_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert MapCache.of_user().folder == tmp_path / "blindspot" / "maps"


def test_a_folder_that_cannot_be_written_to_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("not a folder")
    cache = MapCache(taken / "maps")
    decoded = decode_map(b'{"version":3,"sources":["cart.tsx"],"mappings":"AAAA"}')
    cache.save("1f2e", decoded)
    assert MapCache(taken / "maps").load("1f2e", lambda: decoded.contents) is None
