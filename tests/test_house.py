"""The house's rules that no linter knows: what a room's import costs, what notebooks hold, what never enters git."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ["errors.grouping", "symbolicate.frames", "vitals.percentiles", "replay.dom", "traces.tree", "alerts.backtest"]
HEAVY = ["altair", "httpx", "ipywidgets", "anywidget", "papermill", "IPython", "pyspark", "duckdb", "pandas"]


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_leaves_heavy_packages_out(room: str) -> None:
    code = f"import sys, workbench.{room}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_walls_stand() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_notebooks_hold_no_outputs_and_no_logic() -> None:
    notebooks = [path for path in tracked() if path.suffix == ".ipynb"]
    assert notebooks
    for path in notebooks:
        cells = json.loads(path.read_text())["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]], path
        assert any("parameters" in cell["metadata"].get("tags", []) for cell in code), path
        for cell in code:
            tags = cell["metadata"].get("tags", [])
            source = "".join(cell["source"])
            assert "parameters" in tags or len(source.splitlines()) <= 4, f"{path}: {source}"
            assert not re.search(r"^\s*(def|class|for|while|if)\b", source, re.M), f"{path}: {source}"


def test_no_tracked_file_names_a_registry_host_or_a_path_of_some_machine() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "deb." + "debian.org"]
    homes = ["/" + "root/", "/" + "home/", "/" + "work/main"]
    banned = re.compile("|".join(map(re.escape, hosts + homes)).encode())
    binary = {".png", ".gz", ".zst", ".parquet", ".woff2"}
    named = [path for path in tracked() if path.suffix not in binary and banned.search(path.read_bytes())]
    assert named == []


def test_product_files_hold_one_idea_each() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in {".py", ".js", ".mjs", ".ts", ".tsx"} and path.relative_to(ROOT).parts[0] != "tests"
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}
