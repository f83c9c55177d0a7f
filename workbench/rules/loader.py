"""The one loader of the rules: dated TOML files, the newest of each topic unless an earlier day is asked for.

A file is named `<area>/<topic>-<YYYY-MM-DD>.toml`. A changed rule is a new file with a new date beside the old one, so
that an old report can be made again with the rules of its day (`as_of`), and a reviewer sees the two side by side.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from connectors.exceptions import RuleError

_NAME = re.compile(r"^(?P<topic>[a-z0-9_-]+?)-(?P<dated>\d{4}-\d{2}-\d{2})\.toml$")


@dataclass(frozen=True)
class RuleFile:
    """One file of rules as it was read."""

    area: str
    topic: str
    dated: date
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The path inside `workbench/rules`, for reasons and errors."""
        return f"{self.area}/{self.topic}-{self.dated}.toml"


def load(area: str, topic: str, *, as_of: date | None = None) -> RuleFile:
    """Read the rules of one topic, as they were on a day.

    Parameters
    ----------
    area
        A folder of `workbench/rules`, named after the room that reads it.
    topic
        The file's name without date and ending.
    as_of
        The newest file that is not younger than this day is read; the newest of all when not given.

    Raises
    ------
    RuleError
        No such area, topic or day (the message lists what there is), or the file is not TOML (line and column).

    Examples
    --------
    >>> load("noise", "opaque").topic
    'opaque'
    >>> load("noise", "opaq")
    Traceback (most recent call last):
        ...
    connectors.exceptions.RuleError: no rules noise/opaq; there are: ...
    """
    for file in load_all(area, as_of=as_of):
        if file.topic == topic:
            return file
    there = ", ".join(file.topic for file in load_all(area, as_of=as_of)) or "none"
    day = f" dated {as_of} or before" if as_of else ""
    raise RuleError(f"no rules {area}/{topic}{day}; there are: {there}")


@cache
def load_all(area: str, *, as_of: date | None = None) -> tuple[RuleFile, ...]:
    """Read an area's rules: of each topic the newest file that is not younger than `as_of`, in order of topic.

    Raises
    ------
    RuleError
        There is no such area, or a file is not TOML or not named after its topic and date.

    Examples
    --------
    >>> "extension" in {file.topic for file in load_all("noise")}
    True
    """
    folder = files("workbench.rules") / area
    if not folder.is_dir():
        there = sorted(entry.name for entry in files("workbench.rules").iterdir() if _is_area(entry))
        raise RuleError(f"no area of rules named {area}; there are: {', '.join(there)}")
    newest: dict[str, RuleFile] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        named = _NAME.match(entry.name)
        if named is None:
            raise RuleError(f"{area}/{entry.name}: a file of rules is named <topic>-<YYYY-MM-DD>.toml")
        dated = date.fromisoformat(named["dated"])
        if as_of is not None and dated > as_of:
            continue
        have = newest.get(named["topic"])
        if have is None or dated > have.dated:
            newest[named["topic"]] = RuleFile(area, named["topic"], dated, parse(entry.read_text("utf-8"), entry.name))
    return tuple(newest[topic] for topic in sorted(newest))


def parse(text: str, name: str) -> dict[str, Any]:
    """Parse the text of a rules file; an error names the file, the line and the column.

    Examples
    --------
    >>> parse("threshold = 3", "mine.toml")
    {'threshold': 3}
    >>> parse("threshold = ", "mine.toml")
    Traceback (most recent call last):
        ...
    connectors.exceptions.RuleError: mine.toml: Invalid value (at end of document)
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{name}: {error}") from error


def _is_area(entry: Any) -> bool:
    return entry.is_dir() and any(file.name.endswith(".toml") for file in entry.iterdir())
