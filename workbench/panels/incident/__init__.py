"""The incident report as a page: a header that drives a panel a section, over one case.

Each file makes one view model from a `workbench.case.Case`; `page.Incident` puts them under one header.
"""

from workbench.panels.incident.page import Incident

__all__ = ["Incident"]
