"""Widgets: thin views over the rooms. Each takes a small view model, or a function that computes one.

>>> from workbench import panels
>>> panels.Headline(panels.HeadlineView("Checkout broke", "One field is missing.")).html()[:29]
Markup('<section class="bs bs-headlin')
"""

from workbench.panels.bug import Bug, BugView, ReplayView, ThrowView, TraceView
from workbench.panels.bugs import BugsTable, BugsView
from workbench.panels.completeness import Completeness, CompletenessView
from workbench.panels.funnel import Funnel, FunnelView
from workbench.panels.header import Header, HeaderView
from workbench.panels.headline import Headline, HeadlineView, Kpi
from workbench.panels.ledger import Ledger, LedgerView
from workbench.panels.noise import NoiseTable, NoiseView
from workbench.panels.rates import Rates, RatesView
from workbench.panels.replay import Mark, Replay, pack
from workbench.panels.source_maps import SourceMaps, SourceMapsView
from workbench.panels.vitals import Vitals, VitalsView

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
    "Ledger",
    "LedgerView",
    "Mark",
    "NoiseTable",
    "NoiseView",
    "Rates",
    "RatesView",
    "Replay",
    "ReplayView",
    "SourceMaps",
    "SourceMapsView",
    "ThrowView",
    "TraceView",
    "Vitals",
    "VitalsView",
    "pack",
]
