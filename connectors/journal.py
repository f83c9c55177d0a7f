"""A file of small records that is only ever added to: what was written before a crash is there after it.

One JSON object a line. Each line is on the disk before `append` returns; a line that a crash tore is passed over and
counted, and the next record begins on a line of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from connectors.exceptions import SourceError


class Read(NamedTuple):
    """Records in the order in which they were written, and how many lines are no record."""

    records: list[dict[str, Any]]
    torn: int


class Journal:
    """A journal at a path; the file and its folder come into being with the first record.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.jsonl"
    >>> Journal(path).append({"bug": "B1"})
    >>> with path.open("a") as file: _ = file.write('{"bug": "B')
    >>> Journal(path).append({"bug": "B2"})
    >>> Journal(path).read()
    Read(records=[{'bug': 'B1'}, {'bug': 'B2'}], torn=1)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Journal({os.fspath(self.path)!r})"

    def append(self, *records: Mapping[str, Any]) -> None:
        """Add records, all in one write.

        Raises
        ------
        SourceError
            The file cannot be written.
        """
        text = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            with self.path.open("ab+") as file:
                if file.tell() and _last_byte(file.fileno(), file.tell()) != b"\n":
                    text = b"\n" + text
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise SourceError(f"{self.path} cannot be written: {error.strerror}; nothing was kept") from error

    def read(self) -> Read:
        """Read all records; a journal that was never written has none.

        Raises
        ------
        SourceError
            The file cannot be read.
        """
        try:
            lines: Sequence[bytes] = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}") from error
        records, torn = [], 0
        for line in lines:
            if not line.strip():
                continue
            try:
                record = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                torn += 1
                continue
            if isinstance(record, dict):
                records.append(record)
            else:
                torn += 1
        return Read(records, torn)


def _last_byte(descriptor: int, size: int) -> bytes:
    return os.pread(descriptor, 1, size - 1)


def _sync_folder(folder: Path) -> None:
    """Put the new file's name on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
