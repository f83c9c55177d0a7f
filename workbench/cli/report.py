"""`workbench report`: make a report from one of the notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App
from rich.console import Console

report = App(name="report", help="Make a report: one HTML file that opens from disk, and the executed notebook.")


@report.command
def incident(
    *,
    source: str = "sample-data",
    start: str | None = None,
    end: str | None = None,
    release: str | None = None,
    environment: str | None = None,
    project: str | None = None,
    out: Path | None = None,
) -> None:
    """Make the report of an incident.

    Parameters
    ----------
    source
        Where the evidence is: "sample-data", a folder, or an address.
    start
        Only what happened from here on: ISO 8601, UTC unless it says otherwise.
    end
        Only what happened before.
    release
        Only this release.
    environment
        Only this environment.
    project
        Only this project.
    out
        The HTML file; reports/incident-<day>-<time>.html when not given.
    """
    asked = {"source": source, "start": start, "end": end, "release": release,
             "environment": environment, "project": project}  # fmt: skip
    make("incident", asked, out)


def make(name: str, asked: dict[str, Any], out: Path | None) -> None:
    """Make one report; its finding goes to stderr, the path of its HTML file to stdout."""
    from workbench.reports.run import run_report

    made = run_report(name, {key: value for key, value in asked.items() if value is not None}, out)
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold]{made.title}[/bold]" if "[" not in made.title else made.title, markup="[" not in made.title)
    console.print(
        f"{made.bytes / 1e6:.1f} MB in {made.seconds:.0f} s; the executed notebook lies beside it", style="dim"
    )
    print(made.html)
