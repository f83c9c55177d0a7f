"""Live or still: the same notebook is the page in the lab and the mailed report."""

from __future__ import annotations

import os
import sys

_GRAMMAR = "rfc3987_syntax"

STATIC = "BLINDSPOT_STATIC"
"""The environment variable that a report's runner sets to 1; papermill sets none of its own."""


def is_static() -> bool:
    """True while a report is being made."""
    return os.environ.get(STATIC) == "1"


def import_schemas_quickly() -> None:
    """Import jsonschema without the grammar that it compiles at import for one format, international addresses.

    Altair and nbformat bring jsonschema; no schema of theirs has that format, and compiling its grammar takes 1.7 s of
    every process that makes a report. Only such a process, which is ours alone, goes without it.
    """
    if _GRAMMAR in sys.modules or "jsonschema" in sys.modules:
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # an import of it fails, and jsonschema goes on without
    try:
        import jsonschema  # noqa: F401
    finally:
        del sys.modules[_GRAMMAR]
