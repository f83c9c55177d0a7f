"""Does a deployed bundle give its source map, and with it the team's source, away to everybody?

Three ways: a comment at its end names a map, a header does, or the map stands inside as a `data:` URL. (Whether a map
answers at `<bundle>.map` without any of these is for whoever can ask the server.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# ECMA-426, "extracting without parsing": the last such comment counts, nothing but comments and blanks may follow it.
_REFERENCE = re.compile(r"^[@#]\s*sourceMappingURL=(\S*?)\s*$")
_DEBUG_ID = re.compile(r"^//# debugId=([0-9a-fA-F-]{32,36})\s*$")
_COMMENT = re.compile(r"/[/*]")
_LINE_ENDS = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_HEADERS = ("sourcemap", "x-sourcemap")
DEBUG_ID_LINES = 5  # the proposal looks at the last five lines only


class Leak(NamedTuple):
    """How a bundle gives its map away: `comment`, `header` or `inline`, and the address of the map."""

    kind: str
    address: str


def map_reference(code: str) -> str | None:
    """The address of the map that the end of a script names, without parsing the script.

    Walks lines forward and comments within them as the standard says: a reference counts only when no code follows.

    Parameters
    ----------
    code
        JavaScript, whole or its last part cut at a line's start.

    Examples
    --------
    >>> map_reference("total();\\n//# sourceMappingURL=app.js.map\\n")
    'app.js.map'
    >>> map_reference("//# sourceMappingURL=app.js.map\\ntotal();") is None
    True
    >>> map_reference("total(); /*# sourceMappingURL=app.js.map */")
    'app.js.map'
    """
    found: str | None = None
    for line in _LINE_ENDS.split(code):
        at = 0
        while at < len(line):
            if line.startswith("//", at):
                said = _REFERENCE.match(line[at + 2 :])
                found = said[1] if said else found
                break
            if line.startswith("/*", at):
                end = line.find("*/", at + 2)
                if end < 0:  # a comment over several lines: its other lines read as code, which forgets the reference
                    found = None
                    break
                said = _REFERENCE.match(line[at + 2 : end])
                found = said[1] if said else found
                at = end + 2
            elif line[at].isspace():
                at += 1
            else:
                found = None
                at = _next_comment(line, at)
    return found or None


def _next_comment(line: str, at: int) -> int:
    found = _COMMENT.search(line, at + 1)
    return found.start() if found else len(line)


def debug_id_of(code: str) -> str | None:
    """The debug ID that a script carries in one of its last five lines.

    Examples
    --------
    >>> debug_id_of("total();\\n//# debugId=85314830-023f-4cf1-a267-535f4e37bb17\\n")
    '85314830-023f-4cf1-a267-535f4e37bb17'
    """
    lines = [line for line in _LINE_ENDS.split(code) if line.strip()]
    for line in reversed(lines[-DEBUG_ID_LINES:]):
        said = _DEBUG_ID.match(line.strip())
        if said:
            return said[1].lower()
    return None


def find_leaks(code: str, headers: Mapping[str, str] | None = None) -> list[Leak]:
    """All the ways in which a bundle, as deployed, tells where its map is.

    Parameters
    ----------
    code
        The bundle's text.
    headers
        The response's headers, where it was fetched.

    Examples
    --------
    >>> find_leaks("total();\\n//# sourceMappingURL=data:application/json;base64,e30=", {"SourceMap": "/app.js.map"})
    [Leak(kind='inline', address='data:application/json;base64'), Leak(kind='header', address='/app.js.map')]
    """
    leaks = []
    reference = map_reference(code)
    if reference is not None:
        inline = reference.startswith("data:")
        leaks.append(Leak("inline", reference.partition(",")[0]) if inline else Leak("comment", reference))
    for name, value in (headers or {}).items():
        if name.lower() in _HEADERS and value.strip():
            leaks.append(Leak("header", value.strip()))
    return leaks
