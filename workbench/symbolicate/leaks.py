"""Does a deployed bundle give its source map, and with it the team's source, away to everybody?

Three ways: a comment at its end names a map, a header does, or the map stands inside as a `data:` URL. (Whether a map
answers at `<bundle>.map` without any of these is for whoever can ask the server.)
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

# ECMA-426, "extracting without parsing": the last such comment counts, nothing but comments and blanks may follow it.
_REFERENCE = re.compile(r"^[@#]\s*sourceMappingURL=(\S*?)\s*$")
_DEBUG_ID = re.compile(r"^//# debugId=([0-9a-fA-F-]{32,36})\s*$")
_COMMENT = re.compile(r"/[/*]")
_LINE_ENDS = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_COMMENT_OF_REFERENCE = re.compile(
    r"(?://[@#][^\S\n\r\u2028\u2029]*sourceMappingURL=\S*[^\S\n\r\u2028\u2029]*(?:\r\n|[\n\r\u2028\u2029]|$))"
    r"|(?:/\*[@#]\s*sourceMappingURL=(?:(?!\*/)\S)*\s*\*/)"
)
# without parsing, the end of a string reads as a reference: such code is left alone
_IN_STRING = re.compile(r"^(?!data:).*[\"'`)]|[\"'`)]$")
_INSIDE = re.compile(r"^[^\S\n]*//[@#]\s*sourceMappingURL=(data:application/json[^,\s]*),\S{64}", re.MULTILINE)
_IN_STYLE = re.compile(r"/\*[@#]\s*sourceMappingURL=((?:(?!\*/)\S)*)\s*\*/[^\S\n]*\n?")
_IN_PAGE = re.compile(r"(?://|/\*)[@#]\s*sourceMappingURL=((?:(?!\*/)[^\s<\"'`])+)")
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


def without_reference(code: str) -> str:
    """Take the comments that name a map off the end of a script; nothing that runs moves.

    Examples
    --------
    >>> without_reference("total();\\n//# debugId=85314830\\n//# sourceMappingURL=app.js.map\\n")
    'total();\\n//# debugId=85314830\\n'
    """
    while (address := map_reference(code)) is not None and not _IN_STRING.search(address):
        found = list(_COMMENT_OF_REFERENCE.finditer(code))
        if not found:
            break
        code = code[: found[-1].start()] + code[found[-1].end() :]
    return code


def without_style_reference(style: str) -> str:
    """Take the comments that name a map out of a style sheet.

    Examples
    --------
    >>> without_style_reference(".cart{color:red}\\n/*# sourceMappingURL=shop.css.map */\\n")
    '.cart{color:red}\\n'
    """
    return _IN_STYLE.sub("", style)


def inline_map(code: str) -> bytes | None:
    """The map that stands inside of a script as a `data:` URL, None where none does or it cannot be read.

    Examples
    --------
    >>> inline_map("total();\\n//# sourceMappingURL=data:application/json;base64,e30=")
    b'{}'
    """
    kind, comma, data = (map_reference(code) or "").partition(",")
    if not kind.startswith("data:") or not comma:
        return None
    raw = unquote_to_bytes(data)
    try:
        return b64decode(raw) if kind.endswith(";base64") else raw
    except ValueError:
        return None


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
    reference = map_reference(code)
    leaks = [] if reference is None else [_leak(reference)]
    within = _INSIDE.search(code) if not any(leak.kind == "inline" for leak in leaks) else None
    if within:  # that of a file which was put before others: it leads no reader to the map, and still holds it
        leaks.append(Leak("inline", within[1]))
    for name, value in (headers or {}).items():
        if name.lower() in _HEADERS and value.strip():
            leaks.append(Leak("header", value.strip()))
    return leaks


def find_leaks_beside(text: str, *, style: bool) -> list[Leak]:
    """The ways in which a style sheet or a page tells where a map is.

    Examples
    --------
    >>> find_leaks_beside(".cart{}/*# sourceMappingURL=shop.css.map */", style=True)
    [Leak(kind='comment', address='shop.css.map')]
    >>> find_leaks_beside("<script>//# sourceMappingURL=data:application/json,{}\\n</script>", style=False)
    [Leak(kind='inline', address='data:application/json')]
    """
    return [_leak(reference) for reference in (_IN_STYLE if style else _IN_PAGE).findall(text) if reference]


def _leak(reference: str) -> Leak:
    inline = reference.startswith("data:")
    return Leak("inline", reference.partition(",")[0]) if inline else Leak("comment", reference)
