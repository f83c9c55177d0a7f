"""Open a case: parse the window, open the source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.exceptions import ParameterError, SourceNotFound
from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import TABLES
from connectors.warehouse import Warehouse
from workbench.case.case import Case
from workbench.case.elsewhere import CaseElsewhere

Time = str | datetime | None


def open_case(
    source: Any = "sample-data",
    *,
    start: Time = None,
    end: Time = None,
    release: str | None = None,
    environment: str | None = None,
    project: str | None = None,
) -> Case:
    """Open an investigation over a source.

    Parameters
    ----------
    source
        An address (`"sample-data"`, a folder, a lake, `"scheme://..."`), an object that answers the Protocols of
        `connectors.stores`, or tables of an engine by their canonical names (`{"vitals": spark_frame, ...}`).
    start, end
        The window, UTC: `start` inclusive, `end` exclusive; ISO 8601 text or datetimes, None is open.
    release
        Look at one release only: its events, sessions and vitals. A commit, or the beginning of one.
    environment, project
        Keep rows of these only (rows that do not say stay in).

    Returns
    -------
    A `Case`. Nothing is fetched yet.

    Raises
    ------
    SourceError
        Nothing is at the address, or no store understands it.
    ParameterError
        A time cannot be read, or the window ends before it starts.

    Examples
    --------
    >>> case = open_case("sample-data", start="2026-03-09", end="2026-03-11")
    >>> case.window.describe()
    '2026-03-09 00:00 UTC – 2026-03-11 00:00 UTC'
    """
    first, last = _time("start", start), _time("end", end)
    if first is not None and last is not None and first >= last:
        raise ParameterError(f"the window ends ({last:%Y-%m-%d %H:%M}) before it starts ({first:%Y-%m-%d %H:%M})")
    if isinstance(source, Mapping):
        source = Warehouse(source)
    store = open_store(source) if isinstance(source, str) or hasattr(source, "__fspath__") else source
    if hasattr(store, "has") and not any(store.has(name) for name in TABLES):
        passed = len(getattr(store, "passed_over", ()))
        raise SourceNotFound(
            f"nothing at {getattr(store, 'address', source)} is evidence that can be read ({passed} files of no known "
            "kind were passed over); put envelopes, beacons, rrweb recordings, OTLP spans or Lighthouse results there"
        )
    kind = CaseElsewhere if hasattr(store, "is_big") else Case
    return kind(store, Window(first, last, environment or None, project or None), release or None)


def _time(name: str, value: Time) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ParameterError(f"{name}: {value!r} is not a time; give ISO 8601, such as 2026-03-09T14:20") from error
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
