"""`workbench sources`: what of a team's sources works, how far back it goes, and what a fetch would need."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from cyclopts import App
from rich.console import Console
from rich.table import Table

from connectors.exceptions import AddressError
from connectors.sources import FILE, Described, find_sources

if TYPE_CHECKING:
    from connectors.source_checks import Checked

sources = App(name="sources", help="Check what of your sources works.")


@sources.default
def check(name: str | None = None, /, *, json_: bool = False) -> int:
    """Check every address of workbench.toml, or of one of its sources.

    One line an address: whether it works, since when it has something, what a fetch from it needs; where it does not
    work, why, and what to do. The exit code is 1 when one does not work.

    Parameters
    ----------
    name
        A source of workbench.toml, or any address or folder; all sources of the file when not given.
    json_
        Print JSON instead.
    """
    from connectors.source_checks import check_sources

    checked = check_sources(_asked(name))
    if json_:
        lines = [{**one._asdict(), "since": one.since and one.since.isoformat()} for one in checked]
        print(json.dumps(lines, indent=1))
    else:
        _show(checked)
    return 0 if all(one.ok for one in checked) else 1


def _asked(name: str | None) -> list[Described]:
    known = find_sources()
    if name in known:
        return [known[name]]
    if name is not None:
        return [Described(name, {"": (name,)})]
    if not known:
        raise AddressError(
            f"there is no {FILE} here or above that names a source; write one, or give an address: "
            "workbench sources sentry+https://sentry.example.com/acme/shop"
        )
    return list(known.values())


def _show(checked: list[Checked]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    for source in dict.fromkeys(one.source for one in checked):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title=_plain(source), title_justify="left")
        for overflow in ("ignore", "ignore", "fold", "fold"):
            table.add_column(overflow=overflow, no_wrap=overflow == "ignore")
        for one in (one for one in checked if one.source == source):
            said = [one.says]
            if one.ok:
                said += [f"since {one.since:%Y-%m-%d %H:%M} UTC" if one.since else "", one.calls]
            works = "[green]works[/]" if one.ok else "[red]fails[/]"
            said_of_it = _plain("; ".join(filter(None, said)))
            table.add_row(works, ", ".join(filter(None, one.kinds)), _plain(one.address), said_of_it)
        console.print(table)


def _plain(text: str) -> str:
    """Keep what looks like markup as it is."""
    return text.replace("[", "\\[")
