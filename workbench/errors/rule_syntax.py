"""Fingerprint and stack-trace rules in Sentry's syntax: text to rules, with line and column in every error.

::

    # one rule a line; all matchers must hold, the first rule that does wins
    type:"PaymentError" message:"*declined*"      -> declined, {{ type }}
    !stack.module:"shop/*" endpoint:"GET /api/*"  -> {{ default }}, {{ endpoint }}   title="After {{ endpoint }}"
    status:5?? release:"2.*"                      -> backend-{{ status }}
    stack.abs_path:"**/vendor/**"                 -app
    stack.function:retry                          ^-group

Beyond Sentry's matchers there are `endpoint:` and `status:`, of the requests before the event. Globs become regexes
without look-around or back-references, so that every rule runs in linear time.
https://docs.sentry.io/concepts/data-management/event-grouping/fingerprint-rules/ and .../stack-trace-rules/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from connectors.exceptions import RuleError
from workbench.errors.globs import glob_regex, is_regex

ALIASES = {
    "error.type": "type",
    "error.value": "value",
    "stack.abs_path": "path",
    "stack.module": "module",
    "stack.function": "function",
    "stack.package": "package",
    "stack.family": "family",
    "stack.app": "app",
}
FRAME_KEYS = frozenset({"path", "module", "function", "package", "family", "app"})
REQUEST_KEYS = frozenset({"endpoint", "status"})
EVENT_KEYS = frozenset(
    {"type", "value", "message", "sdk", "release", "logger", "level", "transaction", "environment", "url"}
)
STACK_KEYS = FRAME_KEYS | {"type", "value", "message"}
KEYS = FRAME_KEYS | REQUEST_KEYS | EVENT_KEYS
VARIABLES = KEYS - {"family", "app"} | {"default"}
# Sentry ignores case where people write prose or paths.
_ANY_CASE = frozenset({"path", "package", "message", "value", "level", "endpoint", "release", "url"})
_SLASHED = frozenset({"path", "package"})
_VARIABLE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_ACTION = re.compile(r"^(?P<range>[\^v]?)(?P<flag>[+-])(?P<what>app|group)$")


@dataclass(frozen=True)
class Matcher:
    """`!key:"glob"`; `pattern` is the glob as a regex that must fit the whole value."""

    key: str
    glob: str
    negated: bool
    pattern: str


@dataclass(frozen=True)
class FingerprintRule:
    """Matchers, and the parts of the fingerprint: text, or variables in double braces."""

    line: int
    text: str
    matchers: tuple[Matcher, ...]
    parts: tuple[str, ...]
    title: str | None = None

    @property
    def name(self) -> str:
        """How an issue names the rule that made it."""
        return f"rule in line {self.line}: {self.text}"


@dataclass(frozen=True)
class StackAction:
    """What becomes of a frame that matches, or of those above it (`^`, towards the throw) or below it (`v`)."""

    where: str
    what: str
    flag: bool


@dataclass(frozen=True)
class StackRule:
    """Matchers on a frame (and on its caller or callee), and what follows from them."""

    line: int
    text: str
    matchers: tuple[Matcher, ...]
    actions: tuple[StackAction, ...]
    caller: Matcher | None = None
    callee: Matcher | None = None


@dataclass(frozen=True)
class Rules:
    """A file of rules, in order."""

    fingerprints: tuple[FingerprintRule, ...] = ()
    stacks: tuple[StackRule, ...] = ()
    name: str = field(default="rules", compare=False)


def parse_rules(text: str, name: str = "rules") -> Rules:
    """Parse a file of rules.

    Parameters
    ----------
    text
        One rule a line; `#` begins a comment, empty lines are allowed.
    name
        What errors call the file.

    Raises
    ------
    RuleError
        `name:line:column: what is wrong; what would be right`.

    Examples
    --------
    >>> rules = parse_rules('type:PaymentError endpoint:"POST /api/pay" -> payment, {{ default }}')
    >>> rules.fingerprints[0].parts
    ('payment', '{{ default }}')
    >>> parse_rules('endpont:"GET /api" -> x', "shop.rules")
    Traceback (most recent call last):
        ...
    connectors.exceptions.RuleError: shop.rules:1:1: no matcher endpont; there are: app, endpoint, ...
    """
    fingerprints, stacks = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        rule = _Line(line, number, name).parse()
        (fingerprints if isinstance(rule, FingerprintRule) else stacks).append(rule)
    return Rules(tuple(fingerprints), tuple(stacks), name)


class _Line:
    """One line, read from left to right; `at` is where it stands."""

    def __init__(self, text: str, number: int, file: str) -> None:
        self.text, self.number, self.file, self.at = text, number, file, 0

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        raise RuleError(f"{self.file}:{self.number}:{(self.at if at is None else at) + 1}: {message}")

    def parse(self) -> FingerprintRule | StackRule:
        matchers: list[Matcher] = []
        caller = callee = None
        while True:
            self._blanks()
            if self._ends():
                self.fail("the rule has no effect; write `-> fingerprint` or an action such as -app")
            if self._takes("->"):
                return self._fingerprint(matchers)
            if self._word() and _ACTION.match(self._word()):
                return StackRule(
                    self.number, self.text.strip(), self._frame_only(matchers), self._actions(), caller, callee
                )
            if self._takes("["):
                caller = self._neighbour("caller")
                self._expect("|", "between a caller and its frame")
            elif self._takes("|"):
                self._blanks()
                self._expect("[", "before the callee")
                callee = self._neighbour("callee")
            else:
                matchers.append(self._matcher())

    def _matcher(self) -> Matcher:
        self._blanks()
        start = self.at
        negated = self._takes("!")
        key_at = self.at
        key = self._quoted() if self._peek() == '"' else self._until(r"[\w.\-]+")
        if not key:
            self.fail(f'expected a matcher such as type:"TypeError", found {self.text[start : start + 12]!r}', start)
        name = ALIASES.get(key, key)
        if name not in KEYS and not name.startswith("tags."):
            self.fail(f"no matcher {key}; there are: {', '.join(sorted(KEYS))}, tags.<name>", key_at)
        if not self._takes(":"):
            self.fail(f'expected a colon after {key}, as in {key}:"..."')
        glob = self._quoted() if self._peek() == '"' else self._until(r"[^\s\]]+")
        if not glob:
            self.fail(f'expected a value after {key}:, as in {key}:"..."')
        pattern = glob_regex(
            _status(glob) if name == "status" else glob, slashed=name in _SLASHED, any_case=name in _ANY_CASE
        )
        if not is_regex(pattern):
            self.fail(f"the value of {key} is too long, or a range in its brackets runs backwards", key_at)
        return Matcher(name, glob, negated, pattern)

    def _fingerprint(self, matchers: list[Matcher]) -> FingerprintRule:
        if not matchers:
            self.fail("a fingerprint needs a matcher before the arrow", 0)
        parts, title = [], None
        while True:
            self._blanks(",")
            if self._ends():
                break
            start = self.at
            if attribute := re.match(r"(\w+)=", self.text[self.at :]):
                if attribute[1] != "title":
                    self.fail(f"no attribute {attribute[1]}; there is: title")
                self.at += len(attribute[0])
                title = self._quoted() if self._peek() == '"' else self._until(r"\S+")
                self._variables(title or "", start)
                continue
            part = self._quoted() if self._peek() == '"' else self._until(r"(?:\{\{[^}]*\}\}|[^\s,])+")
            self._variables(part, start)
            parts.append(part)
        if not parts:
            self.fail("expected a fingerprint after ->, as in `-> payment, {{ default }}`")
        return FingerprintRule(self.number, self.text.strip(), tuple(matchers), tuple(parts), title)

    def _variables(self, part: str, start: int) -> None:
        for name in _VARIABLE.findall(part):
            known = ALIASES.get(name, name)
            if known not in VARIABLES and not known.startswith("tags."):
                self.fail(f"no variable {name}; there are: {', '.join(sorted(VARIABLES))}, tags.<name>", start)

    def _actions(self) -> tuple[StackAction, ...]:
        actions = []
        while not self._ends():
            start = self.at
            word = self._until(r"\S+")
            action = _ACTION.match(word)
            if not action:
                self.fail(
                    f"no action {word}; there are: +app, -app, +group, -group, each also with ^ or v before it", start
                )
            actions.append(StackAction(action["range"], action["what"], action["flag"] == "+"))
            self._blanks()
        return tuple(actions)

    def _frame_only(self, matchers: list[Matcher]) -> tuple[Matcher, ...]:
        for matcher in matchers:
            if matcher.key not in STACK_KEYS:
                self.fail(
                    f"a stack-trace rule cannot look at {matcher.key}; it looks at: {', '.join(sorted(STACK_KEYS))}", 0
                )
        return tuple(matchers)

    def _neighbour(self, what: str) -> Matcher:
        matcher = self._matcher()
        self._blanks()
        self._expect("]", f"after the {what}")
        self._blanks()
        return matcher

    def _quoted(self) -> str:
        found = re.compile(r'"((?:[^"\\]|\\.)*)"').match(self.text, self.at)
        if not found:
            self.fail("the quotation mark is never closed")
        self.at = found.end()
        return found[1].replace('\\"', '"')

    def _until(self, pattern: str) -> str:
        found = re.compile(pattern).match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def _word(self) -> str:
        found = re.compile(r"\S+").match(self.text, self.at)
        return found[0] if found else ""

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _takes(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def _expect(self, token: str, where: str) -> None:
        if not self._takes(token):
            self.fail(f"expected {token} {where}")

    def _blanks(self, also: str = "") -> None:
        while self.at < len(self.text) and (self.text[self.at].isspace() or self.text[self.at] in also):
            self.at += 1

    def _ends(self) -> bool:
        return self.at >= len(self.text)


def _status(glob: str) -> str:
    """`5xx` is how people say it; the glob for it is `5??`."""
    return re.sub(r"^(\d)xx$", r"\1??", glob, flags=re.IGNORECASE)
