"""Everything that is wrong with a text of rules, for an editor: a parser stops at the first fault."""

from __future__ import annotations

import re
from typing import NamedTuple

from connectors.exceptions import RuleError
from workbench.errors.known import parse_known
from workbench.errors.rule_syntax import parse_rules

_PLACE = re.compile(r"^[^:]*:(\d+):(\d+): (.*)$", re.DOTALL)
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_ENTRY = re.compile(r"^[^:]*: known entry (\d+)")


class Fault(NamedTuple):
    """One thing that is wrong, and where; lines and columns from 1."""

    file: str
    line: int
    column: int
    message: str


def faults_of(text: str, name: str = "rules", *, known: bool = False) -> tuple[Fault, ...]:
    """List what is wrong, each line of rules by itself; of a TOML list the first fault.

    Parameters
    ----------
    known
        The text is a team's list of known noise.

    Examples
    --------
    >>> faults_of('typ:E -> x\\ntype:E -> y\\ntype:E ->')
    (Fault(file='rules', line=1, column=1, message='no matcher typ; there are: ...'), Fault(file='rules', line=3, ...))
    """
    if known:
        return _known(text, name)
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            parse_rules(line, name)
        except RuleError as error:
            found = _PLACE.match(str(error))
            column, message = (int(found[2]), found[3]) if found else (1, str(error))
            faults.append(Fault(name, number, column, message))
    return tuple(faults)


def _known(text: str, name: str) -> tuple[Fault, ...]:
    try:
        parse_known(text, name)
    except RuleError as error:
        said = str(error)
        if place := _TOML_PLACE.search(said):
            return (Fault(name, int(place[1]), int(place[2]), said.removeprefix(f"{name}: ")),)
        if entry := _ENTRY.match(said):
            heads = [n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[known]]")]
            return (Fault(name, heads[int(entry[1]) - 1], 1, said.removeprefix(f"{name}: ")),)
        return (Fault(name, max(len(text.splitlines()), 1), 1, said.removeprefix(f"{name}: ")),)
    return ()
