"""Several stores as one where some of their tables lie in a warehouse: those are counted and sampled there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.exceptions import FetchError
from connectors.stores import Fetched, Window
from connectors.tables import EVENTS, SPANS
from connectors.warehouse_answers import OF_EVENTS
from connectors.warehouse_relations import Frame

if TYPE_CHECKING:
    from connectors.merging import PartStore
    from connectors.warehouse import Warehouse


class OverWarehouses:
    """What a case asks of a `Warehouse`, passed on to the one in which a table lies.

    A table that several parts have is no warehouse's: it is fetched, and what is too big of it is partial. Of a big
    table comes home what belongs to the errors, also where these are another part's.
    """

    if TYPE_CHECKING:
        name: str

        def parts_with(self, table_name: str) -> list[PartStore]: ...  # noqa: D102
        def has(self, table_name: str) -> bool: ...  # noqa: D102
        def events(self, window: Window) -> Fetched: ...  # noqa: D102

    _told_errors: tuple[Window, Fetched] | None = None

    def warehouse_of(self, table_name: str) -> Warehouse | None:
        """Say in which warehouse a table lies; None where it is another store's, or that of several parts."""
        parts = self.parts_with(table_name)
        return parts[0].store if len(parts) == 1 and hasattr(parts[0].store, "warehouse_of") else None

    def is_big(self, table_name: str, window: Window | None = None) -> bool:
        """Say whether a table stays where it is."""
        warehouse = self.warehouse_of(table_name)
        return warehouse is not None and warehouse.is_big(table_name, window)

    def rows(self, table_name: str, window: Window | None = None) -> Frame:
        """Give the rows of a table that lies in a warehouse, there."""
        return self._in_warehouse(table_name).rows(table_name, window)

    def count(self, table_name: str, window: Window | None = None) -> int:
        """Count the rows of a table that lies in a warehouse, there."""
        return self._in_warehouse(table_name).count(table_name, window)

    def slice(self, table_name: str, ids: Mapping[str, Sequence[str]], window: Window | None = None) -> pl.DataFrame:
        """Bring home the rows that hold any of some ids, of a table that lies in a warehouse."""
        return self._in_warehouse(table_name).slice(table_name, ids, window)

    def home(self, table_name: str, rows: Frame) -> pl.DataFrame:
        """Bring some rows of a table that lies in a warehouse home in canonical form."""
        return self._in_warehouse(table_name).home(table_name, rows)

    def _of_part(self, store: Any, name: str, window: Window) -> Fetched:
        if store is None or store is not self.warehouse_of(name):
            return super()._of_part(store, name, window)  # type: ignore[misc]
        wanted = name in OF_EVENTS or store.is_big(name, window)
        if wanted and not store.has(EVENTS.name) and self.has(EVENTS.name):
            return self._belonging(store, name, window)
        return store.spans(window=window) if name == SPANS.name else getattr(store, name)(window)

    def _spans_of(self, store: Any, trace_ids: Sequence[str] | None, window: Window | None) -> Fetched:
        if trace_ids is None and store is self.warehouse_of(SPANS.name):
            return self._of_part(store, SPANS.name, window or Window())
        return super()._spans_of(store, trace_ids, window)  # type: ignore[misc]

    def _belonging(self, warehouse: Warehouse, table_name: str, window: Window) -> Fetched:
        """Fetch of a warehouse without errors of its own what belongs to those of the other parts."""
        if self._told_errors is None or self._told_errors[0] != window:
            frame, report = self.events(window)
            self._told_errors = window, Fetched(frame.collect().lazy(), report)
        return warehouse.of_errors(table_name, window, self._told_errors[1])

    def _in_warehouse(self, table_name: str) -> Warehouse:
        warehouse = self.warehouse_of(table_name)
        if warehouse is None:
            raise FetchError(f"{table_name} of {self.name} lies in no warehouse, or in several; it is fetched")
        return warehouse
