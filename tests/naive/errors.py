"""Slow and obvious twins of `workbench.errors`: one event at a time, with Python's own `re` and loops."""

from __future__ import annotations

import hashlib
import re
from itertools import combinations

from workbench.rules.loader import load

FRAME_V8 = re.compile(
    r"^\s*at (?:async )?(?:(?P<function>[^(]+?) )?\(?(?P<url>[^()\s]+?):(?P<line>\d+):(?P<column>\d+)\)?$"
)
FRAME_AT = re.compile(r"^(?P<function>[^@]*)@(?P<url>.+?):(?P<line>\d+):(?P<column>\d+)$")
SLOTS = {
    "{property}": r"(?P<property>\S{1,120}?)",
    "{number}": r"(?P<property>\d+)",
    "{expression}": r"(?P<expression>.{1,400}?)",
    "{of}": r"(?P<of>.{1,400}?)",
    "{nullish}": r"(?:undefined|null)",
    "{...}": r"(?s:.*?)",
}


def wordings() -> list[tuple[str, str | None, re.Pattern]]:
    """All templates as Python patterns, in order: kind, the only type they are for, pattern."""
    found = []
    for message in load("messages", "engines").data["message"]:
        for template in message["wordings"]:
            pattern = "".join(SLOTS.get(piece, re.escape(piece)) for piece in re.split(r"(\{[a-z.]+\})", template))
            found.append((message["kind"], message.get("only_type"), re.compile(f"^{pattern}\\.?$")))
    return found


WORDINGS = wordings()
PLACEHOLDERS = [
    (
        re.compile(entry["pattern"]),
        re.sub(r"\$\{(\d)\}", r"\\\1", f"{entry.get('keep', '')}<{entry['name']}>{entry.get('after', '')}"),
    )
    for entry in load("messages", "placeholders").data["placeholder"]
]


def kind_of(type_: str, message: str) -> str | None:
    """The first template that fits the whole message, tried one after the other."""
    for kind, only_type, pattern in WORDINGS:
        if only_type in (None, type_) and pattern.match(message):
            return kind
    return None


def parameterise(message: str) -> str:
    """Each placeholder in its order, over one message."""
    for pattern, name in PLACEHOLDERS:
        message = pattern.sub(name, message)
    return re.sub(r"\s+", " ", message).strip()[:400]


def parse_stack(stack: str) -> list[tuple[str | None, str, int, int]]:
    """The frames of one Chrome, Firefox or Safari stack."""
    frames = []
    for line in stack.split("\n"):
        found = FRAME_V8.match(line) or FRAME_AT.match(line)
        if found:
            frames.append((found["function"] or None, found["url"], int(found["line"]), int(found["column"])))
    return frames


def stable_id(*parts: str | None) -> str:
    """First 16 hex digits of the SHA-256 of the parts, joined by unit separators, null as NUL."""
    return hashlib.sha256("\x1f".join("\x00" if part is None else part for part in parts).encode()).hexdigest()[:16]


def per_event(events: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """The way of one event after the other: parse, canonical message, noise by words, shape, issue. For benchmarks."""
    noise = [
        re.compile(rule["text"])
        for topic in ("opaque", "injected", "webview", "adblock", "browser", "cancelled", "dom_tampering")
        for rule in load("noise", topic).data["rule"]
        if "text" in rule
    ]
    out = []
    for type_, message, stack in events:
        frames = parse_stack(stack)
        kind = kind_of(type_, message)
        canonical = kind or parameterise(message)
        text = f"{type_}: {message}"
        is_noise = any(pattern.search(text) for pattern in noise)
        shape = stable_id(
            type_, canonical, "\n".join(f"{url} {function} {line}:{column}" for function, url, line, column in frames)
        )
        top = frames[0] if frames else (None, None, 0, 0)
        issue = None if is_noise else stable_id(canonical, top[1], top[0], str(top[3] // 1000))
        out.append((shape, issue or ""))
    return out


def pair_scores(found: list, truth: list) -> tuple[float, float]:
    """Precision and recall over all pairs of events, counted one pair after the other."""
    together = same = both = 0
    for a, b in combinations(range(len(found)), 2):
        together += found[a] == found[b]
        same += truth[a] == truth[b]
        both += found[a] == found[b] and truth[a] == truth[b]
    return (both / together if together else 1.0), (both / same if same else 1.0)


def bcubed(found: list, truth: list) -> tuple[float, float]:
    """For each event: how many of its group are of its cause, how many of its cause are in its group; means."""
    precision = recall = 0.0
    for i in range(len(found)):
        group = [j for j in range(len(found)) if found[j] == found[i]]
        cause = [j for j in range(len(found)) if truth[j] == truth[i]]
        right = len(set(group) & set(cause))
        precision += right / len(group)
        recall += right / len(cause)
    return precision / len(found), recall / len(found)


def touched_parts(pairs: list[tuple[str | None, str | None]]) -> list[tuple[set, set, int]]:
    """Old groups, new groups and events that hang together, found by walking from event to event."""
    left = [pair for pair in pairs if pair != (None, None)]
    parts = []
    while left:
        olds, news, n, grew = {left[0][0]} - {None}, {left[0][1]} - {None}, 0, True
        mine, rest = [left[0]], left[1:]
        while grew:
            near = [pair for pair in rest if pair[0] in olds or pair[1] in news]
            rest = [pair for pair in rest if not (pair[0] in olds or pair[1] in news)]
            mine += near
            grew = bool(near)
            olds |= {pair[0] for pair in near} - {None}
            news |= {pair[1] for pair in near} - {None}
        n, left = len(mine), rest
        if any(old != new for old, new in mine):
            parts.append((olds, news, n))
    return parts
