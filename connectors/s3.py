"""Objects on S3 and on what speaks its protocol, by obstore; Parquet is scanned there by Polars itself.

Who we are is found by `connectors.s3_settings`; neither keys nor the server's own words (which can hold them) are ever
repeated in an error.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

import polars as pl

from connectors.exceptions import (
    AuthError,
    BlindspotError,
    FetchError,
    MissingExtra,
    RateLimited,
    SourceNotFound,
    WrittenMeanwhile,
)
from connectors.objects import ObjectInfo, Objects
from connectors.s3_settings import read_settings

STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"<Code>([A-Za-z0-9_.]{1,60})</Code>")
KEYS_REFUSED = frozenset(
    {"AccessDenied", "AuthorizationHeaderMalformed", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken",
     "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)  # fmt: skip
FIRST_FETCH, MOST_FETCH = 64 << 10, 8 << 20


class S3Objects(Objects):
    """The objects below a prefix of a bucket, such as `s3://replays/shop?region=eu-central-1`."""

    remote = True

    def __init__(self, address: str) -> None:
        settings = read_settings(address)
        self.address = settings.address
        try:
            import obstore
        except ModuleNotFoundError as error:
            raise MissingExtra("s3 needs the package obstore: pip install 'blindspot-workbench[s3]'") from error
        self._bucket, self._prefix = settings.bucket, settings.prefix
        self._has_keys = bool(settings.secrets)
        self._polars_options = settings.for_polars()
        self._driver, self._errors = obstore, (obstore.exceptions.BaseError, OSError, ValueError)
        self._store = obstore.store.S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            config=settings.for_obstore(),
            client_options={"allow_http": settings.allow_http, "timeout": "120s", "connect_timeout": "10s"},
            retry_config={"max_retries": 4, "retry_timeout": settings.patience},
        )

    @property
    def title(self) -> str:
        """The prefix's last part, else the bucket."""
        return PurePosixPath(self._prefix).name or self._bucket

    def names(self, prefix: str = "", *, hidden: bool = False) -> list[ObjectInfo]:
        """List the objects below a prefix, or the one of that name."""
        with self._saying(prefix):
            found = [one for page in self._driver.list(self._store, prefix or None) for one in page]
        if prefix and not found and self.exists(prefix):
            return [self.head(prefix)]
        listed = [ObjectInfo(one["path"], one["size"], one["last_modified"]) for one in found]
        # consoles put an empty object where they show a folder
        folders = {str(folder) for one in listed for folder in PurePosixPath(one.name).parents}
        seen = (one for one in listed if one.bytes or one.name not in folders)
        return sorted(one for one in seen if hidden or not any(part.startswith(".") for part in one.name.split("/")))

    def head(self, name: str) -> ObjectInfo:
        """Give size and time of one object."""
        with self._saying(name):
            meta = self._driver.head(self._store, name)
        return ObjectInfo(name, meta["size"], meta["last_modified"])

    def reader(self, name: str) -> BinaryIO:
        """Open one object; small ones come in one call, big ones in ranges of the same version."""
        return io.BufferedReader(_Ranges(self, name), FIRST_FETCH)

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """Give one object whole, and its ETag."""
        with self._saying(name):
            got = self._driver.get(self._store, name)
            return bytes(got.bytes()), got.meta["e_tag"] or ""

    def read_range(self, name: str, start: int, length: int, tag: str | None) -> tuple[bytes, int, str | None]:
        """Give some bytes of an object of at least `start` bytes, the object's size, and its ETag."""
        with self._saying(name):
            options = {"range": (start, start + length), **({"if_match": tag} if tag else {})}
            try:
                got = self._driver.get(self._store, name, options=options)
                return bytes(got.bytes()), got.meta["size"], got.meta["e_tag"]
            except self._errors as error:
                if "status code: 416" in str(error):  # nothing begins there: the object is empty, or read to its end
                    return b"", start, tag
                raise

    def write(self, name: str, content: bytes | BinaryIO) -> None:
        """Write one object; big ones in parts, and still at once."""
        with self._saying(name):
            self._driver.put(self._store, name, content)

    def create(self, name: str, content: bytes) -> None:
        """Write one object that is not there yet (`If-None-Match: *`)."""
        with self._saying(name):
            self._driver.put(self._store, name, content, mode="create")

    def swap(self, name: str, content: bytes, tag: str) -> None:
        """Replace one object, if its ETag is still `tag` (`If-Match`)."""
        with self._saying(name):
            self._driver.put(self._store, name, content, mode={"e_tag": tag})

    def delete(self, *names: str) -> None:
        """Remove objects, one call each: not every server knows how to remove many at once."""
        for name in names:
            try:
                with self._saying(name):
                    self._driver.delete(self._store, name)
            except SourceNotFound:
                continue

    def scan_parquet(self, names: Sequence[str], path_column: str | None = None) -> pl.LazyFrame:
        """Give Parquet objects as a lazy frame."""
        root = "/".join(part for part in (self._bucket, self._prefix) if part)
        frame = pl.scan_parquet(
            [f"s3://{root}/{name}" for name in names],
            hive_partitioning=False,
            include_file_paths=path_column,
            storage_options=self._polars_options,
            credential_provider=None,
        )
        return (
            frame if path_column is None else frame.with_columns(pl.col(path_column).str.strip_prefix(f"s3://{root}/"))
        )

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Collect a frame of `scan_parquet`; what the server answered is said in our words."""
        try:
            return super().collect(frame)
        except (OSError, pl.exceptions.ComputeError) as error:
            raise said(error, self.address, "a part of the table", self._has_keys) from None

    @contextmanager
    def _saying(self, name: str) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise said(error, self.address, name, self._has_keys) from None


class _Ranges(io.RawIOBase):
    """One object as a stream of ranges, each bigger than the one before, all of one version."""

    def __init__(self, objects: S3Objects, name: str) -> None:
        self._objects, self._name = objects, name
        self._at, self._chunk, self._start = 0, b"", 0
        self._size: int | None = None
        self._tag: str | None = None
        self._next = FIRST_FETCH
        self._fetch()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size or 0}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._at >= (self._size or 0):
            return 0
        if not self._start <= self._at < self._start + len(self._chunk):
            self._fetch()
        part = self._chunk[self._at - self._start :][: len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _fetch(self) -> None:
        self._start = self._at
        self._chunk, self._size, self._tag = self._objects.read_range(self._name, self._at, self._next, self._tag)
        self._next = min(self._next * 8, MOST_FETCH)


def said(error: Exception, address: str, name: str, has_keys: bool = True) -> BlindspotError:
    """Say what a server answered in one sentence of ours, with the way out; its own words are left out.

    Examples
    --------
    >>> said(OSError("status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>"), "s3://b/shop", "a.map")
    AuthError('s3://b/shop refuses our keys (InvalidAccessKeyId); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what they may do there')
    """  # noqa: E501
    text = str(error)
    status = int(found[1]) if (found := STATUS.search(text)) else None
    code = found[1] if (found := CODE.search(text)) else (str(status) if status else None)
    where = f"{name} at {address}" if name else address
    if type(error).__name__ == "AlreadyExistsError":
        return WrittenMeanwhile(f"there is {where} already")
    if type(error).__name__ == "PreconditionError" or status == 412:
        return WrittenMeanwhile(f"{where} was written by somebody else meanwhile")
    asked_nobody = status is None and "credential" in text.lower()  # neither the environment nor the machine gave keys
    if asked_nobody or (not has_keys and status in (401, 403)):
        return AuthError(
            f"no keys are set for {address}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
            "or AWS_SKIP_SIGNATURE=true for a public bucket"
        )
    if code in KEYS_REFUSED or status in (401, 403):
        return AuthError(
            f"{address} refuses our keys ({code}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, "
            "and what they may do there"
        )
    if code == "NoSuchBucket":
        return SourceNotFound(f"there is no such bucket: {address}")
    if isinstance(error, FileNotFoundError) or status == 404:
        return SourceNotFound(f"there is no {where}")
    if status in (429, 503):
        return RateLimited(f"{address} asks us to come back later ({code}); try again, or ask for a smaller window")
    if status == 501:
        return FetchError(
            f"{address} cannot replace an object only if nobody else did ({code}), which keeps two writers apart; "
            "write to a server that can (AWS, MinIO, Ceph), or to a folder on disk"
        )
    if status is not None:
        return FetchError(f"{where}: the server answers {status} ({code}); nothing more was read")
    return FetchError(f"{address} cannot be reached; is the endpoint right (AWS_ENDPOINT_URL), and is it up?")
