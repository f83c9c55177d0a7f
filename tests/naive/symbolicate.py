"""Slow and obvious twins of `workbench.symbolicate`: one segment, one position, one frame at a time."""

from __future__ import annotations

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Segment = tuple[int, ...]  # generated column, then source, line, column, then name: absolute values


def encode_number(value: int) -> str:
    rest = (-value << 1) | 1 if value < 0 else value << 1
    out = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        out += DIGITS[digit | 32] if rest else DIGITS[digit]
        if not rest:
            return out


def encode_mappings(lines: list[list[Segment]]) -> str:
    """`mappings` of absolute segments, one list a generated line."""
    source = line = column = name = 0
    out = []
    for segments in lines:
        at, texts = 0, []
        for segment in segments:
            numbers = [segment[0] - at]
            at = segment[0]
            if len(segment) >= 4:
                numbers += [segment[1] - source, segment[2] - line, segment[3] - column]
                source, line, column = segment[1:4]
            if len(segment) == 5:
                numbers.append(segment[4] - name)
                name = segment[4]
            texts.append("".join(encode_number(number) for number in numbers))
        out.append(",".join(texts))
    return ";".join(out)


def decode_numbers(text: str) -> list[int]:
    numbers, value, shift = [], 0, 0
    for letter in text:
        digit = DIGITS.index(letter)
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return numbers


def decode_mappings(text: str) -> list[list[Segment]]:
    """Absolute segments of valid `mappings`, one list a generated line, sorted by column."""
    totals = [0, 0, 0, 0]
    out = []
    for line in text.split(";"):
        at, segments = 0, []
        for piece in filter(None, line.split(",")):
            first, *rest = decode_numbers(piece)
            at += first
            for i, number in enumerate(rest):
                totals[i] += number
            segments.append((at, *totals[: len(rest)]))
        out.append(sorted(segments, key=lambda segment: segment[0]))
    return out


def original(lines: list[list[Segment]], line: int, column: int) -> Segment | None:
    """The segment that holds a position: the first of those exactly there, else the last before it."""
    segments = lines[line] if 0 <= line < len(lines) else []
    exact = [segment for segment in segments if segment[0] == column]
    before = [segment for segment in segments if segment[0] < column]
    found = exact[0] if exact else before[-1] if before else None
    return found if found is not None and len(found) > 1 else None


def utf16_position(text: str) -> tuple[int, int]:
    """Line and column, 0-based and in UTF-16 units, of the end of a text."""
    lines, at = 0, 0
    for i, letter in enumerate(text):
        if letter in "\n\u2028\u2029" or (letter == "\r" and text[i + 1 : i + 2] != "\n"):
            lines, at = lines + 1, i + 1
    return lines, len(text[at:].encode("utf-16-le")) // 2
