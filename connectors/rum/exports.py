"""Files that came out of a system which watches visits: what its SDK sent, or what it exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from connectors.files import SourceFile, each_document
from connectors.formats.exports import read_export
from connectors.formats.rum_tables import RumTables
from connectors.loaded import Loaded, join_notes, once_a_key
from connectors.tables import Table

TABLES = ("events", "frames", "requests", "vitals", "page_views", "spans")


def read_exports(files: Sequence[SourceFile]) -> Mapping[str, Loaded]:
    """Read events, frames, requests, vitals, page views and spans from files of exports.

    Returns
    -------
    The tables by name, with what stands behind their columns (`user_agent`, `url`, ...).

    Examples
    --------
    >>> import tempfile
    >>> from connectors.files import find_files
    >>> from connectors.objects import Objects
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> line = '{"EventType":"navigate","EventStart":"2026-03-09T14:00:00Z","UserId":5,"SessionId":7,"PageId":1}\\n'
    >>> objects.write("export.ndjson", line.encode() + b'{"EventTy')
    >>> tables = read_exports(find_files(objects))
    >>> tables["page_views"].frame["page_view_id"].to_list(), [refused.place for refused in tables["events"].refused]
    (['5:7:1'], ['export.ndjson:2'])
    """
    out = RumTables()
    for _, place, raw in each_document(files, out.events.refuse):
        read_export(raw, place, out)
    return {name: Loaded.of(getattr(out, name), len(files)) for name in TABLES}


def together(one: Loaded, other: Loaded, table: Table) -> Loaded:
    """Put one table from two kinds of files together.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> none = Loaded(RELEASES.empty(), files=1)
    >>> both = together(none, Loaded(RELEASES.empty(), notes=("empty",), files=2), RELEASES)
    >>> both.files, both.notes
    (3, ('empty',))
    """
    frame, _ = once_a_key(pl.concat([one.frame, other.frame], how="diagonal"), table)
    refused = (*one.refused, *other.refused)
    return replace(one, frame=frame, refused=refused, notes=join_notes([one, other]), files=one.files + other.files)
