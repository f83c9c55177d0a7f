"""Several stores as one: each table is asked of the part that has it, and an outage of one part leaves the others.

While the part that a table is named for does not answer, other parts that have some of it are asked; the report says
that the evidence is partial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from connectors.combined_warehouses import OverWarehouses
from connectors.exceptions import AuthError, BlindspotError, FetchError, FormatError, SourceNotFound
from connectors.merging import KIND_OF, PartStore, merge_fetched
from connectors.redaction import redact
from connectors.registry import open_store
from connectors.sources import Described
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import ARTIFACTS, REPLAY_EVENTS, SPANS, TABLES, Table

# what may be wrong today and right tomorrow; everything else is a mistake in the description
OUTAGES = (AuthError, FetchError, FormatError, SourceNotFound)


class CombinedStore:
    """The parts of one source of `workbench.toml` as one store of every Protocol.

    Attributes
    ----------
    name, environment, first_party
        As the description says; the hosts that the parts know as theirs where it says none.
    parts
        The parts, in the order of the description.
    """

    def __init__(
        self, name: str, parts: Sequence[PartStore], environment: str | None, first_party: Sequence[str]
    ) -> None:
        self.name = self.address = name
        self.parts = tuple(parts)
        self.environment = environment
        known = dict.fromkeys(host for part in parts for host in getattr(part.store, "first_party", ()) or ())
        self.first_party = tuple(first_party) or tuple(known)

    def __repr__(self) -> str:
        return f"CombinedStore({self.name!r}, {', '.join(part.address for part in self.parts)})"

    def __getattr__(self, name: str) -> Any:
        # Where page views, vitals and sessions lie in one lake, they are reduced there: what that wants, the lake has.
        if name in ("scan", "fingerprints"):
            big = {id(part.store): part.store for table in ("vitals", "sessions") for part in self.parts_with(table)}
            if len(big) == 1 and hasattr(lake := next(iter(big.values())), "fingerprints"):
                return lake.fingerprints if name == "fingerprints" else partial(self._scan, lake)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def has(self, table_name: str) -> bool:
        """Say whether any part has this table."""
        return any(part.has(table_name) for part in self.parts)

    def parts_with(self, table_name: str) -> list[PartStore]:
        """Give the parts that are asked for a table: those named for it that have it, else others that have it."""
        named = [part for part in self.parts if KIND_OF[table_name] in part.kinds and part.has(table_name)]
        return named or [part for part in self.parts if part.has(table_name)]

    def events(self, window: Window) -> Fetched:
        """Error events of the window, of every tracker."""
        return self._of_window("events", window)

    def frames(self, window: Window) -> Fetched:
        """Frames of the window's events."""
        return self._of_window("frames", window)

    def breadcrumbs(self, window: Window) -> Fetched:
        """Breadcrumbs of the window's events."""
        return self._of_window("breadcrumbs", window)

    def requests(self, window: Window) -> Fetched:
        """Requests of the window's events, and other requests in the window."""
        return self._of_window("requests", window)

    def vitals(self, window: Window) -> Fetched:
        """Web vitals of the window."""
        return self._of_window("vitals", window)

    def page_views(self, window: Window) -> Fetched:
        """Page views of the window."""
        return self._of_window("page_views", window)

    def sessions(self, window: Window) -> Fetched:
        """Sessions that overlap the window."""
        return self._of_window("sessions", window)

    def replays(self, window: Window) -> Fetched:
        """Recordings that overlap the window."""
        return self._of_window("replays", window)

    def lab_runs(self, window: Window) -> Fetched:
        """Lab runs of the window."""
        return self._of_window("lab_runs", window)

    def releases(self, window: Window) -> Fetched:
        """Deploys of the window."""
        return self._of_window("releases", window)

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of some traces, of a window, or of both, of every trace backend."""
        query = (window or Window()).describe() if trace_ids is None else f"{len(trace_ids)} traces"
        return self._asked(SPANS, query, lambda store: self._spans_of(store, trace_ids, window), window)

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their maps, of one release or of all, of every source-map store."""
        query = "all releases" if release is None else f"release = {release}"
        return self._asked(ARTIFACTS, query, lambda store: store.artifacts(release))

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, from the first part that has some."""
        query = f"replay_id = {replay_id}"
        asked = []
        for part in self.parts_with(REPLAY_EVENTS.name):
            fetched = self._ask(part, REPLAY_EVENTS, query, lambda store: store.replay_events(replay_id), Window())
            if fetched.report.rows:
                return fetched
            asked.append((part, fetched))
        return merge_fetched(REPLAY_EVENTS, query, asked, Window(), self.name)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one map of `artifacts`, from the first part that has it.

        Raises
        ------
        FetchError, SourceNotFound
            No part gives it; the last one's reason.
        """
        reason: BlindspotError = FetchError(f"{self.name} has no source-map store, so no map at {map_location!r}")
        for part in self.parts_with(ARTIFACTS.name):
            if part.store is None:
                reason = FetchError(f"{part.address}: {part.failed}")
                continue
            try:
                return part.store.open_map(map_location)
            except (FetchError, SourceNotFound) as error:
                reason = error
        raise reason

    def with_maps_again(self) -> CombinedStore:
        """Give this source with its source maps listed anew; nothing else is read again."""
        again = copy(self)
        again.parts = tuple(
            part._replace(store=part.store.with_maps_again()) if hasattr(part.store, "with_maps_again") else part
            for part in self.parts
        )
        return again

    def _scan(self, lake: Any, table: str | Table, window: Window | None = None) -> pl.LazyFrame:
        name = table if isinstance(table, str) else table.name
        if [part.store for part in self.parts_with(name)] == [lake]:
            return lake.scan(name, window)
        answer = self.spans(window=window) if name == SPANS.name else getattr(self, name)(window or Window())
        return answer.frame

    def _of_window(self, name: str, window: Window) -> Fetched:
        query, ask = window.describe(), lambda store: self._of_part(store, name, window)
        return self._asked(TABLES[name], query, ask, window)

    def _of_part(self, store: Any, name: str, window: Window) -> Fetched:
        return _in_part(store, name, window, getattr(store, name)(window))

    def _spans_of(self, store: Any, trace_ids: Sequence[str] | None, window: Window | None) -> Fetched:
        return store.spans(trace_ids=trace_ids, window=window)

    def _asked(self, table: Table, query: str, ask: Callable[[Any], Fetched], window: Window | None = None) -> Fetched:
        window = window or Window()
        parts = self.parts_with(table.name)
        fetched = [(part, self._ask(part, table, query, ask, window)) for part in parts]
        if any(answer.report.failed for _, answer in fetched):
            others = [part for part in self.parts if part.has(table.name) and part not in parts]
            fetched += [(part, self._ask(part, table, query, ask, window)) for part in others]
        return fetched[0][1] if len(fetched) == 1 else merge_fetched(table, query, fetched, window, self.name)

    def _ask(self, part: PartStore, table: Table, query: str, ask: Callable[[Any], Fetched], window: Window) -> Fetched:
        failed = part.failed
        if part.store is not None:
            try:
                frame, report = ask(part.store)
                return Fetched(frame.collect().lazy(), report)
            except BlindspotError as error:
                failed = str(error)
        return Fetched(
            table.empty().lazy(), FetchReport(part.name, table.name, query, 0, window, pages=0, failed=failed)
        )


class CombinedWarehouses(OverWarehouses, CombinedStore):
    """As `CombinedStore`, where a part is a warehouse: what is too big to come home is counted there."""


def open_combined(described: Described) -> Any:
    """Open the source of a description; where all its parts are one address, that store itself under the source's name.

    Raises
    ------
    AddressError, MissingExtra
        A part's address cannot be meant, or a package for it is missing.
    SourceError, FetchError
        No part can be opened: why the first cannot.
    """
    parts, reasons = [], []
    for address, kinds in described.addresses.items():
        store, failed = None, None
        try:
            store = open_store(address)
        except OUTAGES as error:
            failed = str(error)
            reasons.append(error)
        parts.append(PartStore(redact(address), kinds, store, failed))
    if len(reasons) == len(parts):
        raise reasons[0]
    if len(parts) == 1:
        store = parts[0].store
        store.name = described.name
        if described.environment is not None:
            store.environment = described.environment
        if described.first_party:
            store.first_party = described.first_party
        return store
    over_warehouses = any(hasattr(part.store, "warehouse_of") for part in parts)
    kind = CombinedWarehouses if over_warehouses else CombinedStore
    return kind(described.name, parts, described.environment, described.first_party)


def _in_part(store: Any, name: str, window: Window, fetched: Fetched) -> Fetched:
    """Say that a table too big to come home is here in part only."""
    if not hasattr(store, "is_big") or not store.is_big(name, window):
        return fetched
    some = f"{name}: too many rows to bring home, and only some are here; a source of its own is counted whole"
    note = "; ".join(filter(None, (fetched.report.note, some)))
    return Fetched(fetched.frame, replace(fetched.report, truncated=True, note=note))
