"""One investigation: a window of time over a set of sources, every table of it computed once.

`open_case` gives a `Case`; its properties are one call each to a pure function of a room, so whatever a notebook shows
can be recomputed and tested without it.
"""

from workbench.case.case import Case
from workbench.case.opening import open_case

__all__ = ["Case", "open_case"]
