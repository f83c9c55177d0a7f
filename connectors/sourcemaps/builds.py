"""A build's folder: the scripts that are to be deployed, and the maps that the bundler wrote beside them."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from connectors.exceptions import SourceNotFound
from connectors.formats.source_maps import MAP

SCRIPTS = (".js", ".mjs")
PACKED = (".gz", ".br", ".zst")
INSTALLED = "node_modules"


class Script(NamedTuple):
    """A script by its path below the build's folder, with its text."""

    path: str
    code: str


class BuildFolder:
    """The folder that is deployed.

    Parameters
    ----------
    folder
        Its path.
    ignore
        Patterns of scripts that are none of the team's own (`vendor/*`), by their paths below the folder.

    Raises
    ------
    SourceNotFound
        There is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "app.js").write_text("total()"), (root / "app.js.map").write_text("{}")
    >>> build = BuildFolder(root)
    >>> [script.path for script in build.scripts], build.maps, build.map_beside("app.js")
    (['app.js'], ['app.js.map'], b'{}')
    """

    def __init__(self, folder: str | os.PathLike[str], ignore: Sequence[str] = ()) -> None:
        self.root = Path(folder)
        if not self.root.is_dir():
            raise SourceNotFound(f"there is no build at {os.fspath(folder)}: give the folder that is deployed")
        names = sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.is_file() and INSTALLED not in path.relative_to(self.root).parts
        )
        self.maps = [name for name in names if MAP.search(name)]
        own = [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore)]
        self.scripts = [Script(name, self._text(name)) for name in own if name.lower().endswith(SCRIPTS)]

    def map_beside(self, script: str, reference: str | None = None) -> bytes | None:
        """Give the map of a script: `<script>.map`, else the file that its last comment names, within the folder."""
        named = [f"{script}.map"]
        if reference and "://" not in reference and not reference.startswith(("data:", "/")):
            place = os.path.normpath(os.path.join(os.path.dirname(script), reference.split("?")[0]))
            named.append(place.replace(os.sep, "/"))
        for name in named:
            if name in self.maps:
                return (self.root / name).read_bytes()
        return None

    def rewrite(self, name: str, content: str | bytes) -> list[str]:
        """Write a file of the build anew; gives its compressed copies, which are now older than it."""
        raw = content.encode("utf-8") if isinstance(content, str) else content
        (self.root / name).write_bytes(raw)
        return [f"{name}{ending}" for ending in PACKED if (self.root / f"{name}{ending}").is_file()]

    def remove_maps(self) -> list[str]:
        """Remove every map from the build; gives their paths."""
        gone, self.maps = self.maps, []
        for name in gone:
            (self.root / name).unlink()
        return gone

    def _text(self, name: str) -> str:
        return (self.root / name).read_bytes().decode("utf-8-sig", "replace")
