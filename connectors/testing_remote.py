"""What `connectors.testing` asks of a remote system beyond the Protocols: that sync can read it in slices of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from connectors.exceptions import TableError
from connectors.remote import Batch, Check, RemoteStore, merge_pages
from connectors.row_keys import identity
from connectors.stores import Window
from connectors.tables import TABLES, Table, conform

# as `connectors.derive.with_hashed_users` makes them
HASHED = r"^[0-9a-f]{16}$"


def remote_findings(store: RemoteStore) -> Iterator[str]:
    """Say every way in which a remote store cannot be checked, or not be read feed by feed and slice by slice.

    Examples
    --------
    >>> class Acme(RemoteStore):
    ...     system, feeds = "acme", {"errors": ("events",), "odds": ("ends",)}
    ...     def read(self, feed, window): yield Batch({"vitals": pl.DataFrame()})
    ...     def check(self): return Check(True, "")
    >>> for finding in remote_findings(Acme("acme+https://acme.example.com")): print(finding)
    check: it does not say what it found
    errors: gives vitals, which its feeds do not name
    odds: ends is no table; there are events, frames, requests, ...
    """
    check = store.check()
    if not (isinstance(check, Check) and check.says):
        yield "check: it does not say what it found"
    for feed, names in store.feeds.items():
        unknown = [name for name in names if name not in TABLES]
        if unknown or not names:
            yield f"{feed}: {', '.join(unknown) or 'nothing'} is no table; there are {', '.join(TABLES)}"
            continue
        try:
            yield from _feed_findings(store, feed, names)
        except TableError as error:
            yield f"{feed}: {error}"


def _feed_findings(store: RemoteStore, feed: str, names: tuple[str, ...]) -> Iterator[str]:
    everything = list(store.read(feed, Window()))
    for name in sorted({name for batch in everything for name in batch.tables} - set(names)):
        yield f"{feed}: gives {name}, which its feeds do not name"
    for name in sorted({name for batch in everything for name in batch.tables} & TABLES.keys()):
        yield from _user_findings(feed, name, everything)
    table = TABLES[names[0]]
    rows = _rows(everything, table)
    times = rows[table.time].drop_nulls().sort() if table.time else pl.Series([])
    if times.is_empty():
        return
    # sync cuts at whole seconds
    first, cut, last = (time.replace(microsecond=0) for time in (times[0], times[len(times) // 2], times[-1]))
    halves = [store.read(feed, window) for window in (Window(first, cut), Window(cut, last + timedelta(seconds=1)))]
    together = _rows([batch for half in halves for batch in half], table)
    timed = rows.filter(pl.col(table.time).is_not_null())
    missing = timed.join(together, on=identity(table), how="anti", nulls_equal=True).height
    if missing:
        yield f"{feed}: {missing} of {timed.height} {table.name} are lost when it is read in two slices, cut at {cut}"


def _user_findings(feed: str, name: str, batches: list[Batch]) -> Iterator[str]:
    pages = [batch.tables[name] for batch in batches if "user_id" in batch.tables.get(name, pl.DataFrame()).columns]
    users = [page["user_id"].cast(pl.String).drop_nulls() for page in pages]
    named = sum(one.filter(~one.str.contains(HASHED)).len() for one in users)
    if named:
        yield (
            f"{feed}: {named} of {sum(map(len, users))} user_id in {name} are no hash, so that users are named; give "
            "the rows through connectors.pages.fill_in(frame, table, self.user_key)"
        )


def _rows(batches: list[Batch], table: Table) -> pl.DataFrame:
    pages = [batch.tables[table.name] for batch in batches if table.name in batch.tables]
    return merge_pages([conform(page, table) for page in pages if page.height], table)
