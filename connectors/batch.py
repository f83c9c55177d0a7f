"""What a connector gives: a page of rows, and what one cheap call showed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from connectors.stores import Refused


class Batch(NamedTuple):
    """One page, or a few, of a feed.

    Attributes
    ----------
    tables
        Rows by table name, in a form that `conform` takes; a frame without rows needs no columns.
    refused
        What was set aside, where and why.
    calls
        How many calls it took.
    truncated
        The source said that there is more in the window, and would not give it.
    sampling, note
        What the report will say.
    known
        Events of the window that were not fetched, since the lake has them (`RemoteStore.known_events`).
    """

    tables: Mapping[str, pl.DataFrame]
    refused: tuple[Refused, ...] = ()
    calls: int = 1
    truncated: bool = False
    sampling: str | None = None
    note: str | None = None
    known: int = 0


class Check(NamedTuple):
    """What one cheap call showed: whether the source works, how far back it goes, what each fetch will need."""

    ok: bool
    says: str
    since: datetime | None = None
    calls: str = ""
