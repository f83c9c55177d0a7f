"""What a lake consists of: `lake.json`, the list of its parts, replaced in one step.

A part that the list does not name does not exist. So a write that dies leaves the lake as it was, and readers see
either all of a write or nothing of it.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from connectors.exceptions import FetchError, FormatError, SourceNotFound, WrittenMeanwhile
from connectors.objects import Objects

FILE = "lake.json"
# the form of lake.json itself
FORMAT = 1
# The form of the canonical tables in the parts: one more whenever a column of `connectors.tables` is added, renamed or
# changes its type (tests/connectors/test_lake_versions.py holds it against them).
SCHEMA = 1


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Parquet file of a table.

    `day` is the day it lies under: of the rows' own time, or for what belongs to an event, of the event (None: no
    time); `first` and `last` are the days of the rows' own times and ends, where they are known for every row; `schema`
    is the version of the tables that it was written with.
    """

    path: str
    day: date | None
    rows: int
    first: date | None = None
    last: date | None = None
    schema: int = 1


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `lake.json`.

    `removed` are parts that no reader finds any more, and since when; `kept_from` is the first day that a retention has
    left of a table; `made` is the lake's own mark, another one for each lake that is made.
    """

    name: str
    environment: str | None = None
    first_party: list[str] = []
    revision: int = 0
    tables: dict[str, list[Part]] = {}
    maps: dict[str, str] = {}
    removed: dict[str, datetime] = {}
    kept_from: dict[str, date] = {}
    made: str = ""
    format: int = msgspec.field(default=FORMAT)
    schema: int = 1

    def parts(self) -> list[Part]:
        """Give the parts of all tables."""
        return [part for parts in self.tables.values() for part in parts]


# made once, here: two threads that make it at the same time read memory that is not set yet
_manifest = msgspec.json.Decoder(Manifest)


def read_manifest(objects: Objects) -> tuple[Manifest, str]:
    """Read `lake.json`, and give the tag under which it can be replaced.

    Raises
    ------
    SourceNotFound
        There is no lake.
    FormatError
        `lake.json` is broken, or of a form that this version does not know.

    Examples
    --------
    >>> read_manifest(Objects.open("no/such"))
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceNotFound: there is no lake at no/such (no lake.json)
    """
    try:
        raw, tag = objects.read_tagged(FILE)
    except SourceNotFound as error:
        if FILE not in str(error):
            raise
        raise SourceNotFound(f"there is no lake at {objects.address} (no {FILE})") from error
    try:
        manifest = _manifest.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError(f"{FILE} at {objects.address} is not the list of a lake ({error})") from error
    if manifest.format != FORMAT:
        raise FormatError(
            f"{FILE} at {objects.address} is of format {manifest.format}, this version reads {FORMAT}; "
            "upgrade Blindspot"
        )
    if manifest.schema > SCHEMA:
        raise FormatError(
            f"the lake at {objects.address} was written by a newer Blindspot (tables of version {manifest.schema}, "
            f"this one knows {SCHEMA}); upgrade Blindspot"
        )
    return manifest, tag


def write_manifest(objects: Objects, manifest: Manifest, *, seen: str | None) -> None:
    """Replace `lake.json` in one step, if it is still the one of the tag `seen` (None: if there is none yet).

    Raises
    ------
    WrittenMeanwhile
        Somebody else has written in between; nothing is changed.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> write_manifest(objects, Manifest("shop"), seen=None)
    >>> _, tag = read_manifest(objects)
    >>> write_manifest(objects, Manifest("shop", revision=1), seen=tag)
    >>> write_manifest(objects, Manifest("shop", revision=2), seen=tag)
    Traceback (most recent call last):
        ...
    connectors.exceptions.WrittenMeanwhile: lake.json at ... was written by somebody else meanwhile
    """
    encoded = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"
    if seen is None:
        return objects.create(FILE, encoded)
    try:
        objects.swap(FILE, encoded, seen)
    except WrittenMeanwhile:
        # A call that was made again because its answer was lost meets its own work.
        if objects.read(FILE) != encoded:
            raise
    except FetchError:
        # The answer was lost: only the store knows whether the write was.
        if not objects.exists(FILE) or objects.read(FILE) != encoded:
            raise
    return None
