"""Finding sentences: shares as people say them, pages by their routes, lists, times from a deploy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from workbench.charts.labels import share

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SIMPLE = {2: "two", 3: "three", 4: "four", 5: "five", 10: "ten"}


def fraction(value: float, noun: str = "session") -> str:
    """Say a share: in words when it is near a simple one, in percent otherwise.

    Examples
    --------
    >>> fraction(0.24), fraction(0.41), fraction(0.97)
    ('one session in four', '41 % of sessions', '97 % of sessions')
    """
    for parts, said in _SIMPLE.items():
        if abs(value * parts - 1) <= 0.08:
            return f"one {noun} in {said}"
    return f"{share(value)} of {noun}s"


def listed(words: Sequence[str], most: int = 4) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["cart", "checkout", "order"])
    'cart, checkout and order'
    >>> listed(["a", "b", "c", "d", "e", "f"])
    'a, b, c and 3 more'
    """
    words = list(words)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def counted(n: int, one: str, many: str | None = None) -> str:
    """Count a few things in words, many in digits.

    Examples
    --------
    >>> counted(3, "component"), counted(1, "bug"), counted(12, "bug")
    ('three components', 'one bug', '12 bugs')
    """
    noun = one if n == 1 else many or f"{one}s"
    return f"{_COUNTS[n] if n < len(_COUNTS) else f'{n:,}'} {noun}"


def page_name(route: str) -> str:
    """Name a page by its route.

    Examples
    --------
    >>> page_name("/order/:id"), page_name("/"), page_name("/account/settings")
    ('order', 'home', 'account settings')
    """
    words = [part for part in route.split("?")[0].split("/") if part and not part.startswith(":")]
    return " ".join(words[:2]).replace("-", " ") or "home"


def stretch(span: timedelta) -> str:
    """Say a stretch of time with the one or two units that matter.

    Examples
    --------
    >>> stretch(timedelta(minutes=52)), stretch(timedelta(hours=3, minutes=5)), stretch(timedelta(days=3))
    ('52 min', '3 h 5 min', '3 days')
    >>> stretch(timedelta(seconds=20))
    '20 s'
    """
    if abs(span) < timedelta(seconds=59.5):
        return f"{abs(span).total_seconds():.0f} s"
    minutes = round(abs(span).total_seconds() / 60)
    if minutes >= 48 * 60:
        return f"{round(minutes / 1440)} days"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def offset(at: datetime, zero: datetime | None) -> str:
    """Say how long after (or before) a deploy something was.

    Examples
    --------
    >>> offset(datetime(2026, 3, 9, 14, 23), datetime(2026, 3, 9, 14, 20))
    '3 min after the deploy'
    """
    if zero is None:
        return "no deploy is known"
    return f"{stretch(at - zero)} {'after' if at >= zero else 'before'} the deploy"


def sentence(text: str) -> str:
    """Begin with a capital, end with a full stop.

    Examples
    --------
    >>> sentence("two of three")
    'Two of three.'
    """
    text = text.strip()
    if not text:
        return text
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
