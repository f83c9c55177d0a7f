"""Globs as people write them in rules, as regexes that run in linear time."""

from __future__ import annotations

import re

import polars as pl


def glob_regex(glob: str, *, slashed: bool = False, any_case: bool = False) -> str:
    """Turn a glob into a regex for the whole value: `*`, `?`, `[abc]`, `[!abc]`, `{one,two}`, `\\` escapes.

    In paths (`slashed`) a `*` stops at a slash and `**` does not.

    Examples
    --------
    >>> glob_regex("GET /api/*"), glob_regex("**/vendor/*.js", slashed=True)
    ('(?s)^GET /api/.*$', '(?s)^(?:.*/)?vendor/[^/]*\\\\.js$')
    """
    out, at, depth = [], 0, 0
    one = "[^/]" if slashed else "."
    while at < len(glob):
        char, rest = glob[at], glob[at:]
        if slashed and rest.startswith("**/"):
            out.append("(?:.*/)?")
            at += 3
        elif slashed and rest.startswith("**"):
            out.append(".*")
            at += 2
        elif char == "*":
            out.append(f"{one}*")
            at += 1
        elif char == "?":
            out.append(one)
            at += 1
        elif char == "[" and (members := re.match(r"\[(!?)([^\]]+)\]", rest)):
            out.append(f"[{'^' if members[1] else ''}{_in_class(members[2])}]")
            at += len(members[0])
        elif char == "{" and re.match(r"\{[^{}]*\}", rest):
            out.append("(?:")
            depth, at = depth + 1, at + 1
        elif depth and char in ",}":
            out.append("|" if char == "," else ")")
            depth, at = depth - (char == "}"), at + 1
        elif char == "\\" and at + 1 < len(glob):
            out.append(_literal(glob[at + 1]))
            at += 2
        else:
            out.append(_literal(char))
            at += 1
    return f"(?{'i' if any_case else ''}s)^{''.join(out)}$"


def is_regex(pattern: str) -> bool:
    """Whether a pattern is a regex of the engine that runs the rules: linear time, no look-around, not huge.

    Examples
    --------
    >>> is_regex("^a.*b$"), is_regex("a(?=b)"), is_regex("[z-a]"), is_regex("." * 20_000)
    (True, False, False, False)
    """
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.ComputeError:
        return False
    return True


def _literal(char: str) -> str:
    return "\\" + char if char in r"\.+*?()|[]{}^$" else char


def _in_class(members: str) -> str:
    return re.sub(r"([\\\]\[^&~])", r"\\\1", members)
