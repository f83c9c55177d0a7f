"""Files on S3, against two real servers that check signatures; what holds on disk holds there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import AddressError, AuthError, FetchError, SourceError, SourceNotFound, WrittenMeanwhile
from connectors.folder import FolderSource
from connectors.lake import Lake, Written
from connectors.manifest import write_manifest
from connectors.objects import Objects
from connectors.registry import open_store
from connectors.s3_settings import read_settings
from connectors.sourcemaps.uploads import Given, put_maps
from connectors.stores import Window
from connectors.tables import EVENTS, TABLES, conform
from connectors.testing import assert_conforms
from tests.connectors.conftest import SAMPLE
from tests.connectors.s3_servers import S3Server, moto, swift
from workbench.cli import main

pytest.importorskip("obstore", reason="needs obstore: uv sync --group heavy")
ALL = Window()
KEPT = ("events", "frames", "sessions", "replays")
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def cache(pytestconfig) -> Path:
    return Path(pytestconfig.cache.mkdir("servers"))


@pytest.fixture(scope="module")
def one(cache, tmp_path_factory) -> Iterator[S3Server]:
    """A server that can replace an object only if nobody else did."""
    with moto(cache, tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def other(cache, tmp_path_factory) -> Iterator[S3Server]:
    """A server that cannot."""
    with swift(cache, tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(params=["one", "other"])
def server(request, monkeypatch) -> S3Server:
    server = request.getfixturevalue(request.param)
    _as_owner(server, monkeypatch)
    return server


@pytest.fixture
def swaps(one, monkeypatch) -> S3Server:
    _as_owner(one, monkeypatch)
    return one


def _as_owner(server: S3Server, monkeypatch: pytest.MonkeyPatch, **other: str) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nowhere")
    for name, value in server.environment(**other).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["disk", "one", "other"])
def objects(request, tmp_path, monkeypatch) -> Objects:
    if request.param == "disk":
        return Objects.open(tmp_path / "root")
    server = request.getfixturevalue(request.param)
    _as_owner(server, monkeypatch)
    return Objects.open(f"s3://team/{request.node.name}/root")


def test_objects_are_the_same_wherever_they_lie(objects):
    content = os.urandom(3 << 20)
    written = {"a/b.bin": content, "a/é c+d%20.json": b"{}", "a/empty": b"", "ab": b"1", "a/.hidden": b"2"}
    for name, raw in written.items():
        objects.write(name, raw)
    assert objects.title == "root"
    assert [(one.name, one.bytes) for one in objects.names()] == [
        ("a/b.bin", 3 << 20), ("a/empty", 0), ("a/é c+d%20.json", 2), ("ab", 1),
    ]  # fmt: skip
    assert [one.name for one in objects.names("a", hidden=True)] == sorted(set(written) - {"ab"})
    assert [one.name for one in objects.names("ab")] == ["ab"]
    assert objects.names("nowhere") == []
    assert {name: objects.read(name) for name in written} == written
    assert objects.head("a/b.bin").bytes == 3 << 20
    assert abs(objects.head("a/b.bin").modified - datetime.now(UTC)) < timedelta(minutes=10)
    assert (objects.exists("a/b.bin"), objects.exists("a"), objects.exists("c")) == (True, False, False)
    with objects.reader("a/b.bin") as stream:
        assert stream.read(4) == content[:4]
        stream.seek(0)
        assert stream.read() == content
        stream.seek(-5, os.SEEK_END)
        assert stream.read(9) == content[-5:]
    with objects.reader("a/empty") as stream:
        assert stream.read() == b""
    objects.delete("a/b.bin", "nowhere", "a/b.bin")
    for missing in (objects.read, objects.head, objects.reader):
        with pytest.raises(SourceNotFound, match=r"there is no a/b\.bin at "):
            missing("a/b.bin")


def test_a_big_object_is_there_at_once_or_not_at_all(objects, tmp_path):
    content = os.urandom(1 << 20) * 20
    (tmp_path / "big").write_bytes(content)
    with (tmp_path / "big").open("rb") as stream:
        objects.write("big", stream)
    assert objects.head("big").bytes == 20 << 20
    assert objects.read("big") == content

    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises((OSError, FetchError)):
        objects.write("big", Broken())
    assert objects.head("big").bytes == 20 << 20


def test_who_comes_first_is_not_overwritten(objects):
    objects.create("claim", b"first")
    with pytest.raises(WrittenMeanwhile, match=r"there is claim at .* already"):
        objects.create("claim", b"second")
    assert objects.read("claim") == b"first"


def test_a_swap_wants_to_see_what_it_replaces(objects, request):
    objects.write("list", b"1")
    _, tag = objects.read_tagged("list")
    if "other" in request.node.name:
        with pytest.raises(FetchError, match="cannot replace an object only if nobody else did"):
            objects.swap("list", b"2", tag)
        return
    objects.swap("list", b"2", tag)
    with pytest.raises(WrittenMeanwhile, match=r"list at .* was written by somebody else meanwhile"):
        objects.swap("list", b"3", tag)
    assert objects.read("list") == b"2"


def test_a_wrong_key_is_refused_in_one_sentence(server, monkeypatch):
    Objects.open("s3://team/wrong").write("a.parquet", b"x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed-by-a-stranger")
    objects = Objects.open("s3://team/wrong")
    frame = objects.scan_parquet(["a.parquet"])
    asked = (
        objects.names,
        lambda: objects.read("a.parquet"),
        lambda: objects.reader("a.parquet"),
        lambda: objects.write("b", b""),
        lambda: objects.delete("a.parquet"),
        lambda: objects.collect(frame),
        lambda: open_store("s3://team/wrong"),
        lambda: Lake.open("s3://team/wrong"),
    )
    for ask in asked:
        with pytest.raises(AuthError) as refused:
            ask()
        said = str(refused.value)
        assert said.startswith("s3://team/wrong refuses our keys (")
        assert said.endswith(
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what they may do there"
        )
        assert "\n" not in said
        assert not any(
            secret in said + repr(objects) + repr(frame) for secret in ("guessed", server.key, server.secret)
        )


def test_a_place_that_is_not_there(server, monkeypatch):
    with pytest.raises(SourceNotFound, match="there is no such bucket: s3://nobodys/shop"):
        open_store("s3://nobodys/shop")
    with pytest.raises(SourceNotFound, match="there is nothing at s3://team/nothing"):
        open_store("s3://team/nothing")
    with pytest.raises(SourceNotFound, match="there is no lake at s3://team/nothing"):
        Lake.open("s3://team/nothing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="s3://team/x cannot be reached; is the endpoint right"):
        open_store("s3://team/x")


@pytest.fixture(scope="module")
def uploaded(one, other) -> str:
    """The sample's files: all on one server, without recordings and traces on the other."""
    here = Objects.open(SAMPLE)
    names = ["source.toml", *(one.name for place in ("raw", "releases") for one in here.names(place))]
    few = [name for name in names if not name.startswith(("raw/replays", "raw/traces", "raw/envelopes"))]
    for server, some in ((one, names), (other, few)):
        with pytest.MonkeyPatch.context() as monkeypatch:
            _as_owner(server, monkeypatch)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Objects.open("s3://team/evidence/shop").write, some, map(here.read, some)))
    return "s3://team/evidence/shop"


def test_a_folder_of_evidence_on_s3_gives_the_same_tables(uploaded, server, sample, monkeypatch):
    monkeypatch.setenv("BLINDSPOT_USER_KEY", "")
    source = open_store(uploaded)
    assert (type(source), source.name, source.first_party) == (FolderSource, "shop", ("shop.localhost",))
    everywhere = {"vitals", "lab_runs", "releases"}
    for name in everywhere if server.name == "swift" else set(TABLES) - {"spans", "artifacts", "replay_events"}:
        ours, theirs = getattr(sample, name)(ALL), getattr(source, name)(ALL)
        assert theirs.frame.collect().equals(ours.frame.collect()), name
        assert theirs.report == ours.report
    if server.name == "moto":
        assert source.spans().frame.collect().equals(sample.spans().frame.collect())
    else:
        assert source.events(ALL).report.failed.startswith("source.toml says that envelopes are at raw/envelopes")
    artifacts = source.artifacts().frame.collect()
    assert artifacts.equals(sample.artifacts().frame.collect())
    location = artifacts["map_location"][0]
    assert source.open_map(location) == sample.open_map(location)


def test_recordings_are_fetched_one_by_one_when_asked(uploaded, swaps, sample):
    source = open_store(uploaded)
    replay_id = source.replays(ALL).frame.collect()["replay_id"][3]
    before = swaps.seen()
    events = source.replay_events(replay_id).frame.collect()
    assert events.equals(sample.replay_events(replay_id).frame.collect())
    assert set(swaps.fetched(before)) == {f"evidence/shop/raw/replays/{replay_id}.ndjson.gz"}


def test_what_is_not_described_is_recognised_there_too(swaps):
    objects = Objects.open("s3://team/undescribed")
    for number in range(40):
        line = b'{"ts":%d,"name":"LCP","value":%d.5,"page_view_id":"p%d"}' % (1773069712000 + number, number, number)
        objects.write(f"beacons/{number:03d}.json", line)
    objects.write("notes.txt", b"call Maya")
    source = open_store("s3://team/undescribed")
    assert_conforms(source)
    assert source.passed_over == ("notes.txt",)
    assert source.vitals(ALL).frame.collect()["value"].to_list() == [number + 0.5 for number in range(40)]


@pytest.fixture(scope="module")
def lake(one, sample) -> Iterator[Lake]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        _as_owner(one, monkeypatch)
        lake = Lake.create("s3://team/lake", name="shop", first_party=sample.first_party)
        tables = {
            name: getattr(sample, name)(ALL).frame
            for name in ("events", "frames", "breadcrumbs", "sessions", "replays")
        }
        lake.write_all({**tables, "spans": sample.spans().frame, "artifacts": sample.artifacts().frame})
        for location in sample.artifacts().frame.collect()["map_location"]:
            lake.write_map(location, sample.open_map(location))
    return lake


def test_a_lake_on_s3_keeps_the_contract_and_the_rows(lake, swaps, sample):
    opened = open_store("s3://team/lake")
    assert (type(opened), opened.name) == (Lake, "shop")
    for name in ("events", "frames", "breadcrumbs", "sessions", "replays"):
        key = list(TABLES[name].key)
        ours, theirs = (
            getattr(store, name)(ALL).frame.collect().sort(key, maintain_order=True) for store in (sample, opened)
        )
        assert theirs.equals(ours) or theirs.sort(ours.columns[:2]).equals(ours.sort(ours.columns[:2])), name
    location = opened.artifacts().frame.collect()["map_location"][0]
    assert opened.open_map(location) == sample.open_map(location)
    assert repr(opened) == "Lake('s3://team/lake')"


def test_a_window_of_one_day_reads_only_that_days_objects(lake, swaps):
    days = {part.day for part in lake.manifest.tables["events"]}
    day = min(day for day in days if day is not None)
    assert len(days) > 1
    window = Window(
        datetime(day.year, day.month, day.day, tzinfo=UTC),
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1),
    )
    opened = Lake.open("s3://team/lake")
    before = swaps.seen()
    for ask in (opened.events, opened.frames, opened.sessions):
        assert ask(window).report.rows > 0
    read = {path for path in swaps.fetched(before) if path.endswith(".parquet")}
    assert read, swaps.log.read_text()[before:]
    assert all(f"/day={day}/" in path for path in read), read


def test_two_writers_on_s3_do_not_lose_each_others_rows(swaps, monkeypatch):
    lake = Lake.create("s3://team/shared")
    theirs = Lake.open("s3://team/shared")

    def rows(*ids: str) -> pl.DataFrame:
        return conform(pl.DataFrame({"event_id": list(ids), "at": [NOON] * len(ids)}), EVENTS)

    def write_manifest_slowly(objects, manifest, *, seen):
        monkeypatch.undo()
        _as_owner(swaps, monkeypatch)
        assert theirs.write("events", rows("b", "c")) == Written(2, 0)
        return write_manifest(objects, manifest, seen=seen)

    monkeypatch.setattr("connectors.lake_changes.write_manifest", write_manifest_slowly)
    assert lake.write("events", rows("a", "b")) == Written(1, 1)
    assert sorted(lake.events(ALL).frame.collect()["event_id"]) == ["a", "b", "c"]
    with pytest.raises(SourceError, match="there is a lake at s3://team/shared already; open it"):
        Lake.create("s3://team/shared")
    listed = {part.path for part in lake.manifest.parts()} | lake.manifest.removed.keys()
    assert {one.name for one in lake.objects.names() if one.name.endswith(".parquet")} == listed


def test_maps_are_uploaded_to_s3_and_read_from_there(swaps, other, monkeypatch):
    raw = b'{"version":3,"sources":["a.ts"],"mappings":"AAAA"}'
    given = [Given("~/assets/shop.js", raw)]
    store = Objects.open("s3://team/maps")
    assert [put_maps(store, "1f2e3d4", given)[0].outcome for _ in range(2)] == ["new", "same"]
    opened = open_store("s3://team/maps")
    artifacts = opened.artifacts("1f2e3d4").frame.collect()
    assert artifacts.select("release", "url", "bytes").rows() == [("1f2e3d4", "~/assets/shop.js", len(raw))]
    assert opened.open_map(artifacts["map_location"][0]) == raw
    _as_owner(other, monkeypatch)
    with pytest.raises(FetchError, match="cannot replace an object only if nobody else did"):
        put_maps(Objects.open("s3://team/maps"), "1f2e3d4", given)


def test_a_lake_on_s3_is_kept_up_and_checked_by_command(swaps, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lake = Lake.create("s3://team/kept")
    for event_id in "abc":
        lake.write("events", conform(pl.DataFrame({"event_id": [event_id], "at": [NOON]}), EVENTS))

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as done:
            main(list(arguments))
        return int(str(done.value.code)), " ".join(capsys.readouterr().out.split())

    assert run("lake", "compact", "s3://team/kept") == (0, "3 files became 1; their 3 rows are all kept")
    code, said = run("lake", "verify", "s3://team/kept")
    assert (code, said.endswith("3 replaced ones wait for their readers")) == (0, True)
    code, said = run("sources", "s3://team/kept")
    assert (code, "a lake of 3 rows: events; since 2026-03-09 00:00 UTC" in said) == (0, True)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    code, said = run("sources", "s3://team/kept")
    assert (code, "fails s3://team/kept s3://team/kept refuses our keys (" in said) == (1, True)


def test_the_endpoint_may_stand_in_the_address(swaps, monkeypatch):
    Lake.create("s3://team/elsewhere").write("events", conform(pl.DataFrame({"event_id": ["a"], "at": [NOON]}), EVENTS))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    lake = open_store(f"s3://team/elsewhere?endpoint={swaps.url}&region=eu-west-1")
    assert lake.events(ALL).report.rows == 1
    below = Objects.open(f"s3://team?endpoint={swaps.url}&region=eu-west-1").below("elsewhere/")
    assert below.address == f"s3://team/elsewhere?endpoint={swaps.url}&region=eu-west-1"
    assert below.exists("lake.json")


def test_a_server_that_cannot_swap_can_be_read_from_and_says_so_when_written_to(other, tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "lake", name="kept")
    row = conform(pl.DataFrame({"event_id": ["a"], "at": [NOON]}), EVENTS)
    lake.write("events", row)
    _as_owner(other, monkeypatch)
    there = Objects.open("s3://team/copied")
    for one in lake.objects.names():
        there.write(one.name, lake.objects.read(one.name))
    copied = open_store("s3://team/copied")
    assert copied.events(ALL).frame.collect().equals(row)
    with pytest.raises(FetchError, match="which keeps two writers apart; write to a server that can"):
        copied.write("events", row.with_columns(event_id=pl.lit("b")))
    assert copied.events(ALL).report.rows == 1


@pytest.mark.parametrize(
    ("address", "environment", "message"),
    [
        ("s3://key:secret@team/x", {}, r"s3://\*\*\*@team/x holds a secret; take it out"),
        ("s3://team/x?secret_access_key=abc", {}, r"secret_access_key=\*\*\* holds a secret"),
        ("s3:///x", {}, "names no bucket; give s3://bucket/prefix"),
        ("s3://team/x?acl=public", {}, "says acl; an address of S3 may say endpoint, region, profile"),
        ("s3://team?endpoint=minio.example", {}, "give https:// and a host"),
        ("s3://team?endpoint=http://minio.example", {}, "has no TLS, and keys are not carried there"),
    ],
)
def test_an_address_that_cannot_be_meant(address, environment, message):
    with pytest.raises(AddressError, match=message):
        read_settings(address, environment)


def test_keys_come_from_the_environment_or_a_profile(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id=d\naws_secret_access_key=e\n[ops]\nrole_arn=x\n"
    )
    (tmp_path / ".aws/config").write_text("[default]\nregion=eu-north-1\nendpoint_url=https://minio.example/\n")
    home = {"HOME": str(tmp_path)}
    told = read_settings("s3://team/x", home)
    assert (told.secrets, told.region, told.endpoint) == (
        {"aws_access_key_id": "d", "aws_secret_access_key": "e"}, "eu-north-1", "https://minio.example",
    )  # fmt: skip
    ours = {
        **home,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_SESSION_TOKEN": "c",
        "AWS_REGION": "eu-west-1",
    }
    told = read_settings("s3://team/x?endpoint=https://ceph.example", ours)
    assert (list(told.secrets.values()), told.region, told.endpoint) == (
        ["a", "b", "c"],
        "eu-west-1",
        "https://ceph.example",
    )
    assert read_settings("s3://team/x", {**home, **ours, "AWS_PROFILE": "ops"}).secrets == told.secrets
    with pytest.raises(AuthError, match="the AWS profile 'ops' has no keys of its own; run `aws configure export"):
        read_settings("s3://team/x?profile=ops", home)
    with pytest.raises(AuthError, match="there is no AWS profile 'none'; there are: default, ops"):
        read_settings("s3://team/x", {**home, "AWS_PROFILE": "none"})
    with pytest.raises(AuthError, match="AWS_SECRET_ACCESS_KEY is not set, and one key is nothing without the other"):
        read_settings("s3://team/x", {"AWS_ACCESS_KEY_ID": "a", "HOME": "/nowhere"})
    (tmp_path / ".aws/credentials").write_text("aws_secret_access_key=very-secret")
    with pytest.raises(AuthError, match="the AWS file credentials cannot be read") as refused:
        read_settings("s3://team/x", home)
    assert "very-secret" not in str(refused.value)
