"""Words for charts and tables: names shortened in the middle, numbers and shares as people write them."""

from __future__ import annotations

import re
from datetime import datetime

_PLURAL = re.compile(r"\b(error|shape|issue|bug)s\b")
_SHA = re.compile(r"^[0-9a-f]{12,64}$")


def shorten(text: str, limit: int) -> str:
    """Cut a long name in the middle, where names differ least.

    Examples
    --------
    >>> shorten("checkout-service/internal/promotions", 21)
    'checkout-s…promotions'
    >>> shorten("short", 20)
    'short'
    """
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"


def text_width(text: str, size: float = 12) -> float:
    """Estimate a text's width in px, on the wide side (DejaVu Sans), so that nothing is cut off with other fonts.

    Examples
    --------
    >>> text_width("release", 10)
    43.4
    """
    return round(0.62 * size * len(text), 1)


def room_for(width: float, size: float = 12) -> int:
    """Say how many characters of a name fit into `width` px.

    Examples
    --------
    >>> room_for(290), room_for(0)
    (41, 4)
    """
    return max(4, int(width / (0.58 * size)))


def release_name(release: str | None) -> str:
    """Shorten a commit SHA to the seven digits that people say; leave every other name as it is.

    Examples
    --------
    >>> release_name("7f3c2e1d90aa41b2c3d4e5f60718293a4b5c6d7e")
    '7f3c2e1'
    >>> release_name("shop@4.2.0")
    'shop@4.2.0'
    >>> release_name(None)
    'unknown'
    """
    if release is None:
        return "unknown"
    return release[:7] if _SHA.match(release) else release


def singular(words: str, n: float) -> str:
    """Say the first noun of a few words in the singular when there is one of it.

    Examples
    --------
    >>> singular("bugs that hit users", 1), singular("raw errors", 1), singular("issues", 2), singular("after noise", 1)
    ('bug that hit users', 'raw error', 'issues', 'after noise')
    """
    return _PLURAL.sub(r"\1", words, count=1) if n == 1 else words


def count(n: float | None) -> str:
    """Write a count with thousands apart.

    Examples
    --------
    >>> count(9871), count(None)
    ('9,871', '–')
    """
    return "–" if n is None else f"{n:,.0f}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "issue"), plural(1234, "issue"), plural(2, "recovery", "recoveries")
    ('1 issue', '1,234 issues', '2 recoveries')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def share(value: float | None) -> str:
    """Write a share in percent: whole, with a tenth below ten, never a false 0 or 100.

    Examples
    --------
    >>> share(0.238), share(0.0712), share(0.0004), share(0.9996), share(1.0), share(None)
    ('24 %', '7.1 %', '<0.1 %', '>99 %', '100 %', '–')
    """
    if value is None:
        return "–"
    percent = 100 * value
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99 < percent < 100:
        return ">99 %"
    return f"{percent:.1f} %" if 0 < percent < 9.95 else f"{percent:.0f} %"


def ratio(value: float | None) -> str:
    """Write a ratio: one decimal below ten, none above, never a false zero.

    Examples
    --------
    >>> ratio(2.94), ratio(31.2), ratio(0.01), ratio(0.0), ratio(None)
    ('2.9×', '31×', '<0.1×', '0×', '–')
    """
    if value is None:
        return "–"
    if value < 0.05:
        return "<0.1×" if value else "0×"
    return f"{value:.1f}×" if value < 9.95 else f"{value:,.0f}×"


def milliseconds(value: float | None) -> str:
    """Write a duration in the unit that people would say.

    Examples
    --------
    >>> milliseconds(0.42), milliseconds(740), milliseconds(2530.0), milliseconds(95_000)
    ('0.4 ms', '740 ms', '2.5 s', '1 min 35 s')
    >>> milliseconds(900_000), milliseconds(7_200_000)
    ('15 min', '2 h')
    """
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} ms"
    if value < 1000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{value / 1000:.1f} s"
    minutes, seconds = divmod(round(value / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def vital(metric: str, value: float | None) -> str:
    """Write a vital's value in its own unit: CLS has none, the others are durations.

    Examples
    --------
    >>> vital("CLS", 0.134), vital("INP", 740.2)
    ('0.13', '740 ms')
    """
    if value is None:
        return "–"
    return f"{value:.2f}" if metric == "CLS" else milliseconds(value)


def moment(at: datetime | None, *, day: bool = True) -> str:
    """Write a time, UTC.

    Examples
    --------
    >>> moment(datetime(2026, 3, 9, 14, 23))
    '9 Mar 14:23'
    >>> moment(datetime(2026, 3, 9, 14, 23), day=False)
    '14:23'
    """
    if at is None:
        return "–"
    return f"{at.day} {at:%b %H:%M}" if day else f"{at:%H:%M}"
