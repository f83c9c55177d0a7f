"""How the list of a lake's parts is changed: built on the newest one, and built again when somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import msgspec

from connectors.exceptions import WrittenMeanwhile
from connectors.manifest import SCHEMA, Manifest, Part, read_manifest, write_manifest
from connectors.objects import Objects

# Somebody always wins, so a writer that loses this often meets more than it can wait for.
ATTEMPTS = 12
# Readers that began before a change may finish: what it replaced stays this long.
GRACE = timedelta(hours=1)


class Change(NamedTuple):
    """What is to become of a lake: tables that change, each with all its parts; maps by location (None: it goes).

    Of tables in `kept_from` nothing is left of the days before.
    """

    tables: Mapping[str, Sequence[Part]] = {}
    maps: Mapping[str, str | None] = {}
    kept_from: Mapping[str, date] = {}


def change_lake(objects: Objects, build: Callable[[Manifest], Change]) -> Manifest:
    """Replace the list by what `build` makes of the newest one.

    What is listed no more is deleted by the first change that comes an hour later. Parts that were made for a list that
    lost are deleted at once; those of a process that dies are found by `connectors.upkeep`.

    Raises
    ------
    WrittenMeanwhile
        Others were faster, again and again.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> write_manifest(objects, Manifest("shop"), seen=None)
    >>> change_lake(objects, lambda before: Change({}, {"a.map": "maps/a.zst"})).maps
    {'a.map': 'maps/a.zst'}
    """
    for left in reversed(range(ATTEMPTS)):
        before, tag = read_manifest(objects)
        change = build(before)
        after, due = changed(before, change, datetime.now(UTC))
        if not (change.tables or change.maps or due):
            return before
        try:
            write_manifest(objects, after, seen=tag)
        except WrittenMeanwhile:
            listed = {part.path for part in before.parts()}
            objects.delete(*{part.path for parts in change.tables.values() for part in parts} - listed)
            if left:
                continue
            raise
        objects.delete(*due)
        return after
    raise AssertionError("the last attempt returns or raises")


def changed(before: Manifest, change: Change, now: datetime) -> tuple[Manifest, list[str]]:
    """Apply a change to a list, and say which files that were removed earlier are due to be deleted.

    Examples
    --------
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> a, b = Part("events/a", None, 1), Part("events/b", None, 1)
    >>> before = Manifest("shop", tables={"events": [a]}, removed={"events/0": noon - 2 * GRACE})
    >>> after, due = changed(before, Change({"events": [b]}), noon)
    >>> after.revision, list(after.removed), due
    (1, ['events/a'], ['events/0'])
    """
    tables = {**before.tables, **{name: sorted(parts, key=_path) for name, parts in change.tables.items()}}
    maps = {location: path for location, path in {**before.maps, **change.maps}.items() if path is not None}
    there = {part.path for parts in tables.values() for part in parts} | set(maps.values())
    gone = ({part.path for part in before.parts()} | set(before.maps.values())) - there
    due = [path for path, since in before.removed.items() if now - since > GRACE and path not in there]
    removed = {**before.removed, **dict.fromkeys(gone, now)}
    after = msgspec.structs.replace(
        before,
        revision=before.revision + 1,
        tables={name: list(parts) for name, parts in tables.items() if parts},
        maps=maps,
        kept_from={**before.kept_from, **change.kept_from},
        removed={path: since for path, since in removed.items() if path not in there and path not in due},
        schema=SCHEMA,
    )
    return after, due


def _path(part: Part) -> str:
    return part.path
