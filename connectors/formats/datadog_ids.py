"""Ids and times as Datadog writes them: 64-bit ids in decimal, durations in nanoseconds.

Source: the public schemas of RUM events (github.com/DataDog/rum-events-format, `rum/_trace-schema.json`: "either a 64
bit decimal number or a 128 bit hexadecimal number padded with 0s") and the reference of the spans API.
"""

from __future__ import annotations

from typing import Any

from connectors.formats.values import as_hex_id, as_number

LARGEST = 2**64


def trace_id_of(value: Any) -> str | None:
    """Give a trace id as 32 hex digits: 64-bit decimals are padded on the left, 32 digits are hexadecimal already.

    Which of the two it is stands in its length, never in its digits: a 64-bit number has at most 20 of them.

    Examples
    --------
    >>> trace_id_of("4461593448038214218"), trace_id_of("0000000000000000" + "3dead2b7fbb8764a")
    ('00000000000000003deac39a3a872a4a', '00000000000000003dead2b7fbb8764a')
    >>> trace_id_of("0"), trace_id_of("not an id"), trace_id_of(None)
    (None, None, None)
    """
    if isinstance(value, str) and len(value) == 32:
        return as_hex_id(value, 32)
    return _padded(value, 32)


def span_id_of(value: Any) -> str | None:
    """Give a span id as 16 hex digits; "0", which a root names as its parent, is none.

    Examples
    --------
    >>> span_id_of("12174885344805365765"), span_id_of("0")
    ('a8f5e1b73e3ba805', None)
    """
    return _padded(value, 16)


def decimal_of(trace_id: str) -> str:
    """Give the low 64 bits of a canonical trace id in decimal: how the spans search wants to be asked.

    Examples
    --------
    >>> decimal_of("4bf92f3577b34da6a3ce929d0e0e4736")
    '11803532876627986230'
    """
    return str(int(trace_id[-16:], 16))


def milliseconds_of(nanoseconds: Any) -> float | None:
    """Give a duration of nanoseconds in milliseconds.

    Examples
    --------
    >>> milliseconds_of(246580000), milliseconds_of(None)
    (246.58, None)
    """
    number = as_number(nanoseconds)
    return None if number is None or number < 0 else number / 1e6


def _padded(value: Any, digits: int) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20):
        return None
    number = int(value)
    return f"{number:0{digits}x}" if 0 < number < LARGEST else None
