"""The command `workbench`.

::

    workbench report incident --source sample-data --start 2026-03-09T14:00 --out reports/monday.html
    workbench --version

What a report prints last is the path of its HTML file. An error is one sentence on stderr; the exit code is 2 when the
command was given something it cannot use, 1 when something went wrong on the way.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from cyclopts import App, CycloptsError, UnknownOptionError
from rich.console import Console

from connectors.exceptions import AddressError, BlindspotError, ParameterError

app = App(
    name="workbench",
    help="Investigate the frontend incidents that the backend cannot see.",
    version=lambda: version("blindspot-workbench"),
    version_flags=["--version"],
)
report = App(name="report", help="Make a report: one HTML file that opens from disk, and the executed notebook.")
app.command(report)


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
    from workbench.reports.run import run_report

    asked = {"source": source, "start": start, "end": end, "release": release,
             "environment": environment, "project": project}  # fmt: skip
    made = run_report("incident", {name: value for name, value in asked.items() if value is not None}, out)
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold]{made.title}[/bold]" if "[" not in made.title else made.title, markup="[" not in made.title)
    console.print(
        f"{made.bytes / 1e6:.1f} MB in {made.seconds:.0f} s; the executed notebook lies beside it", style="dim"
    )
    print(made.html)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; what Blindspot raises on purpose is one sentence, not a traceback."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"workbench: {_said(error)}", file=sys.stderr)
        sys.exit(2)
    except BlindspotError as error:
        print(f"workbench: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ParameterError | AddressError) else 1)


def _said(error: CycloptsError) -> str:
    """Say what is wrong with the command line, and what there is instead."""
    said = " ".join(str(error).split())
    if isinstance(error, UnknownOptionError):
        from workbench.reports.parameters import IncidentParameters

        there = ", ".join(f"--{name}" for name in [*IncidentParameters.model_fields, "out"])
        return f"{said} There are: {there}."
    return f"{said} See workbench --help."
