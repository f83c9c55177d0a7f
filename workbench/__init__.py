"""Blindspot: investigate the frontend incidents that the backend cannot see.

>>> import workbench as wb
>>> case = wb.open_case("sample-data")  # doctest: +SKIP
>>> case.bugs  # doctest: +SKIP

Only `open_case` lives here; it is loaded when first used, so that importing one room stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.case import Case, open_case

__all__ = ["Case", "open_case"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("workbench.case"), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}; it has: {', '.join(__all__)}")
