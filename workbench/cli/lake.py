"""`workbench lake`: what a lake holds, and keeping it small, quick and whole."""

from __future__ import annotations

import sys

from cyclopts import App
from rich.console import Console
from rich.table import Table

from connectors.upkeep import compact as put_together
from connectors.upkeep import read_keep
from connectors.upkeep import retain as keep_only

lake = App(name="lake", help="See what a lake holds; keep it small, quick and whole.")


@lake.command
def info(address: str = "lake", /) -> None:
    """List the tables of a lake: rows, files, size, days.

    Parameters
    ----------
    address
        A folder, or s3://bucket/prefix.
    """
    from connectors.lake import Lake
    from connectors.upkeep_checks import tables_of

    opened = Lake.open(address)
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"{opened.name} at {opened.address}", title_justify="left")
    for header in ("table", "rows", "files", "MB", "from", "to"):
        table.add_column(header, justify="right" if header in ("rows", "files", "MB") else "left", no_wrap=True)
    for name, rows, files, size, first, last in tables_of(opened).iter_rows():
        table.add_row(name, f"{rows:,}", f"{files:,}", f"{size / 1e6:,.1f}", str(first or "–"), str(last or "–"))
    manifest = opened.manifest
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
    print(f"{len(manifest.maps):,} source maps; revision {manifest.revision}, tables of version {manifest.schema}")


@lake.command
def compact(address: str = "lake", /, *, tables: str | None = None) -> None:
    """Put the small files of each table and day together.

    Readers and writers may go on meanwhile. The old files go an hour later, with the next write or compaction.

    Parameters
    ----------
    address
        A folder, or s3://bucket/prefix.
    tables
        Only these, with commas.
    """
    from connectors.lake import Lake

    names = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    done = put_together(Lake.open(address), names)
    if not done.days:
        print("nothing to put together: no day has small files beside each other")
        return
    print(f"{done.before:,} files became {done.after:,}; their {done.rows:,} rows are all kept")


@lake.command
def retain(address: str = "lake", /, *, keep: str) -> None:
    """Remove what is older than it is kept.

    Frames, breadcrumbs and requests go with their events, replay events with their recordings, source maps with the
    artifacts that name them.

    Parameters
    ----------
    address
        A folder, or s3://bucket/prefix.
    keep
        Table and how long, in days or weeks: spans=14d,replay_events=30d,events=26w. What is not named is kept.
    """
    from connectors.lake import Lake

    done = keep_only(Lake.open(address), read_keep(keep))
    for one in done:
        print(f"{one.table}: {one.rows:,} rows removed")
    if not done:
        print("nothing is older than it is kept")


@lake.command
def verify(address: str = "lake", /, *, repair: bool = False) -> int:
    """Open every file of a lake, and look for files that nobody lists.

    The exit code is 1 when something is wrong and was not repaired.

    Parameters
    ----------
    address
        A folder, or s3://bucket/prefix.
    repair
        Delete what a process that died has left behind, and take files that are gone or broken off the list.
    """
    from connectors.lake import Lake
    from connectors.upkeep_checks import repair as mend
    from connectors.upkeep_checks import verify as look

    opened = Lake.open(address)
    found = look(opened)
    print(f"{found.files:,} files, {found.bytes / 1e6:,.1f} MB; {found.waiting:,} replaced ones wait for their readers")
    for name in found.orphans:
        print(f"left behind: {name}")
    for name, reason in found.broken:
        print(f"broken: {name}: {reason}; its rows are lost, sync their days again")
    if repair and (found.orphans or found.broken):
        mend(opened, found)
        print("repaired")
        return 0
    if found.orphans or found.broken:
        print("workbench lake verify --repair deletes what was left behind and takes what is broken off the list")
        return 1
    return 0
