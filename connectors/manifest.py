"""What a lake consists of: `lake.json`, the list of its parts, replaced in one step.

A part that the list does not name does not exist. So a write that dies leaves the lake as it was, and readers see
either all of a write or nothing of it.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import msgspec

from connectors.exceptions import FetchError, FormatError, SourceNotFound

FILE = "lake.json"
FORMAT = 1


class Part(msgspec.Struct, frozen=True):
    """One Parquet file of a table: its path below the lake, the day of its rows (None: no time), their number."""

    path: str
    day: date | None
    rows: int


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `lake.json`."""

    name: str
    environment: str | None = None
    first_party: list[str] = []
    revision: int = 0
    tables: dict[str, list[Part]] = {}
    maps: dict[str, str] = {}
    format: int = msgspec.field(default=FORMAT)


def read_manifest(root: Path) -> Manifest:
    """Read `lake.json` of the lake at `root`.

    Raises
    ------
    SourceNotFound
        There is no lake.
    FormatError
        `lake.json` is broken, or of a form that this version does not know.

    Examples
    --------
    >>> read_manifest(Path("no/such"))
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceNotFound: there is no lake at no/such (no lake.json)
    """
    try:
        raw = (root / FILE).read_bytes()
    except FileNotFoundError as error:
        raise SourceNotFound(f"there is no lake at {root} (no {FILE})") from error
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError(f"{root / FILE} is not the list of a lake ({error})") from error
    if manifest.format != FORMAT:
        raise FormatError(
            f"{root / FILE} is of format {manifest.format}, this version reads {FORMAT}; upgrade Blindspot"
        )
    return manifest


def write_manifest(root: Path, manifest: Manifest, *, after: int | None) -> None:
    """Replace `lake.json` in one step, if it is still at revision `after` (None: if there is none yet).

    Raises
    ------
    FetchError
        Somebody else has written in between; nothing is changed.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> write_manifest(root, Manifest("shop"), after=None)
    >>> write_manifest(root, Manifest("shop", revision=8), after=7)
    Traceback (most recent call last):
        ...
    connectors.exceptions.FetchError: the lake ... was written by somebody else meanwhile (revision 0, not 7); write again
    """  # noqa: E501
    there = read_manifest(root).revision if (root / FILE).exists() else None
    if there != after:
        raise FetchError(
            f"the lake {root} was written by somebody else meanwhile (revision {there}, not {after}); write again"
        )
    encoded = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"
    write_atomically(root / FILE, encoded)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> write_atomically(path, b"1")
    >>> [file.name for file in path.parent.iterdir()], path.read_bytes()
    (['a'], b'1')
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
