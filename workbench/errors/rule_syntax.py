"""Fingerprint and stack-trace rules in Sentry's syntax: text to rules, with line and column in every error.

::

    # one rule a line; all matchers must hold, the first rule that does wins
    type:"PaymentError" message:"*declined*"      -> declined, {{ type }}
    !stack.module:"shop/*" endpoint:"GET /api/*"  -> {{ default }}, {{ endpoint }}   title="After {{ endpoint }}"
    status:5?? release:"2.*"                      -> backend-{{ status }}
    stack.abs_path:"**/vendor/**"                 -app
    stack.function:retry                          ^-group
    [ function:render ] | app:yes                 category=view min-frames=2

Beyond Sentry's matchers there are `endpoint:` and `status:`, of the requests before the event. Globs become regexes
without look-around or back-references, so that every rule runs in linear time.
https://docs.sentry.io/concepts/data-management/event-grouping/fingerprint-rules/ and .../stack-trace-rules/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from workbench.errors.globs import glob_regex, is_regex
from workbench.errors.rule_reader import Reader

ALIASES = {
    "error.type": "type",
    "error.value": "value",
    "stack.abs_path": "path",
    "stack.module": "module",
    "stack.function": "function",
    "stack.package": "package",
    "stack.family": "family",
    "stack.app": "app",
    "error.mechanism": "mechanism",
}
# Sentry's words for the same thing inside double braces.
VARIABLE_ALIASES = ALIASES | {
    "stack.filename": "path",
    "raw_message": "message",
    "raw_value": "value",
    "error.raw_value": "value",
}
FRAME_KEYS = frozenset({"path", "module", "function", "package", "family", "app"})
REQUEST_KEYS = frozenset({"endpoint", "status"})
# Browsers have no threads: matchers on them are read as Sentry does, and fit nothing.
THREAD_KEYS = frozenset({"thread.id", "thread.name", "thread.state", "thread.crashed", "thread.current"})
EVENT_KEYS = THREAD_KEYS | {
    "type", "value", "message", "sdk", "release", "logger", "level", "transaction", "environment", "url", "mechanism",
}  # fmt: skip
# A category is what an earlier stack-trace rule gave a frame (`category=view`).
STACK_KEYS = FRAME_KEYS | {"type", "value", "message", "category"}
KEYS = FRAME_KEYS | REQUEST_KEYS | EVENT_KEYS
VARIABLES = KEYS - {"family", "app"} - THREAD_KEYS | {"default"}
# Sentry ignores case where people write prose or paths.
_ANY_CASE = frozenset({"path", "package", "message", "value", "level", "endpoint", "release", "url"})
_SLASHED = frozenset({"path", "package"})
_LISTED = frozenset({"sdk", "family"})
_TRUTH = frozenset({"1", "yes", "true", "0", "no", "false"})
VARIABLE = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")
_ACTION = re.compile(r"^(?P<range>[\^v]?)(?P<flag>[+-])(?P<what>app|group)$")
_SETTING = re.compile(r"(?P<what>max-frames|min-frames|category)\s*=\s*(?P<value>(?:\w[\w.\-]*)?)")


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
    caller: Matcher | None = None
    callee: Matcher | None = None

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
class StackSetting:
    """`category=view` on the frames that match; `max-frames=3`, `min-frames=2` on every stack with such a frame."""

    what: str
    value: str


@dataclass(frozen=True)
class StackRule:
    """Matchers on a frame (and on its caller or callee), and what follows from them."""

    line: int
    text: str
    matchers: tuple[Matcher, ...]
    actions: tuple[StackAction, ...]
    caller: Matcher | None = None
    callee: Matcher | None = None
    settings: tuple[StackSetting, ...] = ()


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


class _Line(Reader):
    """One rule."""

    def parse(self) -> FingerprintRule | StackRule:
        matchers: list[Matcher] = []
        caller = callee = None
        while True:
            self.blanks()
            if self.ends():
                self.fail("the rule has no effect; write `-> fingerprint` or an action such as -app")
            if self.takes("->"):
                return self._fingerprint(matchers, caller, callee)
            if _ACTION.match(self.word()) or _SETTING.match(self.text, self.at):
                self._only(STACK_KEYS, "a stack-trace rule", matchers)
                actions, settings = self._actions()
                text = self.text.strip()
                return StackRule(self.number, text, tuple(matchers), actions, caller, callee, settings)
            if self.takes("["):
                caller = self._neighbour("caller")
                self.expect("|", "between a caller and its frame")
            elif self.takes("|"):
                self.blanks()
                self.expect("[", "before the callee")
                callee = self._neighbour("callee")
            else:
                matchers.append(self._matcher())

    def _matcher(self, until: str = r"\S+") -> Matcher:
        self.blanks()
        start = self.at
        negated = self.takes("!")
        key_at = self.at
        key = self.value(r"[\w.\-]+")
        if not key:
            self.fail(f'expected a matcher such as type:"TypeError", found {self.text[start : start + 12]!r}', start)
        name = ALIASES.get(key, key)
        if name not in KEYS | STACK_KEYS and not name.startswith("tags."):
            self.fail(f"no matcher {key}; there are: {', '.join(sorted(KEYS - THREAD_KEYS))}, tags.<name>", key_at)
        if not self.takes(":"):
            self.fail(f'expected a colon after {key}, as in {key}:"..."')
        value_at = self.at
        glob = self.value(until)
        if not glob:
            self.fail(f'expected a value after {key}:, as in {key}:"..."')
        if name == "app" and glob.lower() not in _TRUTH:
            self.fail(f"{key} is yes or no, not {glob[:40]!r}", value_at)
        pattern = glob_regex(_glob(name, glob), slashed=name in _SLASHED, any_case=name in _ANY_CASE)
        if not is_regex(pattern):
            self.fail(f"the value of {key} is too long, or a range in its brackets runs backwards", key_at)
        return Matcher(name, glob, negated, pattern)

    def _fingerprint(self, matchers: list[Matcher], caller: Matcher | None, callee: Matcher | None) -> FingerprintRule:
        if not matchers:
            self.fail("a fingerprint needs a matcher before the arrow", 0)
        self._only(KEYS, "a fingerprint rule", matchers)
        parts, title = [], None
        while True:
            self.blanks(",")
            if self.ends():
                break
            start = self.at
            if attribute := re.match(r"(\w+)=", self.text[self.at :]):
                if attribute[1] != "title":
                    self.fail(f"no attribute {attribute[1]}; there is: title")
                self.at += len(attribute[0])
                title = self.value(r"(?:\{\{[^}]*\}\}|\S)+")
                self._variables(title, start)
                continue
            part = self.value(r"(?:\{\{[^}]*\}\}|[^\s,])+")
            self._variables(part, start)
            parts.append(part)
        if not parts:
            self.fail("expected a fingerprint after ->, as in `-> payment, {{ default }}`")
        return FingerprintRule(self.number, self.text.strip(), tuple(matchers), tuple(parts), title, caller, callee)

    def _variables(self, part: str, start: int) -> None:
        for name in VARIABLE.findall(part):
            known = VARIABLE_ALIASES.get(name, name)
            if known not in VARIABLES and not known.startswith("tags."):
                self.fail(f"no variable {name}; there are: {', '.join(sorted(VARIABLES))}, tags.<name>", start)
        if "{{" in VARIABLE.sub("", part):
            self.fail("the braces of a variable are never closed, or hold no name; write {{ default }}", start)

    def _actions(self) -> tuple[tuple[StackAction, ...], tuple[StackSetting, ...]]:
        actions, settings = [], []
        while not self.ends():
            start = self.at
            if setting := _SETTING.match(self.text, start):
                self.at = setting.end()
                what, value = setting["what"], setting["value"]
                if not (value if what == "category" else value.isdigit()):
                    self.fail(f"{what} needs a value, as in {what}={'view' if what == 'category' else 3}", start)
                settings.append(StackSetting(what, value))
            else:
                word = self.until(r"\S+")
                action = _ACTION.match(word)
                if not action:
                    self.fail(
                        f"no action {word}; there are: +app, -app, +group, -group, each also with ^ or v before it, "
                        "max-frames=, min-frames=, category=",
                        start,
                    )
                actions.append(StackAction(action["range"], action["what"], action["flag"] == "+"))
            self.blanks()
        return tuple(actions), tuple(settings)

    def _only(self, keys: frozenset[str], what: str, matchers: list[Matcher]) -> None:
        for matcher in matchers:
            if matcher.key not in keys and not (matcher.key.startswith("tags.") and keys is KEYS):
                self.fail(f"{what} cannot look at {matcher.key}; it looks at: {', '.join(sorted(keys))}", 0)

    def _neighbour(self, what: str) -> Matcher:
        self.blanks()
        start = self.at
        matcher = self._matcher(r"(?:\[[^\s\]]*\]|[^\s\]])+")
        if matcher.key not in FRAME_KEYS | {"category"}:
            self.fail(f"a {what} is a frame; it is told by: {', '.join(sorted(FRAME_KEYS))}", start)
        self.blanks()
        self.expect("]", f"after the {what}")
        self.blanks()
        return matcher


def _glob(name: str, glob: str) -> str:
    """`5xx` is how people say `5??`; a list of names (`family:native,javascript`) fits any of them, `all` fits all."""
    if name == "status":
        return re.sub(r"^(\d)xx$", r"\1??", glob, flags=re.IGNORECASE)
    if name in _LISTED:
        return "*" if "all" in glob.split(",") else "{" + glob + "}" if "," in glob else glob
    return glob
