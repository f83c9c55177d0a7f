"""The way of maps through a real server that checks signatures: uploaded, checked, symbolicated with, pruned."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors.objects import Objects
from connectors.registry import open_store
from connectors.sourcemaps.uploads import Given, put_maps
from tests.connectors.s3_servers import S3Server, moto
from workbench.artifacts import check_maps, prune_maps, upload_maps

pytest.importorskip("obstore", reason="needs obstore: uv sync --group heavy")
RELEASE, NOW = "1f2e3d4c5b6a79880123456789abcdef01234567", datetime(2026, 3, 9, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(Path(pytestconfig.cache.mkdir("servers")), tmp_path_factory.mktemp("moto")) as started:
        yield started


@pytest.fixture
def store(server: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{server.bucket}/{request.node.name}"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "build" / "assets").mkdir(parents=True)
    source_map = {"version": 3, "sources": ["a.js"], "sourcesContent": ["var total = 1"], "mappings": "AAAA,IAAI"}
    (tmp_path / "build" / "assets" / "app.js").write_text("var total=1\n")
    (tmp_path / "build" / "assets" / "app.js.map").write_text(json.dumps(source_map))
    return tmp_path / "build"


def test_uploaded_checked_and_pruned(store: str, build: Path) -> None:
    site = shutil.copytree(build, build.parent / "site")
    done = upload_maps(site, RELEASE, store, inject=True, strip=True, now=NOW)
    assert [(one.outcome, one.map_location) for one in done.put] == [("new", f"{RELEASE}/assets/app.js.map")]
    assert check_maps(site, RELEASE, store).findings.rows() == []
    short = f"shop@{RELEASE[:12]}"
    assert check_maps(site, short, store).findings["verdict"].to_list() == ["release_mismatch"]
    assert check_maps(site, "0a1b2c3", store).findings["verdict"].to_list() == ["no_maps", "name_changed"]
    [gone] = prune_maps(store, "1d", keep_last=0, now=NOW + timedelta(days=2))
    assert gone.map_location == f"{RELEASE}/assets/app.js.map"
    assert check_maps(site, RELEASE, store).findings["verdict"].to_list() == ["expired"]
    listed = open_store(store).artifacts()
    assert listed.report.refused == ()
    assert listed.frame.select(pl.len()).collect().item() == 1


def test_jobs_that_upload_at_a_time_lose_nothing(store: str) -> None:
    names = [f"part{n}" for n in range(6)]

    def upload(name: str) -> None:
        raw = json.dumps({"version": 3, "sources": [name], "mappings": ""}).encode()
        put_maps(Objects.open(store), RELEASE, [Given(f"~/{name}.js", raw)])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upload, names))
    urls = open_store(store).artifacts().frame.collect()["url"]
    assert sorted(urls) == [f"~/{name}.js" for name in names]
