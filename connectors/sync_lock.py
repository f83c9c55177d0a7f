"""One sync of a source into a lake at a time, also after a crash.

On a disk the system keeps the lock and lets go of it when the process dies, however it dies. On S3 it is an object with
a time until which it holds, renewed with each step. Should two run all the same, nothing is lost and nothing comes
twice: a lake's list is replaced only by who has seen its newest state, and rows have keys.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from connectors.disk import Disk
from connectors.exceptions import FetchError, SourceNotFound, WrittenMeanwhile
from connectors.objects import Objects

try:
    import fcntl
except ImportError:  # Windows: the lock is a file with a time, as on S3
    fcntl = None

LEASE = timedelta(minutes=15)


class SyncLock:
    """Held inside of a `with` block.

    Parameters
    ----------
    objects, name
        The lake's files, and what is locked: a name below the lake without an ending.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> with SyncLock(objects, ".sync/acme"):
    ...     with SyncLock(objects, ".sync/acme"): pass
    Traceback (most recent call last):
        ...
    connectors.exceptions.FetchError: another sync of this source writes to ... (process ... on ..., since ... UTC); let it
    finish, or end it and try again
    >>> with SyncLock(objects, ".sync/acme"): print("let go of")
    let go of
    """  # noqa: E501

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = f"{name}.lock"
        self._stream: Any = None
        self._tag: str | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises
        ------
        FetchError
            Somebody else has it; the message says who.
        """
        if fcntl is not None and isinstance(self._objects, Disk):
            self._take_file(self._objects.root / self._name)
        else:
            self._take_object()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            with suppress(OSError), self._stream:
                self._stream.truncate(0)
        elif self._tag is not None:
            self._objects.delete(self._name)

    def renew(self) -> None:
        """Hold it longer; to be called now and then."""
        if self._tag is None:
            return
        try:
            self._objects.swap(self._name, _mine(), self._tag)
        except WrittenMeanwhile as error:
            self._tag = None
            raise FetchError(f"another sync took over at {self._objects.address}; this one ends") from error
        self._tag = self._objects.read_tagged(self._name)[1]

    def _take_file(self, path: Path) -> None:
        stream = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = path.open("a+b")
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stream.truncate(0)
            stream.write(_mine())
            stream.flush()
        except BlockingIOError:
            with stream:
                stream.seek(0)
                said = stream.read()
            raise FetchError(self._taken(said)) from None
        except OSError as error:
            if stream is not None:
                with suppress(OSError):
                    stream.close()
            raise FetchError(
                f"the lake at {self._objects.address} cannot be locked for a sync ({error.strerror})"
            ) from error
        self._stream = stream

    def _take_object(self) -> None:
        try:
            self._objects.create(self._name, _mine())
        except WrittenMeanwhile:
            self._take_over()
        self._tag = self._objects.read_tagged(self._name)[1]

    def _take_over(self) -> None:
        try:
            said, tag = self._objects.read_tagged(self._name)
            if _until(said) > datetime.now(UTC):
                raise FetchError(self._taken(said))
            self._objects.swap(self._name, _mine(), tag)
        except (SourceNotFound, WrittenMeanwhile) as error:
            raise FetchError(f"another sync has just begun or ended at {self._objects.address}; try again") from error

    def _taken(self, said: bytes) -> str:
        try:
            holder = json.loads(said)
            who = f"process {holder['pid']} on {holder['host']}, since {holder['since']} UTC"
        except (ValueError, KeyError, TypeError):
            who = "one that has just begun"
        return (
            f"another sync of this source writes to {self._objects.address} ({who}); let it finish, or end it and try "
            "again"
        )


def _mine() -> bytes:
    now = datetime.now(UTC)
    return json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{now:%Y-%m-%d %H:%M:%S}",
            "until": (now + LEASE).isoformat(),
        }
    ).encode()


def _until(said: bytes) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(said)["until"])
    except (ValueError, KeyError, TypeError):
        return datetime.min.replace(tzinfo=UTC)
