"""A team's own tables in ClickHouse under our names: vitals, page views, events, whatever a mapping names.

`clickhouse+https://ch.example.com/rum?mapping=clickhouse.toml`: the mapping is that of a warehouse
(`connectors.warehouse_mapping`); without one, tables that have our names are read. User, password and the embedded
engine as in `connectors.clickhouse`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.clickhouse import IDS, PAGE, ClickHouseStore, Time, quote
from connectors.exceptions import SourceNotFound, TableError
from connectors.remote import Batch, Check
from connectors.stores import Window
from connectors.tables import REPLAY_EVENTS, SPANS, TABLES, Table
from connectors.warehouse_mapping import EPOCHS, ISO, Column, MappedTable, mapping_of, read_mapping
from connectors.warehouse_mapping import Mapping as TableMapping
from connectors.warehouse_relations import Relation
from connectors.warehouse_slices import clean

OF_EVENTS = ("frames", "breadcrumbs")


class ClickHouseTables(ClickHouseStore):
    """Own tables of one database.

    Examples
    --------
    >>> said = {"tables": {"vitals": {"table": "web_vitals", "columns": {"at": "ts", "value": {"column": "ms"}}}}}
    >>> store = ClickHouseTables("clickhouse+https://ch.example.com/rum", mapping=said)
    >>> store.mapping.tables["vitals"].table
    'web_vitals'
    """

    system = "clickhouse"
    form = "database*?user,mapping"

    def __init__(self, address: str, *, mapping: TableMapping | dict[str, Any] | None = None, **given: Any) -> None:
        super().__init__(address, **given)
        named = self.where.options.get("mapping")
        self.mapping = read_mapping(named) if named and mapping is None else mapping_of(mapping)
        self.name = self.mapping.name or self.name
        self.environment = self.mapping.environment or self.environment
        self.first_party = tuple(self.mapping.first_party) or self.first_party

    @property
    def feeds(self) -> Mapping[str, tuple[str, ...]]:  # type: ignore[override]
        """Each table that there is, a feed of its own; looked up once."""
        return {name: (name,) for name in self.columns}

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        """The columns of each table as they are there, with their types."""
        names = {name: self._named(name) for name in TABLES}
        sql = (
            "SELECT database || '.' || table AS whole, name, type FROM system.columns WHERE "
            "database || '.' || table IN {tables:Array(String)} ORDER BY whole, position"
        )
        found = self.frame(sql, {"tables": [name.replace("`", "") for name in names.values()]})
        there = {
            name: dict(rows.select("name", "type").rows())
            for (name,), rows in found.group_by("whole", maintain_order=True)
        }
        told = {name: there[full.replace("`", "")] for name, full in names.items() if full.replace("`", "") in there}
        if missing := [name for name in self.mapping.tables if name not in told]:
            raise SourceNotFound(
                f"{self.name} has no table {self._named(missing[0])}, which {missing[0]} is mapped to; "
                f"it has: {', '.join(told) or 'none of those that are mapped or have our names'}"
            )
        return told

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a table's rows of a window in order of time, a page at a time."""
        yield from self._read(TABLES[feed], window)

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Give the events of one recording."""
        yield from self._read(REPLAY_EVENTS, Window(), "replay_id", [replay_id])

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces."""
        ids = sorted(set(trace_ids))
        for begin in range(0, len(ids), IDS):
            yield from self._read(SPANS, window, "trace_id", ids[begin : begin + IDS])

    def check(self) -> Check:
        """Ask which of the tables there are."""
        found = ", ".join(self.columns)
        says = f"can be read: {found}" if found else f"{self.database} has no table that is mapped or has our name"
        return Check(bool(found), says, None, f"one question for each {PAGE:,} rows")

    def _named(self, name: str) -> str:
        mapped = self.mapping.tables.get(name)
        return self.table((mapped and mapped.table) or name)

    def _read(self, table: Table, window: Window, by: str | None = None, ids: Sequence[str] = ()) -> Iterator[Batch]:
        if table.name not in self.columns:
            return
        chosen = self._chosen(table)
        mapped = self.mapping.tables.get(table.name, MappedTable())
        conditions = [f"({mapped.where})"] if mapped.where else []
        params: dict[str, Any] = {}
        if by is not None:
            conditions.append(f"toString({_sql(chosen[by])}) IN {{ids:Array(String)}}")
            params["ids"] = list(ids)
        taken = {name: column for name, column in chosen.items() if column.constant is None}
        select = ", ".join(f"{_sql(column)} AS {quote(name)}" for name, column in taken.items())
        if table.time is None:
            asked = self._of_their_events(table, select, conditions, params, window, chosen)
        else:
            asked = self._by_time(table, select, conditions, params, window, chosen)
        for rows in asked:
            yield self._batch(table, rows, chosen)

    def _by_time(self, table: Table, select: str, where: list[str], params: dict[str, Any], window: Window,
                 chosen: Mapping[str, Column]) -> Iterator[pl.DataFrame]:  # fmt: skip
        time = _time(table, chosen[table.time or "at"])
        if "ended_at" in chosen and window.start is not None:
            ended = _time(table, chosen["ended_at"])
            where = [*where, f"({time.compared('>=', 'began')} OR {ended.compared('>=', 'lasted')})"]
            params = {**params, "began": time.of(window.start), "lasted": ended.of(window.start)}
            window = Window(end=window.end)
        questions = self.paged(select, self._named(table.name), time, window, where, params)
        question = next(questions)
        while True:
            rows = self.frame(*question)
            yield rows.drop("_ticks")
            if rows.height < PAGE:
                return
            question = questions.send(int(rows["_ticks"].max()))  # type: ignore[arg-type]

    def _of_their_events(self, table: Table, select: str, where: list[str], params: dict[str, Any], window: Window,
                   chosen: Mapping[str, Column]) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Ask for what belongs to the window's events, in as many parts as it has pages."""
        met = list(where)
        if "events" in self.columns and (window.start or window.end):
            own = self._chosen(TABLES["events"])
            time = _time(TABLES["events"], own["at"])
            bounds = []
            for bound, how, name in ((window.start, ">=", "start"), (window.end, "<", "end")):
                if bound is not None:
                    bounds.append(time.compared(how, name))
                    params = {**params, name: time.of(bound)}
            inner = f"SELECT {_sql(own['event_id'])} FROM {self._named('events')} WHERE {' AND '.join(bounds)}"
            met.append(f"{_sql(chosen['event_id'])} IN ({inner})")
        conditions, name = " AND ".join(met) or "1", self._named(table.name)
        n = self.frame(f"SELECT toInt64(count()) AS n FROM {name} WHERE {conditions}", params)["n"][0]
        parts = max(1, -(-n // PAGE))
        key = f"cityHash64(toString({_sql(chosen['event_id'])})) % {{parts:Int64}} = {{part:Int64}}"
        for part in range(parts):
            sql = f"SELECT {select} FROM {name} WHERE {conditions} AND {key}"
            yield self.frame(sql, {**params, "parts": parts, "part": part})

    def _chosen(self, table: Table) -> dict[str, Column]:
        mapped, have = self.mapping.tables.get(table.name, MappedTable()), self.columns[table.name]
        place, chosen = mapped.table or table.name, {}
        for name in table.schema:
            said = mapped.column(name)
            if said is not None and said.column is not None and said.column not in have:
                raise TableError(
                    f"{place}: {table.name}.{name} is mapped to the column {said.column}, which is not there; there "
                    f"are: {', '.join(have)}"
                )
            if said is not None or name in have:
                chosen[name] = said or Column(column=name)
        if missing := [name for name in table.required if name not in chosen]:
            raise TableError(
                f"{place}: no column is called or mapped to {table.name}.{missing[0]}; there are: {', '.join(have)}"
            )
        return chosen

    def _batch(self, table: Table, rows: pl.DataFrame, chosen: Mapping[str, Column]) -> Batch:
        """Do at home what needs no engine: units, words, constants, types."""
        at_home = {
            name: Column(column=name, unit=said.unit, values=said.values) if said.constant is None else said
            for name, said in chosen.items()
        }
        ours = Relation(table, rows, MappedTable(table=table.name, columns=dict(at_home))).rows(Window())
        frame, refused, notes = clean(bring_home(nw.from_native(ours)), table, self._named(table.name), self.user_key)
        return Batch({table.name: frame}, tuple(refused), note="; ".join(notes) or None)


def _time(table: Table, said: Column) -> Time:
    if said.unit == ISO:
        return Time(f"parseDateTime64BestEffort({_sql(said)}, 9, 'UTC')")
    return Time(_sql(said), EPOCHS[said.unit] if said.unit else None)


def _sql(said: Column) -> str:
    """Write where a column comes from; units and words wait until it is home."""
    text = f"({said.sql})" if said.sql is not None else quote(said.column or "")
    if said.key is not None:
        text = f"{text}['{said.key}']"
    if said.json is not None:
        text = f"nullIf(JSONExtractString({text}, {', '.join(repr(key) for key in said.path)}), '')"
    return text
