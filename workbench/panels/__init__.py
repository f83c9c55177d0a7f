"""Widgets: thin views over the rooms. Each takes a small view model, or a function that computes one.

>>> from workbench import panels
>>> panels.Headline(panels.HeadlineView("Checkout broke", "One field is missing.")).html()[:29]
Markup('<section class="bs bs-headlin')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.panels.mode import import_schemas_quickly, is_static

if TYPE_CHECKING:
    from workbench.panels.bug import Bug, BugView, ReplayView, ThrowView, TraceView
    from workbench.panels.bugs import BugsTable, BugsView
    from workbench.panels.completeness import Completeness, CompletenessView
    from workbench.panels.funnel import Funnel, FunnelView
    from workbench.panels.header import Header, HeaderView
    from workbench.panels.headline import Headline, HeadlineView, Kpi
    from workbench.panels.ledger import Ledger, LedgerView
    from workbench.panels.noise import NoiseTable, NoiseView
    from workbench.panels.privacy import Leaks, LeaksView
    from workbench.panels.rates import Rates, RatesView
    from workbench.panels.recording import Mark, pack
    from workbench.panels.replay import Replay
    from workbench.panels.section import Picture, Rows, Section, SectionView
    from workbench.panels.source_maps import SourceMaps, SourceMapsView
    from workbench.panels.vitals import Vitals, VitalsView

_HOMES = {
    "bug": "Bug BugView ReplayView ThrowView TraceView",
    "bugs": "BugsTable BugsView",
    "completeness": "Completeness CompletenessView",
    "funnel": "Funnel FunnelView",
    "header": "Header HeaderView",
    "headline": "Headline HeadlineView Kpi",
    "ledger": "Ledger LedgerView",
    "noise": "NoiseTable NoiseView",
    "privacy": "Leaks LeaksView",
    "rates": "Rates RatesView",
    "recording": "Mark pack",
    "replay": "Replay",
    "section": "Picture Rows Section SectionView",
    "source_maps": "SourceMaps SourceMapsView",
    "vitals": "Vitals VitalsView",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

if is_static():
    import_schemas_quickly()

__all__ = [
    "Bug",
    "BugView",
    "BugsTable",
    "BugsView",
    "Completeness",
    "CompletenessView",
    "Funnel",
    "FunnelView",
    "Header",
    "HeaderView",
    "Headline",
    "HeadlineView",
    "Kpi",
    "Leaks",
    "LeaksView",
    "Ledger",
    "LedgerView",
    "Mark",
    "NoiseTable",
    "NoiseView",
    "Picture",
    "Rates",
    "RatesView",
    "Replay",
    "ReplayView",
    "Rows",
    "Section",
    "SectionView",
    "SourceMaps",
    "SourceMapsView",
    "ThrowView",
    "TraceView",
    "Vitals",
    "VitalsView",
    "pack",
]


def __getattr__(name: str) -> Any:
    """Load a panel when it is first named: making a report's page needs no widgets."""
    if name in _HOME_OF:
        return getattr(import_module(f"workbench.panels.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'workbench.panels' has no attribute {name!r}; it has: {', '.join(__all__)}")
