"""One value from the wire, of a type that nobody promised, as the canonical tables want it.

Each function answers None when the value is absent or unusable, so that one bad field costs one field; the caller
decides whether the row can live without it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

import msgspec

BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding broken JSON can raise: malformed, of the wrong type, not UTF-8, nested too deep."""

# Times outside of these are clocks that are broken or units that were mistaken: 1970-01-02 to 2200-01-01.
EARLIEST_US, LATEST_US = 86_400_000_000, 7_258_118_400_000_000
_HEX = re.compile(r"[0-9a-f]+")


def as_text(value: Any) -> str | None:
    """Give text for a text, a number or a boolean; None for nothing, empty text, lists and objects.

    Examples
    --------
    >>> as_text("a"), as_text(12), as_text(True), as_text(""), as_text({"a": 1})
    ('a', '12', 'true', None, None)
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def as_number(value: Any) -> float | None:
    """Give a finite number for a number or a text that spells one; None for everything else.

    Examples
    --------
    >>> as_number(3), as_number("2.5"), as_number(True), as_number(float("nan")), as_number("fast")
    (3.0, 2.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def as_int(value: Any) -> int | None:
    """Give a whole number that fits 64 bits, from a number or a text (OTLP writes int64 as text).

    Examples
    --------
    >>> as_int("200"), as_int(200.0), as_int(2.5), as_int("2e2"), as_int(None)
    (200, 200, None, None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        value = int(value) if isfinite(value) and value.is_integer() else None
    elif isinstance(value, str):
        value = int(value) if len(value) < 20 and value.lstrip("-").isdecimal() else None
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return None


def as_micros(value: Any, unit: Literal["s", "ms", "guess"] = "s") -> int | None:
    """Give a time as microseconds since 1970 UTC, from a number in `unit` or ISO 8601 text (no zone means UTC).

    `guess` tells seconds, milliseconds, microseconds and nanoseconds apart by size, which is safe between the years
    1973 and 5138 and is needed for beacons, whose field names do not say.

    Examples
    --------
    >>> as_micros(1741530000.5), as_micros(1741530000500, "ms"), as_micros("2025-03-09T14:20:00.5Z")
    (1741530000500000, 1741530000500000, 1741530000500000)
    >>> as_micros(1741530000500, "guess") == as_micros(1741530000.5, "guess")
    True
    >>> as_micros("yesterday"), as_micros(-1), as_micros(1e300), as_micros(1e306)
    (None, None, None, None)
    """
    # A run of digits is an epoch: `fromisoformat` would read some of them as a date of the year 1741.
    if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        # Not `.timestamp()`: a float would lose the last microsecond.
        elapsed = (time if time.tzinfo else time.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return _plausible((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds)
    number = as_number(value)
    if number is None:
        return None
    if unit == "guess":
        size = abs(number)
        scale = 1e6 if size < 1e11 else 1e3 if size < 1e14 else 1.0 if size < 1e17 else 1e-3
    else:
        scale = 1e6 if unit == "s" else 1e3
    scaled = number * scale
    return _plausible(round(scaled)) if isfinite(scaled) else None


def _plausible(micros: int) -> int | None:
    return micros if EARLIEST_US <= micros <= LATEST_US else None


def as_hex_id(value: Any, digits: int) -> str | None:
    """Give a trace id (`digits=32`), span id (16) or event id (32) as lowercase hex; None when it is not one, or zero.

    Dashes go, so a UUID is an id of 32 digits.

    Examples
    --------
    >>> as_hex_id("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", 32)
    '4bf92f3577b34da6a3ce929d0e0e4736'
    >>> as_hex_id("0000000000000000", 16), as_hex_id("xyz", 16), as_hex_id(None, 16)
    (None, None, None)
    """
    if not isinstance(value, str):
        return None
    text = value.replace("-", "").lower()
    if len(text) != digits or not _HEX.fullmatch(text) or not text.strip("0"):
        return None
    return text


def duration_of(value: Any) -> int | None:
    """Give a duration in whole units, from 0; None where nobody says how long, or more than a table can hold.

    Examples
    --------
    >>> duration_of(2000), duration_of(-5), duration_of(None), duration_of(10**30)
    (2000, 0, None, None)
    """
    whole = as_int(value)
    return None if whole is None else max(whole, 0)


def shown(value: Any) -> str:
    """Show a refused value in a reason, cut to a length that a ledger can print.

    Examples
    --------
    >>> shown("fast"), shown("x" * 100)
    ("'fast'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…")
    """
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
