"""Objects in a folder on this machine."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import polars as pl

from connectors.exceptions import FetchError, SourceNotFound, WrittenMeanwhile
from connectors.objects import ObjectInfo, Objects

try:
    import fcntl
except ImportError:  # Windows: two writers on one machine are kept apart by the comparison alone
    fcntl = None

# how often a folder may be removed by others before a file is in it
ATTEMPTS = 20


class Disk(Objects):
    """A folder. A write goes through a hidden file beside its target, and is on the disk when it returns.

    Examples
    --------
    >>> import tempfile
    >>> disk = Disk(tempfile.mkdtemp())
    >>> disk.write("maps/a.map", b"{}")
    >>> [(one.name, one.bytes) for one in disk.names("maps")], disk.read("maps/a.map"), disk.exists("b")
    ([('maps/a.map', 2)], b'{}', False)
    >>> disk.create("maps/a.map", b"")
    Traceback (most recent call last):
        ...
    connectors.exceptions.WrittenMeanwhile: there is maps/a.map at ... already
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(os.path.expanduser(root))
        self.address = os.fspath(root)

    @property
    def title(self) -> str:
        """The folder's name."""
        return self.root.resolve().name

    def names(self, prefix: str = "", *, hidden: bool = False) -> list[ObjectInfo]:
        """List the files below a folder."""
        start = self._path(prefix) if prefix else self.root
        found = [start] if start.is_file() else (path for path in _walked(start) if path.is_file())
        listed = []
        for path in found:
            name = path.relative_to(self.root)
            if hidden or not any(part.startswith(".") for part in name.parts):
                try:
                    listed.append(_info(name.as_posix(), path.stat()))
                except FileNotFoundError:  # a writer's temporary file, or gone since it was listed
                    continue
        return sorted(listed)

    def head(self, name: str) -> ObjectInfo:
        """Give size and time of one file."""
        path = self._path(name)
        if not path.is_file():
            raise SourceNotFound(f"there is no {name} at {self.address}")
        return _info(name, path.stat())

    def reader(self, name: str) -> BinaryIO:
        """Open one file."""
        try:
            return self._path(name).open("rb")
        except FileNotFoundError as error:
            raise SourceNotFound(f"there is no {name} at {self.address}") from error
        except OSError as error:
            raise FetchError(f"{name} at {self.address} cannot be read ({error.strerror})") from error

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """Give one file whole, and the digest of its content."""
        try:
            with self.reader(name) as stream:
                content = stream.read()
        except OSError as error:
            raise FetchError(f"{name} at {self.address} cannot be read ({error.strerror})") from error
        return content, sha256(content).hexdigest()

    def write(self, name: str, content: bytes | BinaryIO) -> None:
        """Write one file beside its place, then move it there."""
        path = self._path(name)
        temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}-{threading.get_ident()}.new")
        with self._writing(name):
            try:
                with _opened(temporary) as stream:
                    shutil.copyfileobj(io.BytesIO(content) if isinstance(content, bytes) else content, stream, 1 << 20)
                    stream.flush()
                    os.fsync(stream.fileno())
                temporary.replace(path)
            finally:
                with suppress(OSError):
                    temporary.unlink()

    def create(self, name: str, content: bytes) -> None:
        """Write one file that is not there yet."""
        with self._alone(name) as path:
            if path.exists():
                raise WrittenMeanwhile(f"there is {name} at {self.address} already")
            self.write(name, content)

    def swap(self, name: str, content: bytes, tag: str) -> None:
        """Replace one file, if its content is still that of `tag`."""
        with self._alone(name) as path:
            if not path.is_file() or sha256(path.read_bytes()).hexdigest() != tag:
                raise WrittenMeanwhile(f"{name} at {self.address} was written by somebody else meanwhile")
            self.write(name, content)

    def delete(self, *names: str) -> None:
        """Remove files, and the folders that become empty."""
        for name in names:
            path = self._path(name)
            with self._writing(name):
                path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self.root or not folder.is_relative_to(self.root):
                    break
                try:
                    folder.rmdir()
                except OSError:  # it holds something, or is gone
                    break

    def scan_parquet(self, names: Sequence[str], path_column: str | None = None) -> pl.LazyFrame:
        """Give Parquet files as a lazy frame."""
        paths = [self._path(name) for name in names]
        frame = pl.scan_parquet(paths, hive_partitioning=False, include_file_paths=path_column)
        with self._reading():
            frame.collect_schema()  # who builds on the frame asks for it, and should not meet a file that is broken
        if path_column is None:
            return frame
        return frame.with_columns(pl.col(path_column).str.strip_prefix(f"{self.root}/"))

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Collect a frame of `scan_parquet`; a file that is broken or cannot be read is said in one sentence."""
        with self._reading():
            return super().collect(frame)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise SourceNotFound(f"a part of the table is gone from {self.address}") from error
        except (OSError, pl.exceptions.ComputeError) as error:
            raise FetchError(
                f"a part of the table at {self.address} cannot be read; `workbench lake verify` says which"
            ) from error

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise FetchError(f"{name!r} is not a name below {self.address}")
        return self.root.joinpath(*parts)

    @contextmanager
    def _alone(self, name: str) -> Iterator[Path]:
        """Keep other processes out while a file is compared and replaced; a process that dies lets go by itself."""
        path = self._path(name)
        with self._writing(name):
            lock = _opened(path.with_name(f".{path.name}.lock"))
        with lock:
            if fcntl is not None:
                with self._writing(name):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield path

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise FetchError(f"{name} at {self.address} cannot be written ({why}); nothing of it was kept") from error


def _walked(start: Path) -> Iterator[Path]:
    """Give the files below a folder, also of folders that are linked to it, but none of a folder inside of itself."""
    around = {start: {os.path.realpath(start)}}
    for folder, folders, names in os.walk(start, followlinks=True):
        inside = around.pop(Path(folder))
        real = {name: os.path.realpath(os.path.join(folder, name)) for name in folders}
        folders[:] = [name for name in folders if real[name] not in inside]
        around |= {Path(folder, name): {*inside, real[name]} for name in folders}
        yield from (Path(folder, name) for name in names)


def _opened(path: Path) -> BinaryIO:
    """Open a new file in a folder that is made for it, also while another process removes the folder as empty."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb")
        except (FileNotFoundError, FileExistsError):
            # the folder went between being made and being used or looked at; unless it is a file, or cannot be made
            if attempt == ATTEMPTS or path.parent.is_file():
                raise
    raise AssertionError("the last attempt returns or raises")


def _info(name: str, stat: os.stat_result) -> ObjectInfo:
    return ObjectInfo(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
