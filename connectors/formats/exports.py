"""Files that came out of a system which watches visits, told apart by their fields: whose format a document is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.formats import faro, fullstory, logrocket
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import BAD_JSON, shown

FARO = frozenset({"exceptions", "measurements", "events", "logs", "traces"})

_json = msgspec.json.Decoder()


def is_export(keys: Iterable[str]) -> bool:
    """Say whether a document with these keys is one of an export that can be read.

    Examples
    --------
    >>> is_export(["meta", "exceptions"]), is_export(["EventStart", "EventType"]), is_export(["meta", "url"])
    (True, True, False)
    """
    there = set(keys)
    return _is_faro(there) or fullstory.is_fullstory(there) or logrocket.is_logrocket(there)


def read_export(raw: bytes, place: str, out: RumTables) -> None:
    """Read one document, or a list of them, into `out`; a document of no known form is refused.

    Examples
    --------
    >>> out = RumTables()
    >>> read_export(b'[{"EventType":"click","EventStart":"2026-03-09T14:00:00Z"},{"colour":"red"}]', "a.json", out)
    >>> out.events.refused
    [Refused(place='a.json entry 2', reason='of no export that is known: its keys are colour')]
    """
    try:
        document = _json.decode(raw)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the line is not JSON ({error})")
    if isinstance(document, list):
        for number, one in enumerate(document, 1):
            _read(one, f"{place} entry {number}", out)
        return None
    return _read(document, place, out)


def _read(document: Any, place: str, out: RumTables) -> None:
    if not isinstance(document, dict):
        return out.events.refuse(place, f"{shown(document)} is no document of an export")
    keys = set(document)
    if _is_faro(keys):
        return faro.read_document(document, place, out)
    if fullstory.is_fullstory(keys):
        return fullstory.read_event(document, place, out)
    if logrocket.is_logrocket(keys):
        return logrocket.read_event(document, place, out)
    named = ", ".join(sorted(keys)[:5]) or "none"
    return out.events.refuse(place, f"of no export that is known: its keys are {named}")


def _is_faro(keys: set[str]) -> bool:
    # `meta` may be what a cut-off payload has lost
    return len(FARO & keys) >= (1 if "meta" in keys else 2)
