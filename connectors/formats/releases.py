"""When which release was deployed: a list of objects, one a line, or a table with a header, by a deploy script."""

from __future__ import annotations

import csv
from typing import Any

import msgspec

from connectors.formats.fields import SPELLINGS, Fields
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_micros, as_text, shown
from connectors.tables import RELEASES

DELIMITERS = ",;\t"
_json = msgspec.json.Decoder()
_fields = Fields(("release", "environment", "deployed_at", "previous_release", "commit"))


def release_rows() -> Rows:
    """Make an empty collection of releases."""
    return Rows(RELEASES)


def read_releases(raw: bytes, place: str, rows: Rows) -> None:
    r"""Read one document of releases into `rows`.

    Examples
    --------
    >>> rows = release_rows()
    >>> read_releases(b'[{"release":"a1b2c3d","deployed_at":"2026-03-02T09:00:00Z"},{"deployed_at":1}]', "r.json", rows)
    >>> read_releases(b"release;deployed_at\nd4e5f6a;2026-03-09T14:20:00Z\n;2026-03-09T15:00:00Z", "r.csv", rows)
    >>> rows.frame()["release"].to_list(), [refused.place for refused in rows.refused]
    (['a1b2c3d', 'd4e5f6a'], ['r.json', 'r.csv:3'])
    """
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return _read_json(raw, place, rows)
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        return rows.refuse(place, f"the releases are neither JSON nor a table in UTF-8 ({error})")
    names = columns_of(lines[0] if lines else "")
    if not names:
        return rows.refuse(
            place, f"the releases are neither JSON nor a table whose header names them ({shown(raw[:40])})"
        )
    try:
        for number, values in enumerate(csv.reader(lines[1:], delimiter=_delimiter(lines[0])), 2):
            if values:
                _add(dict(zip(names, values, strict=False)), "", f"{place}:{number}", rows)
    except csv.Error as error:
        rows.refuse(place, f"the table breaks off ({error})")
    return None


def columns_of(header: str) -> list[str]:
    """Give the columns of a table of releases by its first line; none when it is no such line.

    Examples
    --------
    >>> columns_of('version;"deployedAt";env'), columns_of("date,author"), columns_of('{"release": 1}')
    (['version', 'deployedAt', 'env'], [], [])
    """
    try:
        names = [name.strip() for name in next(csv.reader([header], delimiter=_delimiter(header)), [])]
    except csv.Error:
        return []
    named = all(set(SPELLINGS[field]) & set(names) for field in ("release", "deployed_at"))
    return names if named else []


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _read_json(raw: bytes, place: str, rows: Rows) -> None:
    try:
        document = _json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except BAD_JSON as error:
        return rows.refuse(place, f"the releases are not JSON ({error})")
    for number, entry in enumerate(document if isinstance(document, list) else [document], 1):
        _add(entry, f"entry {number}", place, rows)
    return None


def _add(entry: Any, which: str, place: str, rows: Rows) -> None:
    release, environment, deployed, previous, commit = _fields.of(entry) if isinstance(entry, dict) else (None,) * 5
    if (release := as_text(release)) is None:
        return rows.refuse(place, f"{which} names no release".strip())
    deployed_us = as_micros(deployed, "guess")
    if deployed not in (None, "") and deployed_us is None:
        reason = f"{which}: deployed_at is {shown(deployed)}, not a time; the release is kept"
        rows.refuse(place, reason.removeprefix(": "))
    return rows.add((release, as_text(environment), deployed_us, as_text(previous), as_text(commit)))
