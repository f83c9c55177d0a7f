"""Grouping rules as Sentry takes them: fingerprint rules and stack-trace rules, and what it has no words for.

https://docs.sentry.io/concepts/data-management/event-grouping/fingerprint-rules/ and .../stack-trace-rules/ (read
November 2026) list the matchers; those that this project adds cannot be said there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MATCHERS = frozenset(
    {"type", "value", "message", "path", "module", "function", "package", "family", "app", "sdk", "release",
     "logger", "level", "thread.id", "thread.name", "thread.state", "thread.crashed", "thread.current"}
)  # fmt: skip
VARIABLES = frozenset(
    {"default", "transaction", "message", "type", "value", "function", "path", "abs_path", "filename", "module",
     "package", "level", "logger", "raw_message", "raw_value"}
)  # fmt: skip
_VARIABLE = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")


class Exported(NamedTuple):
    """Text to paste, and one line for each rule or part that the other system cannot express."""

    text: str
    left_out: tuple[str, ...]


def sentry_rules(fingerprints: Sequence[Any], stacks: Sequence[Any]) -> Exported:
    """Write rules for Sentry's two settings fields.

    Parameters
    ----------
    fingerprints, stacks
        Parsed rules: `line`, `text`, `matchers` (`key`, `glob`), and of fingerprints `parts` and `title`.

    Returns
    -------
    A text with both fields under a comment each; a rule that cannot be said there stands as a comment.

    Examples
    --------
    >>> from types import SimpleNamespace as Has
    >>> rule = Has(line=1, text='endpoint:"GET /a" -> x', matchers=[Has(key="endpoint", glob="GET /a")], parts=["x"], title=None)
    >>> sentry_rules([rule], []).left_out
    ('line 1: Sentry has no matcher endpoint: endpoint:"GET /a" -> x',)
    """  # noqa: E501
    left_out: list[str] = []
    text = ["# Settings > Issue Grouping > Fingerprint Rules"]
    for rule in fingerprints:
        keys = [m.key for m in rule.matchers if not m.key.startswith("tags.")]
        said = (*rule.parts, rule.title or "")
        variables = [re.sub(r"^(?:stack|error)\.", "", v) for part in said for v in _VARIABLE.findall(part)]
        lacking = [f"matcher {key}" for key in keys if key not in MATCHERS]
        lacking += [f"variable {v}" for v in variables if v not in VARIABLES and not v.startswith("tags.")]
        if lacking:
            left_out.append(f"line {rule.line}: Sentry has no {', no '.join(dict.fromkeys(lacking))}: {rule.text}")
        text.append(f"# not in Sentry: {rule.text}" if lacking else rule.text)
    text += ["", "# Settings > Issue Grouping > Stack Trace Rules", *(rule.text for rule in stacks)]
    return Exported("\n".join(text) + "\n", tuple(left_out))
