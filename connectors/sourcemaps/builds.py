"""A build's folder: what is to be deployed, and the maps that the bundler wrote beside the scripts."""

from __future__ import annotations

import fnmatch
import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from connectors.exceptions import SourceNotFound
from connectors.formats.source_maps import MAP, MARK, is_map

SCRIPTS = (".js", ".mjs", ".cjs")
STYLES, PAGES = (".css",), (".html", ".htm")
PACKED = (".gz", ".br", ".zst")
OPENS = (b"{", b")]}")  # of a map, before which there may be blanks
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
        self.styles = [Script(name, self._text(name)) for name in own if name.lower().endswith(STYLES)]
        self.pages = [Script(name, self._text(name)) for name in own if name.lower().endswith(PAGES)]
        self._others = [name for name in own if not name.lower().endswith((*SCRIPTS, *STYLES, *PAGES))]

    def disguised_maps(self) -> list[str]:
        """Give the files that are source maps under another name (`shop.js.map.json`)."""
        return [name for name in self._others if name not in self.maps and self._is_map(name)]

    def stale_copies(self) -> list[tuple[str, str]]:
        """Give scripts and styles whose compressed copy is another text: (path, path of the copy).

        A copy that cannot be unpacked here is another when it is older than its file.
        """
        found = []
        for name in (script.path for script in (*self.scripts, *self.styles)):
            for copy in (f"{name}{ending}" for ending in PACKED if (self.root / f"{name}{ending}").is_file()):
                if self._differs(name, copy):
                    found.append((name, copy))
        return found

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

    def _is_map(self, name: str) -> bool:
        path = self.root / name
        with path.open("rb") as file:
            begins = file.read(64).removeprefix(MARK).lstrip().startswith(OPENS)
        return begins and is_map(path.read_bytes())

    def _differs(self, name: str, copy: str) -> bool:
        plain, packed = self.root / name, self.root / copy
        if not copy.endswith(".gz"):
            return packed.stat().st_mtime < plain.stat().st_mtime
        try:
            return gzip.decompress(packed.read_bytes()) != plain.read_bytes()
        except (OSError, EOFError, zlib.error):
            return True

    def _text(self, name: str) -> str:
        return (self.root / name).read_bytes().decode("utf-8-sig", "replace")
