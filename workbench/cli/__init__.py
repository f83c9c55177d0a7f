"""The command `workbench`.

::

    workbench report incident --source sample-data --start 2026-03-09T14:00 --out reports/monday.html
    workbench --version

Each command is a file of this package and is imported when it is first called. An error is one sentence on stderr; the
exit code is 2 when the command was given something it cannot use, 1 when something went wrong on the way or when a
check found what it looks for.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

from cyclopts import App, CycloptsError, UnknownOptionError, UnusedCliTokensError

from connectors.exceptions import AddressError, BlindspotError, ParameterError

app = App(
    name="workbench",
    help="Investigate the frontend incidents that the backend cannot see.",
    version=lambda: version("blindspot-workbench"),
    version_flags=["--version"],
)
app.command("workbench.cli.report:report", name="report", help="Make a report: one HTML file that opens from disk.")
app.command("workbench.cli.rules:rules", name="rules", help="See what changed grouping rules would do.")
app.command("workbench.cli.sources:sources", name="sources", help="Check what of your sources works.")
app.command("workbench.cli.lake:lake", name="lake", help="See what a lake holds; keep it small, quick and whole.")
app.command("workbench.cli.sync:sync", name="sync", help="Bring a window of a remote system into a lake.")
app.command("workbench.cli.maps:check", name="check-maps", help="Check that a build may be deployed.")
app.command("workbench.cli.maps:upload", name="upload-maps", help="Put the maps of a build into a store.")
app.command("workbench.cli.maps:prune", name="prune-maps", help="Remove maps after their time.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command; what Blindspot raises on purpose is one sentence, not a traceback.

    A command that finds what its caller wants to know by the exit code gives it back as an int.
    """
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print(f"workbench: {_said(error)}", file=sys.stderr)
        sys.exit(2)
    except BlindspotError as error:
        print(f"workbench: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ParameterError | AddressError) else 1)
    sys.exit(code if isinstance(code, int) else 0)


def _said(error: CycloptsError) -> str:
    """Say what is wrong with the command line, and what there is instead."""
    said = " ".join(str(error).split())
    if isinstance(error, UnusedCliTokensError):
        left = " ".join(error.unused_tokens or ())
        return f"{left!r} belongs to no option; a value with a blank in it wants quotes. See workbench --help."
    if isinstance(error, UnknownOptionError) and error.argument_collection is not None:
        names = [argument.name for argument in error.argument_collection if argument.name.startswith("--")]
        return f"{said} There are: {', '.join(names)}."
    return f"{said} See workbench --help."
