"""The one door by which rows of an engine come home: a small Polars frame, equal on every engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

from connectors.exceptions import MissingExtra


def bring_home(frame: nw.LazyFrame[Any] | nw.DataFrame[Any]) -> pl.DataFrame:
    """Collect a frame of any engine as Polars: times in UTC and microseconds, categories as text.

    Times without a zone are taken as UTC.

    Raises
    ------
    MissingExtra
        The engine gives its rows as Arrow, and pyarrow is not installed.

    Examples
    --------
    >>> bring_home(nw.from_native(pl.LazyFrame({"route": ["/cart"]}, schema={"route": pl.Categorical}))).schema
    Schema([('route', String)])
    """
    try:
        home: pl.DataFrame = frame.lazy().collect(backend="polars").to_native()
    except ModuleNotFoundError as missing:
        if missing.name != "pyarrow":
            raise
        raise MissingExtra("rows come home from this engine as Arrow; install it: pip install pyarrow") from missing
    zoneless = pl.selectors.datetime(time_zone=None)
    return home.with_columns(zoneless.dt.replace_time_zone("UTC")).with_columns(
        pl.selectors.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
        pl.selectors.categorical().cast(pl.String),
    )
