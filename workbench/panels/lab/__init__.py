"""The grouping lab as a page: rules are edited, shapes labelled, thresholds swept, over one case prepared once.

`bench.Bench` holds the state; each file makes one section of it; `page.GroupingLab` puts them under one name.
"""

from workbench.panels.lab.page import GroupingLab

__all__ = ["GroupingLab"]
