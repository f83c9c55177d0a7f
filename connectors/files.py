"""Files of a source: found, opened whatever they are compressed with, cut into documents.

What cannot be read is refused with the place; everything before it is given. Nothing here knows a format.
"""

from __future__ import annotations

import io
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import zstandard

from connectors.disk import Disk
from connectors.exceptions import FetchError, FormatError, SourceNotFound
from connectors.objects import Objects
from connectors.packed import BLOCK, gunzip

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
COMPRESSION = re.compile(r"\.(gz|zst|zstd)$")
LINES = re.compile(r"\.(ndjson|jsonl|jsonlines|log)$")

# What lies behind a network is fetched ahead of its reader: so many files, each of at most so many bytes.
AHEAD, SMALL = 16, 4 << 20

# One document, unpacked: more is no evidence but a bomb, or many documents without a line between them.
LARGEST = 512 << 20
TOO_LARGE = f"it unpacks to more than {LARGEST >> 20} MB in one document; cut it into lines, one document each"

Refuse = Callable[[str, str], None]


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a source: its name in reports (the path below the source), where it lies, its size as it lies."""

    name: str
    objects: Objects = field(compare=False)
    bytes: int = field(default=0, compare=False)
    held: bytes | None = field(default=None, compare=False, repr=False)

    @property
    def stem(self) -> str:
        """The file's name without folder, compression and format: `raw/s1.ndjson.gz` is `s1`."""
        return re.sub(
            r"\.(ndjson|jsonl|jsonlines|log|json|envelope|txt)$", "", COMPRESSION.sub("", PurePosixPath(self.name).name)
        )

    def open(self) -> BinaryIO:
        """Open the file as it lies, for reading anywhere in it."""
        return self.objects.reader(self.name) if self.held is None else io.BytesIO(self.held)

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """Give the content, decompressed, block by block; `size` bytes of the file are read at a time.

        Raises
        ------
        FormatError
            The file cannot be opened, or what is left of it is not what its compression says. Comes after
            everything that could be read.
        """
        try:
            with self.open() as stream:
                start = stream.read(4)
                stream.seek(0)
                raw = iter(lambda: stream.read(size), b"")
                if start[:2] == GZIP:
                    yield from gunzip(raw)
                elif start == ZSTD:
                    unpacked = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
                    yield from iter(lambda: unpacked.read(BLOCK), b"")
                else:
                    yield from raw
        except SourceNotFound as error:
            raise FormatError("the file is gone since it was listed") from error
        except (OSError, FetchError) as error:
            if self.objects.remote:
                raise  # an outage is not this file's fault
            cause = error if isinstance(error, OSError) else error.__cause__
            raise FormatError(f"the file cannot be read ({getattr(cause, 'strerror', None) or error})") from error
        except zstandard.ZstdError as error:
            raise FormatError(f"the file's zstd stream is broken ({error})") from error

    def read(self) -> bytes:
        """Give the whole content, decompressed."""
        parts, size = [], 0
        for block in self.blocks():
            parts.append(block)
            size += len(block)
            if size > LARGEST:
                raise FormatError(TOO_LARGE)
        return b"".join(parts)

    def head(self, size: int = 65_536) -> bytes:
        """Give the beginning of the content, as far as it can be read."""
        parts: list[bytes] = []
        try:
            for block in self.blocks(16_384):
                parts.append(block)
                if sum(map(len, parts)) >= size:
                    break
        except FormatError:
            # the caller reads the whole file later, and then the reason is counted
            pass
        return b"".join(parts)[:size]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines that are not empty with their numbers, from 1; not the line in which a broken file ends."""
        begun, number = [b""], 0  # the pieces of a line that goes on
        try:
            for block in self.blocks():
                first, *more = block.split(b"\n")
                begun.append(first)
                if not more:
                    if sum(map(len, begun)) > LARGEST:
                        raise FormatError(TOO_LARGE)
                    continue
                *whole, rest = [b"".join(begun), *more]
                begun = [rest]
                for line in whole:
                    number += 1
                    if line.strip():
                        yield number, line
        except FormatError as error:
            raise FormatError(f"{error}; {number} lines before it were read") from error
        rest = b"".join(begun)
        if rest.strip():
            yield number + 1, rest


def find_files(root: Objects | str | os.PathLike[str], place: str | os.PathLike[str] = "") -> list[SourceFile]:
    """Give the file at `place` below `root`, or all files below it, in order of name; hidden ones are left out.

    A place outside of a folder (`../uploads`, `/data/replays`) is a root of its own.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "b.json").write_text("{}"), (root / "a.json").write_text("{}"), (root / ".c").write_text("")
    >>> [file.name for file in find_files(root)], [file.name for file in find_files(root, "b.json")]
    (['a.json', 'b.json'], ['b.json'])
    """
    objects = root if isinstance(root, Objects) else Disk(root)
    prefix = PurePosixPath(os.fspath(place)).as_posix().removesuffix("/")
    if isinstance(objects, Disk):
        path = objects.root / place
        if Path(place).is_absolute() or ".." in PurePosixPath(prefix).parts:
            if path.resolve().is_relative_to(objects.root.resolve()):
                prefix = path.resolve().relative_to(objects.root.resolve()).as_posix()
            else:
                objects, prefix = (Disk(path.parent), path.name) if path.is_file() else (Disk(path), "")
    listed = objects.names("" if prefix == "." else prefix)
    return [SourceFile(one.name, objects, one.bytes) for one in listed]


def fetched_ahead(files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Give files in their order; small ones that lie behind a network are fetched before they are asked for.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.json").write_text("{}")
    >>> [file.read() for file in fetched_ahead(find_files(root))]
    [b'{}']
    """
    files = list(files)
    if not any(file.objects.remote for file in files):
        yield from files
        return
    with ThreadPoolExecutor(AHEAD) as pool:
        coming = deque(pool.submit(_fetched, file) for file in files[:AHEAD])
        for later in [*files[AHEAD:], *[None] * AHEAD]:
            if not coming:
                break
            file = coming.popleft().result()
            if later is not None:
                coming.append(pool.submit(_fetched, later))
            yield file


def heads_of(files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
    """Give files with their beginnings, many at a time where they lie behind a network.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.json").write_text("{}")
    >>> [(file.name, head) for file, head in heads_of(find_files(root))]
    [('a.json', b'{}')]
    """
    files = list(files)
    if not any(file.objects.remote for file in files):
        yield from ((file, file.head()) for file in files)
        return
    with ThreadPoolExecutor(AHEAD) as pool:
        yield from zip(files, pool.map(SourceFile.head, files), strict=True)


def _fetched(file: SourceFile) -> SourceFile:
    if not file.objects.remote or file.bytes > SMALL:
        return file
    try:
        return replace(file, held=file.objects.read(file.name))
    except SourceNotFound:
        return file  # whoever reads it is told


def holds_lines(file: SourceFile, head: bytes) -> bool:
    """Say whether a file is one document a line, by its name, else by how its first lines begin and end.

    Examples
    --------
    >>> one = SourceFile("a.json", Objects.open("."))
    >>> holds_lines(one, b'{"a": 1}\\n{"a": 2}\\n'), holds_lines(one, b'{\\n  "a": 1\\n}\\n')
    (True, False)
    """
    if LINES.search(COMPRESSION.sub("", file.name)):
        return True
    lines = [line.strip() for line in head.split(b"\n")[:11] if line.strip()]
    closed = sum(line[:1] + line[-1:] in (b"{}", b"[]") and len(line) > 2 for line in lines)
    return len(lines) > 1 and closed * 2 >= len(lines)


def each_document(files: Iterable[SourceFile], refuse: Refuse) -> Iterator[tuple[SourceFile, str, bytes]]:
    """Give every document of `files` with its file and its place (`name`, or `name:line`); broken files are refused.

    Examples
    --------
    >>> import tempfile, gzip
    >>> root = Path(tempfile.mkdtemp())
    >>> cut = gzip.compress(b'{"a": 1}\\n' * 2)[:-8]
    >>> _ = (root / "x.ndjson.gz").write_bytes(cut), (root / "y.json").write_bytes(b"[1]")
    >>> refused = []
    >>> [(place, raw) for _, place, raw in each_document(find_files(root), lambda *why: refused.append(why))]
    [('x.ndjson.gz:1', b'{"a": 1}'), ('x.ndjson.gz:2', b'{"a": 1}'), ('y.json', b'[1]')]
    >>> refused
    [('x.ndjson.gz', 'the file ends early (its gzip stream is cut off); 2 lines before it were read')]
    """
    for file in fetched_ahead(files):
        try:
            if holds_lines(file, file.head(8192)):
                for number, line in file.lines():
                    yield file, f"{file.name}:{number}", line
            else:
                yield file, file.name, file.read()
        except FormatError as error:
            refuse(file.name, str(error))
