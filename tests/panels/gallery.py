"""A report of invented figures, with every panel: for the browser tests, and to be looked at.

python -m tests.panels.gallery gallery.html
"""

# ruff: noqa: E501

from __future__ import annotations

import sys
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.panels import views
from workbench import panels
from workbench.reports.exporter import ReportExporter

SECTIONS = {"Funnel": "From noise to signal", "Rates": "Over time", "BugsTable": "The bugs", "Vitals": "Vitals, release 7f3c2e1 against a1b2c3d",
            "NoiseTable": "The noise", "Ledger": "Evidence ledger"}  # fmt: skip


def gallery(replay: panels.ReplayView | None = None) -> str:
    """The report's HTML."""
    cells = []
    for panel in views.all_panels(replay):
        title = SECTIONS.get(type(panel).__name__)
        if title:
            cells.append(new_markdown_cell(f"## {title}"))
        shown = new_output("display_data", {"text/html": str(panel.html())})
        cells.append(new_code_cell("panel", outputs=[shown]))
    return ReportExporter(footer="The figures are invented.").from_notebook_node(new_notebook(cells=cells))[0]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(gallery(), encoding="utf-8")
