"""The one door to files, wherever they lie: a folder on disk, or a prefix of a bucket on S3.

Everything that a store keeps in files (lake, folder sources, source maps) is read and written through an `Objects`, by
names below its root. A write is there whole or not at all; `create` and `swap` are refused when somebody else was
faster, so that two writers never lose each other's work.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

import polars as pl

from connectors.exceptions import AddressError, FormatError, SourceNotFound


class ObjectInfo(NamedTuple):
    """One object: its name below the root, its size in bytes, when it was last written (UTC)."""

    name: str
    bytes: int
    modified: datetime


class Objects(ABC):
    """Objects below a root, by name (`maps/a.map`, with `/` everywhere).

    Attributes
    ----------
    address
        Where they are, without secrets.
    remote
        True when each call goes over a network: read many at a time, and no more than is needed.
    """

    address: str
    remote: bool = False

    @staticmethod
    def open(address: str | os.PathLike[str]) -> Objects:
        """Open a folder (a path, or `file:` and a path) or `s3://bucket/prefix`; nothing has to be there yet.

        Raises
        ------
        AddressError
            The address cannot be meant.
        MissingExtra
            It is on S3, and the package for it is not installed.

        Examples
        --------
        >>> Objects.open("sample-data")
        Objects('sample-data')
        """
        text = os.fspath(address)
        if not text.strip():
            raise AddressError("the address is empty; give a folder, or s3://bucket/prefix")
        if text.lower().startswith("s3:"):
            from connectors.s3 import S3Objects

            return S3Objects(text)
        from connectors.disk import Disk

        return Disk(_path_of(text) if text.lower().startswith("file:") else text)

    def __repr__(self) -> str:
        return f"Objects({self.address!r})"

    @property
    @abstractmethod
    def title(self) -> str:
        """The last part of the address: what a source is called that says nothing about itself."""

    @abstractmethod
    def names(self, prefix: str = "", *, hidden: bool = False) -> list[ObjectInfo]:
        """List the objects below the folder `prefix`, or the object of that name, in order of name.

        Names with a part that begins with a dot are left out unless `hidden`.
        """

    @abstractmethod
    def head(self, name: str) -> ObjectInfo:
        """Give size and time of one object.

        Raises
        ------
        SourceNotFound
            There is none of this name.
        """

    @abstractmethod
    def reader(self, name: str) -> BinaryIO:
        """Open one object for reading from its beginning; no more of it is fetched than is read."""

    @abstractmethod
    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """Give one object whole, with the tag that `swap` wants to see."""

    @abstractmethod
    def write(self, name: str, content: bytes | BinaryIO) -> None:
        """Write one object, whether there is one or not; it is there whole or not at all."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> None:
        """Write one object that is not there yet.

        Raises
        ------
        WrittenMeanwhile
            There is one; it is left as it is.
        """

    @abstractmethod
    def swap(self, name: str, content: bytes, tag: str) -> None:
        """Replace one object, if it is still the one that `read_tagged` gave `tag` for.

        Raises
        ------
        WrittenMeanwhile
            It is another one now; it is left as it is.
        """

    @abstractmethod
    def delete(self, *names: str) -> None:
        """Remove objects; those that are gone already are no error."""

    @abstractmethod
    def scan_parquet(self, names: Sequence[str], path_column: str | None = None) -> pl.LazyFrame:
        """Give Parquet objects of one schema as a lazy frame that reads only the columns and row groups it needs.

        `path_column` names a column to be added: the name of the object that a row lies in.
        """

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Collect a frame made of `scan_parquet`.

        Raises
        ------
        FetchError, SourceNotFound
            A part cannot be read, or is gone.
        FormatError
            A part of an older version holds a value that cannot be brought into today's type.
        """
        try:
            return frame.collect()
        except pl.exceptions.InvalidOperationError as error:
            why = " ".join(str(error).partition("\n")[0].split())[:160]
            said = f"a value of an older version at {self.address} is not of today's type ({why})"
            raise FormatError(said) from error
        except FileNotFoundError as error:
            raise SourceNotFound(f"a part of the table is gone from {self.address}") from error

    def below(self, prefix: str) -> Objects:
        """Give the objects of one folder, under names of their own.

        Examples
        --------
        >>> Objects.open("sample-data").below("releases")
        Objects('sample-data/releases')
        """
        place, mark, options = self.address.partition("?") if self.remote else (self.address, "", "")
        return Objects.open(f"{place.rstrip('/')}/{prefix.strip('/')}{mark}{options}")

    def read(self, name: str) -> bytes:
        """Give one object whole.

        Raises
        ------
        SourceNotFound
            There is none of this name.
        """
        return self.read_tagged(name)[0]

    def exists(self, name: str) -> bool:
        """Say whether there is an object of this name."""
        try:
            self.head(name)
        except SourceNotFound:
            return False
        return True


def _path_of(address: str) -> str:
    """Give the path of `file:///a/b` or `file:./b`."""
    rest = address.partition(":")[2]
    if rest.startswith("//"):
        parts = urlsplit(address)
        rest = unquote(parts.netloc + parts.path)
    return rest or "."
