"""Live or still: the same notebook is the page in the lab and the mailed report."""

from __future__ import annotations

import os

STATIC = "BLINDSPOT_STATIC"
"""The environment variable that a report's runner sets to 1; papermill sets none of its own."""


def is_static() -> bool:
    """True while a report is being made."""
    return os.environ.get(STATIC) == "1"
