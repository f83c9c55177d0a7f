"""The most memory that this process has held."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Give it in MB, by the kernel's mark for this program: getrusage's begins at what the parent held on Linux."""
    if STATUS.exists():
        said = STATUS.read_text().split("VmHWM:")[1].split()
        return int(said[0]) / 1e3
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
