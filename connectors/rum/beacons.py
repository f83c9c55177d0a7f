"""A team's own collector, in files: web-vitals beacons, page views, support contacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from connectors.files import SourceFile, each_document
from connectors.formats.rows import Rows
from connectors.formats.web_vitals import (
    contact_rows,
    page_view_rows,
    read_beacon,
    read_contact,
    read_page_view,
    vital_rows,
)
from connectors.loaded import Loaded


def read_vitals(files: Sequence[SourceFile]) -> Loaded:
    """Read vitals from beacons; of one metric's reports for one page view the last is kept.

    web-vitals reports a metric again whenever its value grows, under the same `id`; a beacon without an id is told
    apart by page view, metric and navigation type.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> line = '{{"ts":{ts},"name":"CLS","value":{value},"id":"v5-1","page_view_id":"p1"}}\\n'
    >>> text = line.format(ts=1741530002000, value=0.3) + line.format(ts=1741530001000, value=0.1)
    >>> _ = (root / "beacons.ndjson").write_text(text)
    >>> vitals = read_vitals(find_files(root, root))
    >>> vitals.frame["value"].to_list(), vitals.notes
    ([0.3], ('1 earlier report of a metric was superseded by a later one',))
    """
    rows = _read(files, vital_rows(), read_beacon)
    frame = rows.frame().sort("at", maintain_order=True)
    instance = pl.coalesce("id", pl.concat_str("page_view_id", "navigation_type", separator="\n", ignore_nulls=True))
    last = frame.with_columns(instance.alias("__instance"), pl.int_range(pl.len()).alias("__row"))
    named = pl.col("__instance").str.len_bytes() > 0
    last = pl.concat(
        [
            last.filter(named).unique(["__instance", "session_id", "metric"], keep="last", maintain_order=True),
            last.filter(~named.fill_null(False)),
        ]
    ).sort("__row")
    # two instances can share page view and navigation type (bfcache restores): the table knows one, the last
    last = pl.concat(
        [
            last.filter(pl.col("page_view_id").is_not_null()).unique(
                list(rows.table.key), keep="last", maintain_order=True
            ),
            last.filter(pl.col("page_view_id").is_null()),
        ]
    ).sort("__row")
    earlier = frame.height - last.height
    loaded = Loaded.of(rows, len(files))
    notes = [note for note in loaded.notes if "more than once" not in note]
    if earlier:
        noun, verb = ("report", "was") if earlier == 1 else ("reports", "were")
        notes.append(f"{earlier} earlier {noun} of a metric {verb} superseded by a later one")
    return Loaded(last.drop("__instance", "__row"), loaded.refused, tuple(notes), files=len(files))


def read_page_views(files: Sequence[SourceFile]) -> Loaded:
    """Read page views, with `user_id` and `user_agent` behind the canonical columns."""
    return Loaded.of(_read(files, page_view_rows(), read_page_view), len(files))


def read_contacts(files: Sequence[SourceFile]) -> Loaded:
    """Read which sessions contacted support: session_id, at."""
    return Loaded.of(_read(files, contact_rows(), read_contact), len(files))


def _read(files: Sequence[SourceFile], rows: Rows, read: Callable[[bytes, str, Rows], None]) -> Rows:
    for _, place, raw in each_document(files, rows.refuse):
        read(raw, place, rows)
    return rows
