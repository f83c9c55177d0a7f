"""`workbench sync`: bring a window of a remote system into a lake."""

from __future__ import annotations

import json
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from connectors.exceptions import AddressError, BlindspotError, ParameterError

if TYPE_CHECKING:
    from connectors.remote import RemoteStore
    from connectors.sync import SyncReport

sync = App(name="sync", help="Bring a window of a remote system into a lake, to work on it here.")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
GOES_ON = "What was read so far is in the lake; the same command goes on from there."
REASONS_SHOWN = 3
STOPPED = 130


@sync.default
def bring(
    *,
    source: str,
    since: str = "24h",
    until: str | None = None,
    lake: str = "lake",
    tables: str | None = None,
    parallel: int = 4,
    again: bool = False,
    overlap: str | None = None,
    allow_empty: bool = False,
    quiet: bool = False,
    json_: bool = False,
) -> int:
    """Bring a window of a remote system into a lake.

    It may be stopped or killed at any moment: the same command goes on from there. What is in the lake already is not
    read again, but for the latest minutes, in which things may have come late. Where the lake is stands on stdout, and
    the exit code is 0, when the window is in it; 1 when it is not or is empty, 130 when it was stopped.

    Parameters
    ----------
    source
        The address of the system (sentry+https://sentry.example.com/acme/shop), or the name of a source in
        workbench.toml: all its remote systems, one after the other.
    since
        From when on: 90m, 24h, 7d, 2w back from now, or a time in ISO 8601 (UTC unless it says otherwise).
    until
        Until when, likewise; now when not given.
    lake
        The lake: a folder, or s3://bucket/prefix. It is made when there is none.
    tables
        Only what gives these tables, with commas: "events,vitals".
    parallel
        How many slices of the window are read at a time.
    again
        Read the whole window again, also what is in the lake.
    overlap
        Read the end of the window again, as long as this (6h), where things turn up later than the system's connector
        expects.
    allow_empty
        An empty window is no failure.
    quiet
        No progress bar.
    json_
        Print what was done as JSON, one object a system, also of what failed.
    """
    from connectors.sync_sources import remote_stores

    names = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    options: dict[str, Any] = {"parallel": parallel, "again": again, "since": _when("since", since)}
    options["until"] = _when("until", until) if until is not None else None
    if overlap is not None:
        options["overlap"] = _back(overlap)
        if options["overlap"] is None:
            raise ParameterError(f"overlap is {overlap!r}, which is no length of time (90m, 6h, 2d)")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stores = remote_stores(source)
    wanted = {store: [name for name in names if store.has(name)] if names else names for store in stores}
    if names is not None and not any(wanted.values()):
        wanted = dict.fromkeys(stores[:1], names)  # which says what there is
    done: list[dict[str, Any]] = []
    for store, some in wanted.items():
        if some is None or some:
            done.append(_bring(store, lake, {**options, "tables": names if len(stores) == 1 else some}, quiet))
            if done[-1]["stopped"]:
                break
    codes = [_code(one, allow_empty) for one in done]
    if json_:
        print(json.dumps(done, indent=1))
    elif not any(codes):
        print(lake)
    return max(codes)


def _bring(store: RemoteStore, lake: str, options: dict[str, Any], quiet: bool) -> dict[str, Any]:
    """Sync one system, say on stderr how it went, and give the same as data."""
    from connectors.sync import Progress as SyncProgress
    from connectors.sync import sync as bring_window

    console = Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(complete_style="blue"), TaskProgressColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal,
    )  # fmt: skip
    about: dict[str, Any] = {"source": store.address, "lake": lake, "stopped": False, "error": None}
    begun = False
    try:
        with bar:
            task = bar.add_task(store.name, total=1.0, said="")

            def show(progress: SyncProgress) -> None:
                nonlocal begun
                begun = True
                waits = f", waits {progress.waits:.0f} s for the rate limit" if progress.waits >= 1 else ""
                said = f"{progress.rows:,} rows in {progress.calls:,} calls{waits}"
                bar.update(task, completed=progress.share, said=said)

            report = bring_window(store, lake, progress=show, **options)
    except KeyboardInterrupt:
        print(f"workbench: stopped. {GOES_ON}", file=sys.stderr)
        return {**about, "stopped": True}
    except (AddressError, ParameterError):
        raise
    except BlindspotError as error:
        print(f"workbench: {error}", *([GOES_ON] if begun else []), sep="\n", file=sys.stderr)
        return {**about, "error": str(error)}
    _tell(report, store.name)
    return {**about, **_as_data(report)}


def _code(done: dict[str, Any], allow_empty: bool) -> int:
    if done["stopped"]:
        return STOPPED
    return int(bool(done["error"] or done["truncated"]) or (not done["held"] and not allow_empty))


def _as_data(report: SyncReport) -> dict[str, Any]:
    return {
        "window": [time.isoformat() for time in report.window],
        "read_seconds": report.read.total_seconds(),
        "calls": report.calls,
        "rows": report.rows,
        "new": {table: count.new for table, count in sorted(report.tables.items())},
        "changed": {table: count.changed for table, count in sorted(report.tables.items())},
        "held": report.held,
        "refused": report.refused,
        "reasons": [reason._asdict() for reason in report.reasons],
        "truncated": [[feed, span.start.isoformat(), span.end.isoformat()] for feed, span in report.truncated],
    }


def _tell(report: SyncReport, name: str) -> None:
    """Say what was done."""
    window = f"{report.window.start:%Y-%m-%d %H:%M} – {report.window.end:%Y-%m-%d %H:%M} UTC"
    failed = []
    if not report.held:
        failed.append(f"{name} has nothing in {window}; is it the right window, project and environment?")
    for feed, span in report.truncated[:REASONS_SHOWN]:
        failed.append(
            f"{name} has more {feed} between {span.start:%Y-%m-%d %H:%M:%S} and {span.end:%H:%M:%S} UTC than it gives; "
            "what is missing there is not in the lake"
        )
    if report.refused:
        first = "; ".join(f"{place}: {reason}" for place, reason in report.reasons[:REASONS_SHOWN])
        print(f"workbench: {report.refused:,} rows could not be read and were left out ({first})", file=sys.stderr)
    new = ", ".join(f"{count.new:,} {table}" for table, count in sorted(report.tables.items()) if count.new)
    changed = sum(count.changed for count in report.tables.values())
    changes = [f"new: {new}"] if new else ["nothing is new"]
    changes += [f"{changed:,} rows changed"] if changed else []
    if report.held:
        print(f"{name}, {window}, is in the lake; {'; '.join(changes)}.", file=sys.stderr)
    for sentence in failed:
        print(f"workbench: {sentence}", file=sys.stderr)


def _back(text: str) -> timedelta | None:
    """Read a length of time that reaches back from now.

    Examples
    --------
    >>> _back("90m"), _back("2026-03-09")
    (datetime.timedelta(seconds=5400), None)
    """
    found = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip())
    return timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None


def _when(name: str, text: str) -> datetime | timedelta:
    """Read when a window begins or ends.

    Examples
    --------
    >>> _when("until", "0h"), _when("since", "2026-03-09T14:00+02:00").utcoffset()
    (datetime.timedelta(0), datetime.timedelta(seconds=7200))
    """
    back = _back(text)
    if back is not None:
        return back
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ParameterError(
            f"{name} is {text!r}, which is neither a length of time (90m, 24h, 7d, 2w) nor a time in ISO 8601"
        ) from None
    return read.replace(tzinfo=read.tzinfo or UTC)
