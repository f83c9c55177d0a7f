"""A conformance check for stores, ours and others': the tables conform, the reports are truthful, windows are windows.

In the tests of a package that brings a store::

    from connectors.testing import assert_conforms

    def test_our_store_keeps_the_contract(our_server):
        assert_conforms(open_store(f"acme+{our_server.url}"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from connectors.exceptions import TableError
from connectors.redaction import redact
from connectors.remote import RemoteStore
from connectors.stores import (
    Fetched,
    FetchReport,
    LabStore,
    Refused,
    ReleaseStore,
    ReplayStore,
    RumStore,
    SourceMapStore,
    TraceStore,
    TrackerStore,
    Window,
)
from connectors.tables import TABLES, Table, conform
from connectors.testing_remote import remote_findings

METHODS: Mapping[type, tuple[str, ...]] = {
    TrackerStore: ("events", "frames", "breadcrumbs", "requests"),
    RumStore: ("vitals", "page_views", "sessions"),
    ReplayStore: ("replays",),
    TraceStore: ("spans",),
    LabStore: ("lab_runs",),
    ReleaseStore: ("releases",),
}
LONG_AGO = Window(datetime(1971, 1, 1, tzinfo=UTC), datetime(1971, 1, 2, tzinfo=UTC))
# what belongs to events, whenever it happened
OF_EVENTS = ("frames", "breadcrumbs", "requests")
RECORDINGS_OPENED = 3


def assert_conforms(store: Any) -> None:
    """Raise an `AssertionError` that lists every way in which `store` breaks the contract of `connectors.stores`.

    Examples
    --------
    >>> class Forgetful:
    ...     def lab_runs(self, window):
    ...         report = FetchReport("acme", "lab_runs", "all", rows=2)
    ...         return Fetched(TABLES["lab_runs"].empty().lazy(), report)
    >>> assert_conforms(Forgetful())
    Traceback (most recent call last):
        ...
    AssertionError: lab_runs: the report says 2 rows, the frame has 0
    """
    findings = list(dict.fromkeys(findings_of(store)))
    if findings:
        raise AssertionError("\n".join(findings))


def findings_of(store: Any) -> Iterator[str]:
    """Say every way in which a store breaks the contract, one sentence each; nothing when it keeps it.

    Examples
    --------
    >>> list(findings_of(object()))
    ['object answers no Protocol of connectors.stores']
    """
    answered = [protocol for protocol in (*METHODS, SourceMapStore) if isinstance(store, protocol)]
    if not answered:
        yield f"{type(store).__name__} answers no Protocol of connectors.stores"
    if repr(store) != redact(repr(store)):
        yield f"the store's repr shows a secret: {redact(repr(store))}"
    for protocol in answered:
        for name in METHODS.get(protocol, ()):
            yield from _table_findings(TABLES[name], _fetch_of(store, name))
    if SourceMapStore in answered:
        yield from _map_findings(store)
    if ReplayStore in answered:
        yield from _recording_findings(store)
    if TraceStore in answered:
        yield from _trace_findings(store)
    if isinstance(store, RemoteStore):
        yield from remote_findings(store)


def _fetch_of(store: Any, name: str) -> Callable[[Window], Fetched]:
    if name == "spans":
        return lambda window: store.spans(window=window)
    return getattr(store, name)


def _table_findings(table: Table, fetch: Callable[[Window], Fetched]) -> Iterator[str]:
    everything = fetch(Window())
    yield from _fetched_findings(table, everything)
    if not isinstance(everything.frame, pl.LazyFrame):
        return
    rows = everything.frame.collect()
    nothing = fetch(LONG_AGO)
    yield from _fetched_findings(table, nothing)
    timed = table.time is not None and rows.height and rows[table.time].null_count() == 0
    left = nothing.frame.collect().height
    if (timed or rows.is_empty() or table.time is None) and left:
        yield f"{table.name}: {left} rows in a window of 1971"
    again = fetch(Window()).frame.collect()
    if again.height != rows.height:
        yield f"{table.name}: a second fetch of everything gives {again.height} rows, the first gave {rows.height}"
    if timed and table.name not in OF_EVENTS:
        yield from _window_findings(table, fetch, rows)


def _window_findings(table: Table, fetch: Callable[[Window], Fetched], rows: pl.DataFrame) -> Iterator[str]:
    """Cut time in two at a row: each row begins on one side only, and the row itself on the later one."""
    begins = pl.col(table.time or "at")
    cut = rows[table.time].sort()[rows.height // 2]
    before, after = (fetch(window) for window in (Window(end=cut), Window(start=cut)))
    yield from _fetched_findings(table, before)
    yield from _fetched_findings(table, after)
    early, late = before.frame.collect(), after.frame.collect()
    if early.filter(begins >= cut).height:
        yield f"{table.name}: a window gives rows that begin at its end or later ({cut})"
    expected = rows.filter(begins < cut).height
    if early.height != expected:
        yield f"{table.name}: {early.height} rows begin before {cut}, of everything it is {expected}"
    missing = rows.filter(begins >= cut).height - late.filter(begins >= cut).height
    if missing:
        yield f"{table.name}: {missing} rows that begin at {cut} or later are not in the window from there"
    lasting = pl.max_horizontal(begins, "ended_at") if "ended_at" in table.schema else begins
    if late.filter(lasting < cut).height:
        yield f"{table.name}: a window gives rows that ended before its start ({cut})"


def _fetched_findings(table: Table, fetched: Fetched) -> Iterator[str]:
    frame, report = fetched
    if not isinstance(frame, pl.LazyFrame):
        yield f"{table.name}: the frame is a {type(frame).__name__}, not a LazyFrame"
        return
    rows = frame.collect()
    if dict(rows.schema) != dict(table.schema):
        wrong = sorted(
            name for name in {*rows.schema, *table.schema} if rows.schema.get(name) != table.schema.get(name)
        )
        yield f"{table.name}: not the canonical columns ({', '.join(wrong) or 'in another order'})"
    elif list(rows.columns) != list(table.schema):
        yield f"{table.name}: the columns are in another order"
    else:
        try:
            conform(rows, table)
        except TableError as error:
            yield str(error)
        yield from _key_findings(table, rows)
    yield from _report_findings(table, report, rows.height)


def _key_findings(table: Table, rows: pl.DataFrame) -> Iterator[str]:
    ids = [name for name in table.key if name.endswith("_id")]
    known = rows.filter(pl.any_horizontal(pl.col(ids).is_not_null())) if ids else rows
    twice = known.filter(pl.struct(table.key).is_duplicated())
    if twice.height:
        first = twice.select(table.key).row(0)
        yield f"{table.name}: {twice.height} rows share their key ({', '.join(table.key)}; first: {first})"


def _report_findings(table: Table, report: FetchReport, rows: int) -> Iterator[str]:
    if not isinstance(report, FetchReport):
        yield f"{table.name}: the report is a {type(report).__name__}"
        return
    if report.table != table.name:
        yield f"{table.name}: the report is about {report.table}"
    if report.rows != rows:
        yield f"{table.name}: the report says {report.rows} rows, the frame has {rows}"
    if not report.source or not report.query:
        yield f"{table.name}: the report names no {'query' if report.source else 'source'}"
    for refused in report.refused:
        if not (isinstance(refused, Refused) and refused.place and refused.reason):
            yield f"{table.name}: {refused!r} does not say what was refused, where and why"
    if redact(repr(report)) != repr(report):
        yield f"{table.name}: the report shows a secret"


def _map_findings(store: SourceMapStore) -> Iterator[str]:
    table = TABLES["artifacts"]
    everything = store.artifacts()
    yield from _fetched_findings(table, everything)
    rows = everything.frame.collect()
    for release in rows["release"].drop_nulls().unique().sort():
        of_release = store.artifacts(release)
        yield from _fetched_findings(table, of_release)
        if of_release.report.rows != rows.filter(pl.col("release") == release).height:
            yield f"artifacts: {of_release.report.rows} of release {release}, of all it is another number"
    yield from _fetched_findings(table, store.artifacts("a release that nobody made"))
    for location, size in rows.select("map_location", "bytes").head(RECORDINGS_OPENED).iter_rows():
        opened = len(store.open_map(location))
        if size is not None and opened != size:
            yield f"artifacts: {location} has {size} bytes by the table, {opened} when opened"


def _recording_findings(store: ReplayStore) -> Iterator[str]:
    table = TABLES["replay_events"]
    rows = store.replays(Window()).frame.collect()
    for replay_id, count in rows.select("replay_id", "event_count").head(RECORDINGS_OPENED).iter_rows():
        events = store.replay_events(replay_id)
        yield from _fetched_findings(table, events)
        frame = events.frame.collect()
        if frame["replay_id"].n_unique() > 1:
            yield f"replay_events: {replay_id} gives events of other recordings"
        if not frame["at"].is_sorted():
            yield f"replay_events: the events of {replay_id} are not in order of time"
        if count is not None and count != frame.height and not events.report.refused:
            yield f"replay_events: {replay_id} has {count} events by the table, {frame.height} when opened"
    yield from _fetched_findings(table, store.replay_events("a recording that nobody made"))


def _trace_findings(store: TraceStore) -> Iterator[str]:
    rows = store.spans(window=Window()).frame.collect()
    yield from _fetched_findings(TABLES["spans"], store.spans(trace_ids=[]))
    for trace_id in rows["trace_id"].unique(maintain_order=True).head(RECORDINGS_OPENED):
        spans = store.spans(trace_ids=[trace_id])
        yield from _fetched_findings(TABLES["spans"], spans)
        if spans.report.rows != rows.filter(pl.col("trace_id") == trace_id).height:
            yield f"spans: {trace_id} has {spans.report.rows} spans when asked for, of all it is another number"
