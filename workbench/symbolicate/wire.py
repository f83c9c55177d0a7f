"""The JSON around the mappings: the fields of a map, their rules, and index maps put together.

Fields are read one by one from a shallow parse, so that a field with a wrong type is named in the error, and unknown
fields (extensions may be large) cost nothing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
import numpy as np

from connectors.exceptions import SourceMapError
from connectors.formats.source_maps import bare
from workbench.symbolicate.bounds import Budget
from workbench.symbolicate.contents import Contents, Item
from workbench.symbolicate.vlq import Mappings, decode_mappings

DEEPEST = 16  # index maps in index maps; ECMA-426 sets no bound, builds in practice stay at 1
_LONGEST_VERSION = 40  # characters; longer ones are not looked at
_ABSOLUTE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]+:")
_SURROGATES = re.compile(
    rb"""
    \\\\                                                     # an escaped backslash: what follows is no escape
    | \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # a whole pair
    | (?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})              # half of one: legal in JSON, impossible in UTF-8
    """,
    re.VERBOSE,
)


class Parts(NamedTuple):
    """A map taken apart; the fields of `decode.SourceMap`."""

    sources: tuple[str | None, ...]
    contents: Contents
    names: tuple[str, ...]
    ignore_list: tuple[int, ...]
    debug_id: str | None
    columns: Mappings


class _BrokenEscape(SourceMapError):
    """Half of a surrogate pair, or an escape that is none."""


class _Map(msgspec.Struct):
    version: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    file: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    source_root: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="sourceRoot", default=msgspec.UNSET)
    sources: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    sources_content: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="sourcesContent", default=msgspec.UNSET)
    names: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    mappings: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ignore_list: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="ignoreList", default=msgspec.UNSET)
    old_ignore_list: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="x_google_ignoreList", default=msgspec.UNSET)
    sections: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    debug_id: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="debugId", default=msgspec.UNSET)
    old_debug_id: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="debug_id", default=msgspec.UNSET)


class _Offset(msgspec.Struct):
    line: int | float
    column: int | float


class _Section(msgspec.Struct):
    offset: _Offset
    map: msgspec.Raw


# Made at import: of a struct that several threads meet first at once, msgspec reads unset memory. The second is kept
# by no name; having been made is what makes `list[_Section]` safe in `_field`.
_map = msgspec.json.Decoder(_Map)
msgspec.json.Decoder(list[_Section])


def read_map(raw: bytes, *, strict: bool = True, mappings: bool = True) -> Parts:
    """Read the bytes of a regular or index map; raises `SourceMapError` with the rule that is broken."""
    raw = bare(raw)
    try:
        while True:
            try:
                return _read(raw, _How(strict, mappings, Budget()), 0)
            except UnicodeDecodeError:
                if strict:
                    raise SourceMapError("not a source map: its text is not UTF-8") from None
                raw = raw.decode("utf-8", "replace").encode()
            except _BrokenEscape as error:
                whole = _SURROGATES.sub(lambda found: b"\\ufffd" if found["half"] else found[0], raw)
                if whole == raw:
                    raise SourceMapError(str(error)) from None
                raw = whole
    except RecursionError:
        raise SourceMapError("not a source map: its JSON is nested too deeply") from None


class _How(NamedTuple):
    """How a map is read: by all rules, with its mappings, and how much of it."""

    strict: bool
    mappings: bool
    budget: Budget


def _read(raw: bytes | msgspec.Raw, how: _How, depth: int) -> Parts:
    if depth > DEEPEST:
        raise SourceMapError(f"sections: index maps within index maps, more than {DEEPEST} deep")
    try:
        fields = _map.decode(raw)
    except msgspec.ValidationError:
        raise SourceMapError("not a source map: the JSON is no object") from None
    except msgspec.DecodeError as error:
        said = str(error)  # half a pair as the last thing in a text reads as the end of the file
        kind = _BrokenEscape if re.search("escape|surrogate|truncated", said) else SourceMapError
        raise kind(f"not a source map: {_reason(error)}") from None
    _must_be_known(fields.version, how.strict)
    _field(fields.file, "file", str | None, how.strict)
    if fields.sections is not msgspec.UNSET:
        return _index_map(fields, how, depth)
    return _regular_map(fields, how)


def _must_be_known(version: Any, strict: bool) -> None:
    if isinstance(version, msgspec.Raw):
        written = bytes(memoryview(version)[: _LONGEST_VERSION + 1])
        told = None if len(written) > _LONGEST_VERSION else _field(version, "version", Any, strict)
        if type(told) in (int, float) and told == 3:
            return
        if written != b"null":
            if strict:
                raise SourceMapError(f"version is {_short(written)}; only 3 is known")
            return
    raise SourceMapError("version is missing; only 3 is known")


def _regular_map(fields: _Map, how: _How) -> Parts:
    strict, budget = how.strict, how.budget
    sources = _entries(fields.sources, "sources", list[str | None], how, needed=True)
    names = _entries(fields.names, "names", list[str], how)
    contents = _contents(fields, how)
    root = _field(fields.source_root, "sourceRoot", str | None, strict)
    text = _text_of(fields.mappings, strict) if how.mappings else b""
    ignored = _ignored(fields, len(sources), how)
    if root:
        budget.spend_characters(len(root) * len(sources))
        root = root if root.endswith("/") else root + "/"
        sources = [source if source is None or _ABSOLUTE.match(source) else root + source for source in sources]
    contents = contents[: len(sources)] + [None] * (len(sources) - len(contents))
    columns = decode_mappings(text, len(sources), len(names), strict=strict)
    budget.spend_segments(columns.key.size)
    return Parts(tuple(sources), Contents(contents), tuple(names), ignored, _debug_id(fields), columns)


def _text_of(raw: Any, strict: bool) -> bytes:
    """The characters of `mappings`; a foreign one becomes something that is no digit either."""
    if isinstance(raw, msgspec.Raw):
        written = bytes(raw)
        if written[:1] == b'"' and b"\\" not in written:
            return written[1:-1]  # as it stands: decoding 12 MB to text and back is a tenth of the whole
    return (_field(raw, "mappings", str, strict, needed=True) or "").encode("ascii", "replace")


def _contents(fields: _Map, how: _How) -> list[Item]:
    """The texts of the sources as they are written, not yet decoded."""
    kept: list[Item] = []
    for item in _entries(fields.sources_content, "sourcesContent", list[msgspec.Raw] | None, how):
        first = bytes(memoryview(item)[:1])
        if how.strict and first not in (b'"', b"n"):
            raise SourceMapError(f"sourcesContent: entry {len(kept) + 1} is neither text nor null")
        kept.append(item if first == b'"' else None)
    return kept


def read_contents(raw: bytes) -> Contents:
    """Only the texts of the sources of a map, for a map that is decoded already."""
    return read_map(raw, strict=False, mappings=False).contents


def _ignored(fields: _Map, n_sources: int, how: _How) -> tuple[int, ...]:
    raw = fields.ignore_list if fields.ignore_list is not msgspec.UNSET else fields.old_ignore_list
    ignored = _entries(raw, "ignoreList", list[int | float], how)
    inside = [int(index) for index in ignored if 0 <= index < n_sources and index == int(index)]
    if how.strict and len(inside) < len(ignored):
        raise SourceMapError(f"ignoreList names a source beyond the {n_sources} there are")
    return tuple(inside)


def _index_map(fields: _Map, how: _How, depth: int) -> Parts:
    if how.strict and fields.mappings is not msgspec.UNSET:
        raise SourceMapError("both sections and mappings are given; an index map has only sections")
    sections = _field(fields.sections, "sections", list[_Section], how.strict, needed=True) or []
    how.budget.spend_sections(len(sections))
    parts: list[Mappings] = []
    sources: list[str | None] = []
    contents: list[Item] = []
    names: list[str] = []
    ignored: list[int] = []
    before, furthest = (-1, -1), -1
    for number, section in enumerate(sections, 1):
        line, column = _start(section.offset, number)
        start = (line << 32) | column
        if how.strict and ((line, column) <= before or furthest >= start):
            what = "is out of order" if (line, column) <= before else "overlaps the one before"
            raise SourceMapError(f"sections: section {number} {what}")
        before = (line, column)
        part = _read(section.map, how, depth + 1)
        moved = _moved(part.columns, line, column, len(sources), len(names))
        furthest = max(furthest, int(moved.key[-1])) if moved.key.size else furthest
        parts.append(moved)
        ignored += [index + len(sources) for index in part.ignore_list]
        sources += part.sources
        contents += part.contents.items()
        names += part.names
    return Parts(
        tuple(sources),
        Contents(contents),
        tuple(names),
        tuple(ignored),
        _debug_id(fields),
        Mappings.join(parts).in_order(),
    )


def _start(offset: _Offset, number: int) -> tuple[int, int]:
    line, column = offset.line, offset.column
    if not all(0 <= one < 1 << 31 and one == int(one) for one in (line, column)):
        raise SourceMapError(f"sections: section {number} starts at line {line:.10g}, column {column:.10g}")
    return int(line), int(column)


def _moved(part: Mappings, line: int, column: int, n_sources: int, n_names: int) -> Mappings:
    if part.key.size and (int(part.key[-1] >> 32) + line) >> 31:
        raise SourceMapError("sections: a mapping beyond line 2147483647")
    on_first_line = part.key < 1 << 32
    key = part.key + (line << 32) + np.where(on_first_line, column, 0)
    if part.key.size and ((key & 0xFFFFFFFF) >> 31).any():
        raise SourceMapError("sections: a mapping beyond column 2147483647")
    source = np.where(part.source >= 0, part.source + n_sources, -1).astype(np.int32)
    name = np.where(part.name >= 0, part.name + n_names, -1).astype(np.int32)
    return Mappings(key, source, part.line, part.column, name)


def _debug_id(fields: _Map) -> str | None:
    for raw in (fields.debug_id, fields.old_debug_id):
        value = (_field(raw, "debugId", str, False) or "").strip()
        if value:
            return value
    return None


def _entries(raw: Any, name: str, kind: Any, how: _How, *, needed: bool = False) -> list[Any]:
    """Value of a field that is a list, counted before it is made."""
    if raw is not msgspec.UNSET:
        how.budget.expect(name, raw)
    entries = _field(raw, name, kind, how.strict, needed=needed) or []
    how.budget.spend(name, len(entries))
    return entries


def _field(raw: Any, name: str, kind: Any, strict: bool, *, needed: bool = False) -> Any:
    """Value of one field; None when absent, and when of a wrong type in lenient reading."""
    if raw is msgspec.UNSET:
        if needed and strict:
            raise SourceMapError(f"{name} is missing")
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        return _wrong(name, kind, raw, error, strict)


def _wrong(name: str, kind: Any, raw: msgspec.Raw, error: Exception, strict: bool) -> Any:
    if not strict and kind in (list[str], list[str | None]):
        try:
            items = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            return None
        if isinstance(items, list):
            return [item if isinstance(item, str) else "" if kind == list[str] else None for item in items]
    if strict or name in ("mappings", "sections"):
        raise SourceMapError(f"{name}: {_reason(error)}") from None
    return None


def _reason(error: Exception) -> str:
    text = str(error).replace("`", "").removeprefix("JSON is malformed: ")
    return text[:1].lower() + text[1:]


def _short(written: bytes) -> str:
    text = written.decode("utf-8", "replace")
    return text if len(text) <= _LONGEST_VERSION else text[:_LONGEST_VERSION] + "..."
