"""Spans that a collector wrote down as OTLP/JSON: one request a line, or one a file."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.files import SourceFile, each_document
from connectors.formats.attributes import span_rows
from connectors.formats.otlp import read_request
from connectors.loaded import Loaded


def read_traces(files: Sequence[SourceFile]) -> Loaded:
    """Read spans from files of OTLP/JSON, with `url` and `session_id` behind the canonical columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "traces.ndjson").write_text('{"resourceSpans":[]}\\n{"resourceSp\\n')
    >>> spans = read_traces(find_files(root, root))
    >>> len(spans.frame), spans.refused[0].place
    (0, 'traces.ndjson:2')
    """
    rows = span_rows()
    for _, place, raw in each_document(files, rows.refuse):
        read_request(raw, place, rows)
    return Loaded.of(rows, len(files))
