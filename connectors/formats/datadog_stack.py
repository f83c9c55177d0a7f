r"""Stacks as Datadog's browser SDK writes them, whatever the engine: `TypeError: ...\n  at name @ address:line:column`.

Source: `toStackTraceString` of github.com/DataDog/browser-sdk (`packages/core/src/tools/stackTrace/handlingStack.ts`).
A frame without a name is `<anonymous>`; arguments may stand behind the name in brackets.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_FRAME = re.compile(
    r"^\s*at (?P<name>.*?)(?:\([^()]*\))? @ (?P<url>.*?)(?::(?P<line>\d{1,9}))?(?::(?P<column>\d{1,9}))?$"
)
NO_STACK = "No stack, consider using an instance of Error"
NAMELESS = frozenset({"<anonymous>", "?", ""})


class StackFrame(NamedTuple):
    """One frame: line and column are 1-based, as the engine counts."""

    function: str | None
    url: str | None
    line: int | None
    column: int | None


@lru_cache(maxsize=4096)
def parse_stack(stack: str) -> tuple[StackFrame, ...]:
    r"""Give the frames of a stack, throwing frame first; none when it is written in another way.

    Examples
    --------
    >>> stack = (
    ...     "TypeError: x is undefined\n  at Cart.total @ https://shop.example/app.js:1:234\n"
    ...     "  at <anonymous> @ https://shop.example/app.js:1:99"
    ... )
    >>> [tuple(frame) for frame in parse_stack(stack)]
    [('Cart.total', 'https://shop.example/app.js', 1, 234), (None, 'https://shop.example/app.js', 1, 99)]
    >>> parse_stack("Failed to load")
    ()
    """
    frames = []
    for line in stack.split("\n"):
        match = _FRAME.match(line)
        if match:
            name, url, row, column = match["name"].strip(), match["url"], match["line"], match["column"]
            frames.append(
                StackFrame(
                    None if name in NAMELESS else name,
                    None if url in ("undefined", "") else url,
                    _position(row),
                    _position(column),
                )
            )
    return tuple(frames)


def _position(digits: str | None) -> int | None:
    """Give a line or column, which are counted from 1: 0 stands where the browser told none."""
    return int(digits) or None if digits else None
