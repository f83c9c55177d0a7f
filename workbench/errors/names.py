"""What a bug is called: a sentence that a person reads."""

from __future__ import annotations

from typing import Any, NamedTuple


class Named(NamedTuple):
    """A title, and a summary of one or two sentences."""

    title: str
    summary: str


def name_bug(facts: dict[str, Any]) -> Named:
    """Name a bug by the field that is missing and the endpoint or page it is missing after.

    Parameters
    ----------
    facts
        `receiver`, `property`, `kind`, `message` (a sample), `endpoint`, `route`, `components`, `failing_span`, `n_issues`,
        `n_events`, `n_sessions`; any may be None.

    Examples
    --------
    >>> facts = {"receiver": "discount", "endpoint": "GET /api/cart", "components": ["CartTotals", "describe"], "n_issues": 2,
    ...          "n_events": 31, "n_sessions": 20}
    >>> name_bug(facts)
    Named(title='`discount` missing after `GET /api/cart`', summary='Throws in `CartTotals` and `describe`. 31 events in 20 sessions, 2 issues.')
    """  # noqa: E501
    get = facts.get
    return Named(
        f"{_what(facts)}{_where(facts)}",
        " ".join(filter(None, (_throws(get("components")), _behind(facts), _how_many(facts)))),
    )


def _what(facts: dict[str, Any]) -> str:
    kind, property_ = facts.get("kind"), facts.get("property")
    if facts.get("receiver"):
        return f"`{facts['receiver']}` missing"
    sentences = {
        "nullish-read": f"`{property_}` read from a value that is missing" if property_ else "A value is missing",
        "nullish-write": f"`{property_}` set on a value that is missing",
        "not-a-function": f"`{property_}` is not a function" if property_ else "Something called is not a function",
        "not-defined": f"`{property_}` is not defined",
        "http-status": f"Requests are answered {property_}",
        "fetch-failed": "Requests fail without an answer",
        "dynamic-import": "A part of the page cannot be loaded",
        "json-parse": "An answer is not JSON",
        "recursion": "An endless recursion",
        "react-error": f"React error {property_}",
    }
    return sentences.get(kind or "", _cut(facts.get("message") or "An error without a message"))


def _where(facts: dict[str, Any]) -> str:
    if facts.get("endpoint"):
        return f" after `{facts['endpoint']}`"
    if facts.get("route"):
        return f" on `{facts['route']}`"
    components = facts.get("components") or []
    return f" in `{components[0]}`" if components else ""


def _throws(components: list[str] | None) -> str | None:
    if not components:
        return None
    *most, last = [f"`{name}`" for name in components[:4]]
    listed = f"{', '.join(most)} and {last}" if most else last
    more = len(components) - 4
    return f"Throws in {listed}{f' and {more} more' if more > 0 else ''}."


def _behind(facts: dict[str, Any]) -> str | None:
    return f"In its traces `{facts['failing_span']}` fails." if facts.get("failing_span") else None


def _how_many(facts: dict[str, Any]) -> str:
    def say(n: int, noun: str) -> str:
        return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

    sessions = f" in {say(facts['n_sessions'], 'session')}" if facts.get("n_sessions") else ""
    return f"{say(facts['n_events'], 'event')}{sessions}, {say(facts['n_issues'], 'issue')}."


def _cut(message: str, longest: int = 90) -> str:
    line = message.strip().split("\n")[0].rstrip(". ")
    return line if len(line) <= longest else f"{line[: longest // 2 - 1]}…{line[-longest // 2 :]}"
