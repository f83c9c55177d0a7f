"""What works: every part of a source asked once, cheaply, and what each fetch from it would need."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl

from connectors.exceptions import BlindspotError
from connectors.lake import Lake
from connectors.merging import KIND_OF
from connectors.redaction import redact
from connectors.registry import open_store
from connectors.remote import Check, RemoteStore
from connectors.sources import KINDS, Described
from connectors.tables import TABLES

AT_A_TIME = 8


class Checked(NamedTuple):
    """One address of a source: what it is named for, whether it works, and what was seen."""

    source: str
    address: str
    kinds: tuple[str, ...]
    ok: bool
    says: str
    since: datetime | None
    calls: str


def check_sources(described: Iterable[Described]) -> list[Checked]:
    """Check every address of some sources, several at a time; one that fails says why, and fails nothing else.

    Examples
    --------
    >>> [checked] = check_sources([Described("till", {"tracker": ("no/such/folder",)})])
    >>> checked.ok, checked.says
    (False, 'there is no folder at no/such/folder')
    """
    asked = [(one.name, address, kinds) for one in described for address, kinds in one.addresses.items()]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda each: check_address(*each), asked))


def check_address(source: str, address: str, kinds: tuple[str, ...] = ()) -> Checked:
    """Open one address and ask it once; it has to have something of what it is named for.

    Examples
    --------
    >>> check_address("shop", "no/such/folder").says
    'there is no folder at no/such/folder'
    """
    try:
        store = open_store(address)
        check = check_store(store)
        lacking = [kind for kind in kinds if kind in KINDS and not _has_some(store, kind)]
        if check.ok and lacking:
            wanted = ", ".join(name for name, kind in KIND_OF.items() if kind == lacking[0])
            check = check._replace(ok=False, says=f"{check.says}; nothing for {lacking[0]} ({wanted})")
    except BlindspotError as error:
        check = Check(False, str(error))
    return Checked(source, redact(address), kinds, check.ok, check.says, check.since, check.calls)


def check_store(store: Any) -> Check:
    """Say what a store has and since when: a remote one makes one cheap call, files are looked at where they lie.

    Examples
    --------
    >>> import tempfile
    >>> check_store(Lake.create(tempfile.mkdtemp(), name="shop")).says
    'a lake without rows'
    """
    if isinstance(store, RemoteStore):
        return store.checked()
    if hasattr(store, "check"):
        return store.check()
    there = [name for name in TABLES if store.has(name)] if hasattr(store, "has") else []
    if isinstance(store, Lake):
        return _check_lake(store, there)
    if not there:
        passed = len(getattr(store, "passed_over", ()))
        return Check(False, f"nothing there is evidence that can be read ({passed} files of no known kind)")
    timed = next((table for name in there if (table := TABLES[name]).time), None)
    since = None
    if timed is not None and hasattr(store, "scan"):
        since = store.scan(timed).select(pl.col(timed.time or "at").min()).collect().item()
    return Check(True, f"has {', '.join(there)}", since, "each file is read once, when first asked for")


def _check_lake(lake: Lake, there: list[str]) -> Check:
    parts = lake.manifest.parts()
    days = [day for part in parts if (day := part.first or part.day) is not None]
    since = datetime(min(days).year, min(days).month, min(days).day, tzinfo=UTC) if days else None
    rows = sum(part.rows for part in parts)
    says = (
        f"a lake of {rows:,} {'row' if rows == 1 else 'rows'}: {', '.join(there)}" if parts else "a lake without rows"
    )
    return Check(True, says, since, "a fetch reads the files of its days")


def _has_some(store: Any, kind: str) -> bool:
    names = [name for name, whose in KIND_OF.items() if whose == kind]
    return any(store.has(name) if hasattr(store, "has") else hasattr(store, name) for name in names)
