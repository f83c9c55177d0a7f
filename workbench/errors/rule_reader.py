"""A line of rules, read from left to right: words, quoted text, and errors that say where they stand."""

from __future__ import annotations

import re
from typing import NoReturn

from connectors.exceptions import RuleError

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r'\\([ntr"\\]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def unescaped(text: str) -> str:
    r"""Read `\"`, `\\`, `\n`, `\t`, `\r`, `\xNN`, `\uNNNN` as in Sentry's quotes; any other backslash is the glob's.

    Examples
    --------
    >>> unescaped(r'say \"hi\" \* C:\\app')
    'say "hi" \\* C:\\app'
    """
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1]) or chr(int(found[1][1:], 16)), text)


def quoted(text: str) -> str:
    r"""Quote a value so that a rule reads it as it stands.

    Examples
    --------
    >>> quoted('can\'t access property "x"'), quoted("a\nb"), quoted(r"2 \* 3")
    ('"can\'t access property \\"x\\""', '"a\\nb"', '"2 \\\\* 3"')
    """
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + written.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


class Reader:
    """One line and a place in it; `at` is where it stands."""

    def __init__(self, text: str, number: int, file: str) -> None:
        self.text, self.number, self.file, self.at = text, number, file, 0

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Raise a RuleError for this place, or for another in the line."""
        raise RuleError(f"{self.file}:{self.number}:{(self.at if at is None else at) + 1}: {message}")

    def quoted(self) -> str:
        """Take a text in quotation marks."""
        found = _QUOTED.match(self.text, self.at)
        if not found:
            self.fail("the quotation mark is never closed")
        self.at = found.end()
        return unescaped(found[1])

    def until(self, pattern: str) -> str:
        """Take what fits a regex from here on; nothing where it does not fit."""
        found = re.compile(pattern).match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def value(self, pattern: str) -> str:
        """Take a text in quotation marks, or what fits a regex."""
        return self.quoted() if self.peek() == '"' else self.until(pattern)

    def word(self) -> str:
        """Look at what follows, up to the next blank."""
        found = re.compile(r"\S+").match(self.text, self.at)
        return found[0] if found else ""

    def peek(self) -> str:
        """Look at the next character."""
        return self.text[self.at : self.at + 1]

    def takes(self, token: str) -> bool:
        """Take a token if it follows."""
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str, where: str) -> None:
        """Take a token that has to follow."""
        if not self.takes(token):
            self.fail(f"expected {token} {where}")

    def blanks(self, also: str = "") -> None:
        """Skip blanks."""
        while self.at < len(self.text) and (self.text[self.at].isspace() or self.text[self.at] in also):
            self.at += 1

    def ends(self) -> bool:
        """Whether nothing follows."""
        return self.at >= len(self.text)
