"""Where a format puts what it understood, and what it did not.

A format reads documents (a line, a file) and adds rows; what it cannot read it refuses with the place and the reason,
what it does not want it skips by name. So every document is a row, or refused, or skipped; none is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from connectors.stores import Refused
from connectors.tables import TIME, Table

CHUNK = 50_000
_json = msgspec.json.Encoder()


class Rows:
    """Collects the rows of one canonical table as tuples, and turns them into columns a chunk at a time.

    Parameters
    ----------
    table
        The canonical table; a row is a tuple in the order of its schema, times as microseconds since 1970.
    extra
        Columns that stand behind the canonical ones until the store has used them up (a beacon's metric id).

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> rows = Rows(RELEASES)
    >>> rows.add(("a1b2c3d", "production", 1741530000000000, None, None))
    >>> rows.refuse("releases.json:2", "no release")
    >>> rows.frame().select("release", "deployed_at").rows()
    [('a1b2c3d', datetime.datetime(2025, 3, 9, 14, 20, tzinfo=zoneinfo.ZoneInfo(key='UTC')))]
    >>> rows.refused
    [Refused(place='releases.json:2', reason='no release')]
    """

    def __init__(self, table: Table, extra: Mapping[str, pl.DataType] | None = None) -> None:
        self.table = table
        self.schema: dict[str, pl.DataType] = {**table.schema, **(extra or {})}
        self.refused: list[Refused] = []
        self.skipped: Counter[str] = Counter()
        self._rows: list[tuple[Any, ...]] = []
        self._chunks: list[pl.DataFrame] = []

    def add(self, row: tuple[Any, ...]) -> None:
        """Add one row, in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) >= CHUNK:
            self._flush()

    def refuse(self, place: str, reason: str) -> None:
        """Set one document, item or row aside."""
        self.refused.append(Refused(place, reason))

    def skip(self, what: str, count: int = 1) -> None:
        """Count something that is well-formed, but not for this table."""
        self.skipped[what] += count

    def __len__(self) -> int:
        return sum(map(len, self._chunks)) + len(self._rows)

    def frame(self) -> pl.DataFrame:
        """Give all rows so far as a frame with the canonical columns, then the extra ones."""
        self._flush()
        if not self._chunks:
            return pl.DataFrame(schema=self.schema)
        return pl.concat(self._chunks, rechunk=True)

    def _flush(self) -> None:
        if self._rows:
            self._chunks.append(_columns(self._rows, self.schema))
            self._rows = []


def _columns(rows: Iterable[tuple[Any, ...]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
    return pl.DataFrame([_column(name, values, dtype) for (name, dtype), values in columns]).cast(dict(schema))


def _column(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    if not dtype.is_nested():
        return pl.Series(name, values, dtype=_as_numbers(dtype))
    # By way of JSON text: six times as fast as handing Polars a list of dicts for each row (20,000 rows of tags).
    texts = [None if value is None else _json.encode(value).decode() for value in values]
    return pl.Series(name, texts, dtype=pl.String).str.json_decode(_as_numbers(dtype))


def _as_numbers(dtype: pl.DataType) -> pl.DataType:
    """Give the type to build with: times come as integers, also those inside of lists of structs."""
    if dtype == TIME:
        return pl.Int64()
    if isinstance(dtype, pl.List):
        return pl.List(_as_numbers(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _as_numbers(field.dtype) for field in dtype.fields})
    return dtype
