"""Grouping rules as PostHog takes them: JSON filters, one issue a rule, and what they cannot express.

`POST /api/environments/:id/error_tracking/grouping_rules/` takes `{"filters": ..., "description": ...}`; filters are a
property group over an exception event (`$exception_types`, `$exception_values`, `$exception_sources`,
`$exception_functions`, `$exception_level`, `$lib`, `$current_url`). A filter on a list holds when it holds for one
element. Documentation and examples read in November 2026; not tried against a server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from connectors.formats.sentry_rules import Exported

KEYS = {
    "type": "$exception_types",
    "value": "$exception_values",
    "message": "$exception_values",
    "path": "$exception_sources",
    "module": "$exception_sources",
    "function": "$exception_functions",
    "level": "$exception_level",
    "sdk": "$lib",
    "url": "$current_url",
}
_GLOB = re.compile(r"[*?\[{\\]")


def posthog_rules(fingerprints: Sequence[Any], stacks: Sequence[Any]) -> Exported:
    """Write rules as a JSON list of requests, in the order in which they must stand.

    Parameters
    ----------
    fingerprints, stacks
        Parsed rules: `line`, `text`, `matchers` (`key`, `glob`, `negated`, `pattern`), `parts`, `title`.

    Examples
    --------
    >>> from types import SimpleNamespace as Has
    >>> matcher = Has(key="type", glob="TypeError", negated=False, pattern="(?s)^TypeError$")
    >>> told = posthog_rules([Has(line=1, text="type:TypeError -> x", matchers=[matcher], parts=["x"], title=None)], [])
    >>> json.loads(told.text)[0]["filters"]["values"]
    [{'key': '$exception_types', 'operator': 'exact', 'value': 'TypeError', 'type': 'event'}]
    """
    requests, left_out, seen = [], [], {}
    for rule in fingerprints:
        lacking = sorted({f"filter on {m.key}" for m in rule.matchers if m.key not in KEYS and not _tag(m.key)})
        if getattr(rule, "caller", None) or getattr(rule, "callee", None):
            lacking.append("filter on a frame's caller or callee")
        if any("{{" in part for part in rule.parts):
            lacking.append("variables in a fingerprint, {{ default }} among them: a rule makes one issue")
        if lacking:
            left_out.append(f"line {rule.line}: PostHog has no {', no '.join(lacking)}: {rule.text}")
            continue
        if rule.title:
            left_out.append(f"line {rule.line}: PostHog has no title= in a rule; the rest is exported")
        name = ", ".join(rule.parts)
        if name in seen:
            left_out.append(
                f"line {rule.line}: PostHog makes an issue of its own; merge it with that of line {seen[name]} by hand"
            )
        seen.setdefault(name, rule.line)
        values = [_filter(matcher) for matcher in rule.matchers]
        requests.append({"filters": {"type": "AND", "values": values}, "description": f"{name}: {rule.text}"})
    left_out += [f"line {rule.line}: PostHog has no stack-trace rules: {rule.text}" for rule in stacks]
    return Exported(json.dumps(requests, indent=2, ensure_ascii=False) + "\n", tuple(left_out))


def _tag(key: str) -> bool:
    return key.startswith("tags.")


def _filter(matcher: Any) -> dict[str, str]:
    key = matcher.key.removeprefix("tags.") if _tag(matcher.key) else KEYS[matcher.key]
    plain = not _GLOB.search(matcher.glob) and matcher.key not in ("path", "module", "message", "value")
    kind = ("is_not" if matcher.negated else "exact") if plain else ("not_regex" if matcher.negated else "regex")
    return {"key": key, "operator": kind, "value": matcher.glob if plain else _pattern(matcher), "type": "event"}


def _pattern(matcher: Any) -> str:
    """A source may carry a host or a bundler's prefix before the path, so that only its end is tied."""
    pattern = str(matcher.pattern)
    return pattern.replace("^", "", 1) if matcher.key in ("path", "module") else pattern
