"""Spans that a collector wrote down as OTLP: JSON, one request a line or a file; or protobuf."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.exceptions import FormatError
from connectors.files import SourceFile, each_document
from connectors.formats.attributes import span_rows
from connectors.formats.otlp import read_request
from connectors.formats.otlp_protobuf import is_otlp_protobuf, read_protobuf
from connectors.loaded import Loaded


def read_traces(files: Sequence[SourceFile]) -> Loaded:
    """Read spans from files of OTLP, with `url` and `session_id` behind the canonical columns.

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
    binary = [file for file in files if is_otlp_protobuf(file.head(64))]
    for file in binary:
        try:
            read_protobuf(file.read(), file.name, rows)
        except FormatError as error:
            rows.refuse(file.name, str(error))
    for _, place, raw in each_document([file for file in files if file not in binary], rows.refuse):
        read_request(raw, place, rows)
    return Loaded.of(rows, len(files))
