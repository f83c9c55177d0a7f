"""Which function of the original source a position stands in, and which property is read there.

A source is parsed once into an `Outline`: sorted offsets that are searched, not a tree that is walked, so that a
source hit by a thousand positions costs as much as one hit once, and the outline can be kept between runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import tree_sitter
import tree_sitter_javascript
import tree_sitter_typescript
from numpy.typing import ArrayLike, NDArray

from workbench.rules.loader import load
from workbench.symbolicate.syntax import function_name, receiver_name, text

ANONYMOUS, MODULE = "<anonymous>", "<module>"
_LANGUAGES = {
    "javascript": tree_sitter_javascript.language,
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
}
_FIELD = {"javascript": "field_definition", "typescript": "public_field_definition", "tsx": "public_field_definition"}
_QUERY = """
[
  (function_declaration) (function_expression) (arrow_function) (method_definition)
  (generator_function) (generator_function_declaration) (class_static_block) ({field} value: (_))
] @function
[
  (member_expression) (subscript_expression)
  (shorthand_property_identifier_pattern) (pair_pattern) (object_assignment_pattern)
] @read
"""


@dataclass(frozen=True, eq=False)
class Outline:
    """Functions and property reads of one source, by offset in UTF-16 units from its start.

    Attributes
    ----------
    lines
        Where each line starts.
    starts, functions
        From `starts[i]` on, up to the next start, `functions[i]` is the innermost function.
    reads
        One row a property read: start of the whole expression, end of what is read from, start and end of the
        property's name.
    receivers, properties
        What each read reads from and its property's name.
    """

    lines: NDArray[np.int32]
    starts: NDArray[np.int32]
    functions: Sequence[str]
    reads: NDArray[np.int32]
    receivers: Sequence[str | None]
    properties: Sequence[str]

    def offsets(self, lines: ArrayLike, columns: ArrayLike) -> NDArray[np.int64]:
        """Offsets of 0-based positions; -1 for a line that the source does not have."""
        lines, columns = np.asarray(lines, np.int64), np.asarray(columns, np.int64)
        known = (lines >= 0) & (lines < self.lines.size - 1)
        line = np.where(known, lines, 0)
        return np.where(known, np.minimum(self.lines[line] + columns, self.lines[line + 1]), -1)

    def functions_at(self, lines: ArrayLike, columns: ArrayLike) -> list[str | None]:
        """Innermost function at each 0-based position; None beyond the end of the source."""
        offsets = self.offsets(lines, columns)
        at = np.searchsorted(self.starts, offsets, "right") - 1
        return [
            self.functions[i] if offset >= 0 else None for i, offset in zip(at.tolist(), offsets.tolist(), strict=True)
        ]

    def read_at(
        self, line: int, column: int, *, after: int = 0, expected: str | None = None
    ) -> tuple[str | None, str] | None:
        """Receiver and property of the read at a 0-based position, or None where that is not certain.

        V8 reports the property's name, or the dot after a call or the bracket; other engines report another part of
        the expression, and a map may only know where the expression starts.

        Parameters
        ----------
        line, column
            The mapped position.
        after
            How far behind its mapping the bundle's position lies; 0 is an exact hit.
        expected
            The property that the error's message names, where it does: then any position inside the
            expression will do, provided that only one receiver fits.
        """
        offset = int(self.offsets([line], [column])[0])
        if offset < 0 or not len(self.reads):
            return None
        whole, owner_end, name, name_end = self.reads.T
        fits = (owner_end <= offset) & (offset <= name)
        if after == 1 and not fits.any():  # the dot behind a call: the mapping is the closing bracket's
            fits = (owner_end <= offset + 1) & (offset + 1 < name)
        elif after > 1:
            fits[:] = False
        if expected is not None:
            named = np.array([known == expected for known in self.properties])
            fits &= named
            if not fits.any():
                fits = named & (whole <= offset) & (offset <= name_end)
        elif after and not fits.any():
            fits = (whole <= offset) & (offset <= name_end)
        found = {(self.receivers[i], self.properties[i]) for i in np.flatnonzero(fits)}
        return found.pop() if len(found) == 1 else None


def outline(content: str, path: str | None) -> Outline | None:
    """Parse one source; None when its kind is not JavaScript or TypeScript.

    Parameters
    ----------
    content
        The original source, from `sourcesContent`.
    path
        Its path; the ending picks the grammar. A path without an ending is read as JavaScript, and believed only when
        it parses without an error.

    Examples
    --------
    >>> source = "function total(cart) {\\n  return cart.discount.amount;\\n}\\n"
    >>> parsed = outline(source, "src/total.ts")
    >>> parsed.functions_at([1, 3], [9, 0])
    ['total', '<module>']
    >>> parsed.read_at(1, 23)
    ('discount', 'amount')
    """
    grammar, sure = _grammar(path)
    if grammar is None:
        return None
    source = content.encode("utf-8", "replace")
    parser, query = _parser(grammar)
    tree = parser.parse(source)
    if not sure and tree.root_node.has_error:
        return None
    found = tree_sitter.QueryCursor(query).captures(tree.root_node)
    units, lines = _utf16(source)
    starts, names = _innermost([_named(node) for node in found.get("function", [])])
    reads = [read for node in found.get("read", []) if (read := _read(node))]
    places = np.array([read[:4] for read in reads], np.int64).reshape(-1, 4)
    return Outline(
        lines=lines,
        starts=units[np.array(starts, np.int64)],
        functions=names,
        reads=units[places].astype(np.int32),
        receivers=[read[4] for read in reads],
        properties=[read[5] for read in reads],
    )


def split_lines(content: str) -> list[str]:
    """Lines of a source as JavaScript counts them: LF, CR, CRLF, U+2028 and U+2029 end one.

    Examples
    --------
    >>> split_lines("a\\r\\nb\\u2028c")
    ['a', 'b', 'c']
    """
    plain = content.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return plain.split("\n")


def ending(path: str | None) -> str:
    """What stands behind the last dot of a source's file name, in small letters; nothing when there is none.

    Examples
    --------
    >>> ending("webpack://shop/./src/Cart.TSX?1f2e"), ending("src/cart"), ending(None)
    ('tsx', '', '')
    """
    name = (path or "").split("?")[0].rpartition("/")[2].lower()
    return name.rpartition(".")[2] if "." in name else ""


def _grammar(path: str | None) -> tuple[str | None, bool]:
    known = ending(path)
    return (load("symbolicate", "functions").data["grammars"].get(known), True) if known else ("javascript", False)


@cache
def _parser(grammar: str) -> tuple[tree_sitter.Parser, tree_sitter.Query]:
    language = tree_sitter.Language(_LANGUAGES[grammar]())
    return tree_sitter.Parser(language), tree_sitter.Query(language, _QUERY.format(field=_FIELD[grammar]))


def _utf16(source: bytes) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """UTF-16 offset of every byte (one more for the end), and where lines start (one more for the end)."""
    data = np.frombuffer(source, np.uint8)
    widths = np.where(data < 0x80, 1, np.where(data < 0xC0, 0, np.where(data < 0xF0, 1, 2)))
    units = np.concatenate(([0], np.cumsum(widths))).astype(np.int32)
    feeds = np.flatnonzero(data == 10)
    returns = np.flatnonzero(data == 13)
    returns = returns[~np.isin(returns + 1, feeds, assume_unique=True)]
    third = np.flatnonzero((data[2:] == 0xA8) | (data[2:] == 0xA9)) + 2 if data.size > 2 else np.zeros(0, np.int64)
    separators = third[(data[third - 2] == 0xE2) & (data[third - 1] == 0x80)]
    line_ends = np.sort(np.concatenate((feeds, returns, separators))) + 1
    return units, np.concatenate(([0], units[line_ends], units[-1:])).astype(np.int32)


def _named(node: tree_sitter.Node) -> tuple[int, int, str | None]:
    value = node.child_by_field_name("value") if node.type in _FIELD.values() else None
    extent = value or node
    return extent.start_byte, extent.end_byte, function_name(node)


def _innermost(extents: list[tuple[int, int, str | None]]) -> tuple[list[int], list[str]]:
    """Nested extents to breakpoints: the innermost function from each on."""
    starts, names = [0], [MODULE]
    open_: list[tuple[int, str]] = []
    for start, end, own in sorted(extents, key=lambda extent: (extent[0], -extent[1])):
        while open_ and open_[-1][0] <= start:
            closed, _ = open_.pop()
            starts.append(closed)
            names.append(open_[-1][1] if open_ else MODULE)
        around = open_[-1][1] if open_ else MODULE
        starts.append(start)
        names.append(own or _unnamed(around))
        open_.append((end, names[-1]))
    while open_:
        closed, _ = open_.pop()
        starts.append(closed)
        names.append(open_[-1][1] if open_ else MODULE)
    return starts, names


def _unnamed(around: str) -> str:
    if around == MODULE:
        return ANONYMOUS
    return around if around.startswith(ANONYMOUS) else f"{ANONYMOUS} in {around}"


def _read(node: tree_sitter.Node) -> tuple[int, int, int, int, str | None, str] | None:
    """Start of the expression, end of the receiver, start and end of the name, receiver, property."""
    if node.type in {"member_expression", "subscript_expression"}:
        owner = node.child_by_field_name("object")
        name = node.child_by_field_name("property" if node.type == "member_expression" else "index")
        if owner is None or name is None:
            return None
        if node.type == "subscript_expression" and name.type not in {"string", "number"}:
            return None
        named = text(name).strip("'\"")
        return node.start_byte, owner.end_byte, name.start_byte, name.end_byte, receiver_name(owner), named
    name = node if node.type == "shorthand_property_identifier_pattern" else node.child_by_field_name("key")
    if node.type == "object_assignment_pattern":
        name = node.child_by_field_name("left")
    pattern = node.parent
    if name is None or pattern is None or pattern.type != "object_pattern":
        return None
    return name.start_byte, name.start_byte, name.start_byte, name.end_byte, _destructured(pattern), text(name)


def _destructured(pattern: tree_sitter.Node) -> str | None:
    """What an object pattern takes apart: the value of the declaration, or the key it stands under."""
    place = pattern.parent
    if place is not None and place.type == "variable_declarator":
        return receiver_name(place.child_by_field_name("value"))
    if place is not None and place.type == "assignment_expression":
        return receiver_name(place.child_by_field_name("right"))
    if place is not None and place.type == "pair_pattern":
        key = place.child_by_field_name("key")
        return text(key) if key is not None else None
    return None
