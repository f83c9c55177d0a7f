"""Deploys in one file that a deploy script writes: `releases+file:deploys.csv`, CSV or JSON, plain or packed.

In a folder of other files it needs no address of its own: it is known there by its header.
"""

from __future__ import annotations

from pathlib import Path

from connectors.exceptions import SourceNotFound
from connectors.files import each_document, find_files
from connectors.formats.releases import read_releases, release_rows
from connectors.loaded import Loaded
from connectors.redaction import redact
from connectors.releases.listed import ListedReleases


class ReleaseFile(ListedReleases):
    r"""The deploys in one file.

    Examples
    --------
    >>> import tempfile
    >>> from connectors.stores import Window
    >>> path = Path(tempfile.mkdtemp()) / "deploys.csv"
    >>> _ = path.write_text("release,environment,deployed_at\nb,web,2026-03-09T14:20Z\na,web,2026-03-02")
    >>> ReleaseFile.open(str(path)).releases(Window()).frame.select("release", "previous_release").collect().rows()
    [('a', None), ('b', 'a')]
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path.name, str(path))
        self._path = path

    @classmethod
    def open(cls, address: str) -> ReleaseFile:
        """Open the file at a path.

        Raises
        ------
        SourceNotFound
            There is no file.
        """
        path = Path(address).expanduser()
        if not path.is_file():
            raise SourceNotFound(f"there is no file of releases at {redact(address)}")
        return cls(path)

    def load(self) -> Loaded:
        """Read the file."""
        rows = release_rows()
        for _, place, raw in each_document(find_files(self._path.parent, self._path.name), rows.refuse):
            read_releases(raw, place, rows)
        return Loaded.of(rows, 1)
