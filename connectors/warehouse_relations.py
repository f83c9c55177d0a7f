"""A team's table as one of ours, without moving a row: mapped, typed and cut to a window, all of it lazily."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import narwhals as nw

from connectors.exceptions import TableError
from connectors.stores import Window
from connectors.table import BOOL, FLOAT, INT, TEXT, TIME, Table
from connectors.warehouse_engines import engine_of
from connectors.warehouse_mapping import DURATIONS, EPOCHS, ISO, Column, MappedTable

Frame = nw.LazyFrame[Any]

DAY = "day"
"""What a lake calls the column that its folders are partitioned by."""


@dataclass(frozen=True)
class Relation:
    """One table where it lies, and what the mapping says of it.

    Attributes
    ----------
    table
        Ours.
    native
        Theirs: a Spark DataFrame, a DuckDB relation, an Ibis table, a Polars frame.
    mapped
        What the mapping says.

    Examples
    --------
    >>> import polars as pl
    >>> from connectors.tables import VITALS
    >>> theirs = pl.DataFrame({"ts": [1_741_530_000], "metric": ["LCP"], "seconds": [2.5]})
    >>> said = {"at": Column(column="ts", unit="s"), "value": Column(column="seconds", unit="s")}
    >>> ours = Relation(VITALS, theirs, MappedTable(columns=said)).rows(Window()).collect()
    >>> ours["value"].to_list(), ours["at"][0].isoformat()
    ([2500.0], '2025-03-09T14:20:00+00:00')
    """

    table: Table
    native: Any
    mapped: MappedTable = field(default_factory=MappedTable)

    def has(self, column: str) -> bool:
        """Say whether the table has one of our columns, under its name or another."""
        return self.mapped.column(column) is not None or column in nw.from_native(self.native).collect_schema().names()

    def rows(self, window: Window) -> Frame:
        """Give the rows of a window under our names and in our types; columns that nobody has are not there.

        Raises
        ------
        TableError
            The mapping names a column that the table has not; lists those it has.
        """
        theirs = nw.from_native(self.native).lazy()
        columns = self._columns(theirs)
        cut = self._cut_partitions(theirs, columns, window)
        taken = {name: column for name, column in columns.items() if column.constant is None}
        moved = [name for name, column in taken.items() if name in DURATIONS and column.unit is not None]
        native = engine_of(self.native, self.table.name).select(
            cut.to_native(),
            {name: _without_unit(column) if name in moved else column for name, column in taken.items()},
            self.mapped.where,
        )
        ours = nw.from_native(native).lazy()
        for name in columns:
            ours = ours.with_columns(self._value(name, columns[name], ours).alias(name))
        ours = ours.with_columns(self._typed(name, ours.collect_schema()) for name in columns)
        return in_window(ours, self.table, window)

    def _columns(self, theirs: Frame) -> dict[str, Column]:
        have = theirs.collect_schema().names()
        columns = {}
        for name in self.table.schema:
            said = self.mapped.column(name)
            if said is not None and said.column is not None and said.column not in have:
                raise TableError(
                    f"{self._place}: {self.table.name}.{name} is mapped to the column {said.column}, which is not "
                    f"there; there are: {', '.join(have)}"
                )
            if said is not None or name in have:
                columns[name] = said or Column(column=name)
        if missing := [name for name in self.table.required if name not in columns]:
            raise TableError(
                f"{self._place}: no column is called or mapped to {self.table.name}.{missing[0]}; there are: "
                f"{', '.join(have)}"
            )
        return columns

    @property
    def _place(self) -> str:
        return self.mapped.table or f"the table {self.table.name}"

    def _cut_partitions(self, theirs: Frame, columns: dict[str, Column], window: Window) -> Frame:
        """Leave out what cannot lie in the window by columns as they are stored, so that engines skip files."""
        schema = theirs.collect_schema()
        day = self.mapped.day or (DAY if schema.get(DAY) == nw.Date else None)
        if day is not None and day not in schema:
            raise TableError(f"{self._place}: there is no column {day} to tell days by; there are: {', '.join(schema)}")
        # what lasts may have begun before the window, but not longer before it than anybody's session takes
        lasting = timedelta(days=1) if "ended_at" in self.table.schema else timedelta()
        start = None if window.start is None else window.start - lasting
        if day is not None:
            # days may be told in a zone of the team's own, and a row without a time lies in none
            for bound, later in ((start, timedelta(days=-1)), (window.end, timedelta(days=1))):
                if bound is not None:
                    date = (bound.astimezone(UTC) + later).date()
                    value = date.isoformat() if schema[day] == nw.String else date
                    side = nw.col(day) >= value if bound is start else nw.col(day) <= value
                    theirs = theirs.filter(side | nw.col(day).is_null())
        time = columns.get(self.table.time or "")
        if time is not None and time.column is not None and time.unit in EPOCHS and time.json is None and not time.key:
            number = nw.col(time.column)
            if start is not None:
                theirs = theirs.filter((number >= _ticks(start, time.unit)) | number.is_null())
            if window.end is not None:
                theirs = theirs.filter((number < _ticks(window.end, time.unit)) | number.is_null())
        return theirs

    def _value(self, name: str, said: Column, ours: Frame) -> nw.Expr:
        if said.constant is not None:
            return nw.lit(said.constant)
        value = nw.col(name)
        if said.unit is not None and name in DURATIONS:
            factor = EPOCHS[DURATIONS[name]] / EPOCHS[said.unit]
            scaled = value.cast(nw.Float64) * factor
            if "metric" not in self.table.schema:
                return scaled
            return nw.when(nw.col("metric") == "CLS").then(value.cast(nw.Float64)).otherwise(scaled)
        if said.values:
            text = value.cast(nw.String)
            for theirs, word in said.values.items():
                text = nw.when(value.cast(nw.String) == theirs).then(nw.lit(word)).otherwise(text)
            return text
        return value

    def _typed(self, name: str, schema: nw.Schema) -> nw.Expr:
        have, want, column = schema[name], self.table.schema[name], nw.col(name)
        if want == TIME:
            if have.is_temporal() and have != nw.Date:
                return column
            raise TableError(
                f"{self._place}: {self.table.name}.{name} is {have}, not a time; say its unit in the mapping: "
                f'{name} = {{ column = "…", unit = "ms" }} ({", ".join((*EPOCHS, ISO))})'
            )
        if want == TEXT and not (have in (nw.String, nw.Categorical) or have == nw.Enum or have.is_nested()):
            return column.cast(nw.String)
        if want == FLOAT and have != nw.Float64:
            return column.cast(nw.Float64)
        if want == INT and have != nw.Int64:
            return column.cast(nw.Int64)
        return column.cast(nw.Boolean) if want == BOOL and have != nw.Boolean else column


def in_window(rows: Frame, table: Table, window: Window) -> Frame:
    """Keep the rows of a window: as `connectors.loaded.in_window`, on any engine.

    Examples
    --------
    >>> import polars as pl
    >>> from connectors.tables import RELEASES
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> deploys = pl.LazyFrame({"release": ["a", "b"], "deployed_at": [noon, None]})
    >>> in_window(nw.from_native(deploys), RELEASES, Window(end=noon)).collect()["release"].to_list()
    ['b']
    """
    schema = rows.collect_schema()
    for name, value in (("environment", window.environment), ("project", window.project)):
        if value is not None and name in schema:
            rows = rows.filter(nw.col(name).is_null() | (nw.col(name).cast(nw.String) == value))
    if table.time is None or table.time not in schema:
        return rows
    begins = nw.col(table.time)
    if window.start is not None:
        inside = begins.is_null() | (begins >= _bound(window.start, schema[table.time]))
        if "ended_at" in schema:
            inside = inside | (nw.col("ended_at") >= _bound(window.start, schema["ended_at"]))
        rows = rows.filter(inside)
    if window.end is not None:
        rows = rows.filter(begins.is_null() | (begins < _bound(window.end, schema[table.time])))
    return rows


def _bound(time: datetime, dtype: Any) -> datetime:
    """Give a bound that compares with a column: times without a zone are UTC."""
    return time.astimezone(UTC) if getattr(dtype, "time_zone", None) else time.astimezone(UTC).replace(tzinfo=None)


def _ticks(time: datetime, unit: str) -> int:
    micros = (time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return micros * EPOCHS[unit] // 1_000_000


def _without_unit(column: Column) -> Column:
    return Column(column=column.column, sql=column.sql, json=column.json, key=column.key)
