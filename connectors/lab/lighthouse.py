"""Lighthouse results in files, one result a file; the release they were made of is in the file or in its name."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.files import SourceFile, each_document
from connectors.formats.lighthouse import Run, lab_rows, read_result
from connectors.loaded import Loaded


def read_lab_runs(files: Sequence[SourceFile], releases: Sequence[str] = ()) -> Loaded:
    """Read lab runs from Lighthouse results.

    Parameters
    ----------
    files
        One result a file; the run's id is the file's name.
    releases
        Releases that are known: a result that names none belongs to the one that its path names, if it does.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a1b2c3d-cart-mobile.json").write_text(
    ...     '{"fetchTime":"2026-03-02T09:00:00Z","audits":{"speed-index":{"score":1,"numericValue":900}}}'
    ... )
    >>> read_lab_runs(find_files(root, root), ["a1b2c3d"]).frame.select("run_id", "release", "metric").rows()
    [('a1b2c3d-cart-mobile', 'a1b2c3d', 'SI')]
    """
    rows = lab_rows()
    for file, place, raw in each_document(files, rows.refuse):
        run_id = file.stem if place == file.name else f"{file.stem}:{place.rpartition(':')[2]}"
        named = [release for release in releases if release in file.name]
        read_result(raw, place, rows, Run(run_id, max(named, key=len, default=None)))
    return Loaded.of(rows, len(files))
