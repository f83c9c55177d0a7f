"""When which release was deployed: a list of objects, or one a line, as a deploy script writes it."""

from __future__ import annotations

import msgspec

from connectors.formats.fields import Fields
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_micros, as_text, shown
from connectors.tables import RELEASES

_json = msgspec.json.Decoder()
_fields = Fields(("release", "environment", "deployed_at", "previous_release", "commit"))


def release_rows() -> Rows:
    """Make an empty collection of releases."""
    return Rows(RELEASES)


def read_releases(raw: bytes, place: str, rows: Rows) -> None:
    """Read one document of releases into `rows`.

    Examples
    --------
    >>> rows = release_rows()
    >>> read_releases(b'[{"release":"a1b2c3d","deployed_at":"2026-03-02T09:00:00Z"},{"deployed_at":1}]', "r.json", rows)
    >>> rows.frame()["release"].to_list(), rows.refused[0].reason
    (['a1b2c3d'], 'entry 2 names no release')
    """
    try:
        document = _json.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the releases are not JSON ({error})")
    for number, entry in enumerate(document if isinstance(document, list) else [document], 1):
        release, environment, deployed, previous, commit = _fields.of(entry) if isinstance(entry, dict) else (None,) * 5
        if (release := as_text(release)) is None:
            rows.refuse(place, f"entry {number} names no release")
            continue
        deployed_us = as_micros(deployed, "guess")
        if deployed is not None and deployed_us is None:
            rows.refuse(place, f"entry {number}: deployed_at is {shown(deployed)}, not a time; the release is kept")
        rows.add((release, as_text(environment), deployed_us, as_text(previous), as_text(commit)))
    return None
