"""Folders as they really are: links, strange names, disks that are full or may not be written, files that broke."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys

import polars as pl
import pytest

from connectors import files
from connectors.disk import Disk
from connectors.exceptions import AddressError, FetchError
from connectors.lake import Lake
from connectors.objects import Objects
from connectors.registry import open_store
from connectors.stores import Window
from connectors.upkeep import compact

BEACON = '{"ts":1741530000500,"name":"LCP","value":2612.5,"page_view_id":"p%d"}\n'
EVENT = pl.DataFrame({"event_id": ["e1"], "at": ["2026-03-09T12:00Z"]})
WRITE_ALOT = """
import polars as pl, resource, signal, sys
from connectors.exceptions import FetchError
from connectors.lake import Lake
lake = Lake.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
rows = pl.DataFrame({"event_id": [f"{n:032x}" for n in range(20_000)]}).with_columns(at=pl.lit("2026-03-10T12:00Z"))
try:
    lake.write("events", rows)
except FetchError as error:
    print(error)
"""


def test_linked_folders_are_read_and_a_circle_of_links_ends(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a.log").write_text(BEACON % 1)
    (root / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (root / "self").symlink_to(root)
    (root / "once.log").symlink_to(elsewhere / "a.log")
    (root / "gone.log").symlink_to(tmp_path / "nowhere")
    assert [one.name for one in Disk(root).names()] == ["linked/a.log", "once.log"]
    assert open_store(root).vitals(Window()).frame.collect()["page_view_id"].to_list() == ["p1"]


def test_names_that_are_no_text_are_read_and_named(tmp_path):
    names = [b"with space.log", b"two\nlines.log", "ünï☃.log".encode(), b"caf\xe9.log", b"n" * 240 + b".log"]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(BEACON % number + "{broken\n")
    vitals = open_store(tmp_path).vitals(Window())
    assert vitals.frame.collect()["page_view_id"].sort().to_list() == ["p0", "p1", "p2", "p3", "p4"]
    assert {os.fsencode(refused.place) for refused in vitals.report.refused} == {name + b":2" for name in names}
    disk = Disk(tmp_path / "kept")
    for name in ("with space", "two\nlines", "ünï☃", "n" * 240):
        disk.write(name, b"1")
        assert disk.read(name) == b"1"


@pytest.mark.parametrize("place", ["file/lake", "/proc/lake", "/sys/kernel/lake"])
def test_a_lake_that_cannot_be_written_there_is_one_sentence(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"lake.json at .*lake cannot be (written|read) \(.*\)") as raised:
        Lake.create(tmp_path / place)
    assert "\n" not in str(raised.value)
    with pytest.raises(AddressError, match="the address is empty"):
        Objects.open(" ")


def test_a_full_disk_leaves_the_lake_as_it_was(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    lake.write("events", EVENT)
    before = {path: path.read_bytes() for path in (tmp_path / "lake").rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", WRITE_ALOT, str(tmp_path / "lake")], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("events/day=2026-03-10/000002-"), done.stderr
    assert done.stdout.strip().endswith("cannot be written (File too large); nothing of it was kept")
    assert {path: path.read_bytes() for path in (tmp_path / "lake").rglob("*") if path.is_file()} == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # as Python sets it itself


def test_a_broken_part_is_one_sentence_and_verify_says_which(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    lake.write("events", EVENT)
    lake.write("events", EVENT.with_columns(event_id=pl.lit("e2")))
    part = tmp_path / "lake" / lake.manifest.tables["events"][0].path
    part.write_bytes(part.read_bytes()[:-40] + b"\0" * 40)
    for use in (lambda: lake.events(Window()), lambda: compact(lake), lambda: lake.write("events", EVENT)):
        with pytest.raises(FetchError, match=r"a part of the table at .* cannot be read; `workbench lake verify`"):
            use()


def test_a_document_that_unpacks_without_end_is_refused_and_long_lines_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 5_000_000)
    long = b'{"a": "' + b"x" * 4_000_000 + b'"}'
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"0" * 50_000_000))
    (tmp_path / "bomb.ndjson.gz").write_bytes(gzip.compress(b'{"a": 1}\n' + b"0" * 50_000_000))
    (tmp_path / "long.ndjson").write_bytes(b"\n".join([b'{"a": 1}', long, b"", long, b'{"a": 2}']))
    refused: list[tuple[str, str]] = []
    found = files.each_document(files.find_files(tmp_path), lambda *why: refused.append(why))
    read = [(place, len(raw)) for _, place, raw in found]
    assert read == [
        ("bomb.ndjson.gz:1", 8), ("long.ndjson:1", 8), ("long.ndjson:2", len(long)),
        ("long.ndjson:4", len(long)), ("long.ndjson:5", 8),
    ]  # fmt: skip
    assert [place for place, _ in refused] == ["bomb.json.gz", "bomb.ndjson.gz"]
    assert all("unpacks to more than" in why for _, why in refused)
    assert refused[1][1].endswith("1 lines before it were read")
