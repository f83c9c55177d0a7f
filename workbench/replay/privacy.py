"""What recordings hold that they must not: e-mail addresses, bank accounts, card numbers, in clear.

Recorders mask fields when they are told to, and never the text of pages; one forgotten page is enough. Nothing that
is found is ever given back: only where, and how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import polars as pl

from connectors.exceptions import RuleError
from connectors.tables import INT, TEXT, TIME
from workbench.replay.marks import path
from workbench.replay.mirror import descendants
from workbench.replay.recording import Stream, streams
from workbench.replay.rrweb import CDATA, COMMENT, ELEMENT, INPUT, MUTATION, Input, Meta, Mutation, Node, Snapshot
from workbench.replay.rrweb import TEXT as TEXT_NODE
from workbench.rules.loader import RuleFile, load

LEAKS = {
    "pattern": TEXT,
    "title": TEXT,
    "page": TEXT,
    "path": TEXT,
    "where": TEXT,
    "times": INT,
    "values": INT,
    "page_views": INT,
    "replays": INT,
    "first_at": TIME,
    "example_replay_id": TEXT,
    "reason": TEXT,
}
NOT_ON_THE_PAGE = frozenset({"script", "style", "noscript", "template", "head"})
SHORTEST = 6  # a@b.de
FIELDS = frozenset({"input", "textarea", "select"})
ADDRESSES = frozenset({"href", "action"})


@dataclass(frozen=True)
class Pattern:
    """One kind of personal data, from `workbench/rules/privacy`."""

    name: str
    title: str
    reason: str
    hint: str
    pattern: re.Pattern[str]
    check: str
    attributes: frozenset[str]
    not_personal: tuple[re.Pattern[str], ...]
    lengths: Mapping[str, int]

    def found_in(self, text: str) -> list[str]:
        """Give the values of this kind in a text, without the spaces that people write into numbers."""
        found = []
        for match in self.pattern.finditer(text):
            value = match.group()
            if self.check == "luhn":
                value = re.sub(r"\D", "", value)
                fits = luhn(value)
            elif self.check == "iban":
                value = re.sub(r"[^A-Za-z0-9]", "", value).upper()
                value = value[: self.lengths.get(value[:2], 0)]
                fits = iban(value)
            else:
                fits = True
            if fits and not any(public.search(value) for public in self.not_personal):
                found.append(value)
        return found

    def looks_at(self, attribute: str) -> bool:
        """Say whether values of an attribute are looked at."""
        return attribute in self.attributes or (attribute.startswith("data-") and "data-*" in self.attributes)


def luhn(digits: str) -> bool:
    """Check the last digit of a card number (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = [int(d) * (1 + n % 2) for n, d in enumerate(reversed(digits))]
    return bool(digits) and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def iban(value: str) -> bool:
    """Check the two check digits of an IBAN (ISO 7064, MOD 97-10).

    Examples
    --------
    >>> iban("IE29AIBK93115212345678"), iban("IE29AIBK93115212345679"), iban("")
    (True, False, False)
    """
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]+", value):
        return False
    return int("".join(str(int(sign, 36)) for sign in value[4:] + value[:4])) % 97 == 1


def personal_patterns(*, as_of: date | None = None) -> tuple[Pattern, ...]:
    """Read the patterns of `workbench/rules/privacy`.

    Raises
    ------
    RuleError
        A pattern is not a regular expression, or a key is missing.

    Examples
    --------
    >>> [pattern.name for pattern in personal_patterns()]
    ['email', 'iban', 'card']
    """
    file = load("privacy", "personal", as_of=as_of)
    return tuple(_pattern(file, name, rule) for name, rule in file.data.items())


def _pattern(file: RuleFile, name: str, rule: Mapping[str, Any]) -> Pattern:
    try:
        return Pattern(
            name=name,
            title=rule["title"],
            reason=rule["reason"],
            hint=rule["hint"],
            pattern=re.compile(rule["pattern"]),
            check=rule["check"],
            attributes=frozenset(rule["attributes"]),
            not_personal=tuple(re.compile(public["pattern"], re.IGNORECASE) for public in rule.get("not_personal", [])),
            lengths=rule.get("lengths", {}),
        )
    except (KeyError, re.error) as error:
        raise RuleError(f"{file.name}: [{name}] cannot be used: {error!r}") from error


class _Find(NamedTuple):
    pattern: str
    page: str | None
    path: str
    where: str
    value: str
    node_id: int
    at: datetime


def leaks(replay_events: pl.DataFrame, patterns: Sequence[Pattern] | None = None) -> pl.DataFrame:
    """Find where recordings hold personal data in clear.

    Looked at: texts of pages, the attributes that a pattern names, what users typed, and the page's own address. What
    a recorder masked is asterisks and is never counted, and an example in a placeholder is nobody's.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of any number of recordings.
    patterns
        What to look for; the rules in `workbench/rules/privacy` when not given.

    Returns
    -------
    One row a place, most recordings first: `pattern` (email, iban, card) and `title`, `page` (address without query),
    `path` (a CSS-like path of the element), `where` (text, attribute, input, address), `times` (once a page view and
    element), `values` (how many different ones), `page_views`, `replays`, `first_at`, `example_replay_id`, `reason`.
    Never a value.

    Examples
    --------
    >>> page = '{"node":{"type":0,"id":1,"childNodes":[{"type":3,"id":2,"textContent":"ada@example.org"}]}}'
    >>> times = pl.Series([0]).cast(pl.Datetime("ms", "UTC"))
    >>> recording = pl.DataFrame({"replay_id": "r1", "at": times, "type": [2], "data": [page]})
    >>> leaks(recording).select("title", "where", "times").rows()
    [('e-mail address', 'text', 1)]
    """
    patterns = personal_patterns() if patterns is None else tuple(patterns)
    titles = pl.DataFrame(
        [(p.name, p.title, p.reason) for p in patterns],
        schema={"pattern": TEXT, "title": TEXT, "reason": TEXT},
        orient="row",
    )
    rows = [
        (stream.replay_id, stream.page_view_id, *find)
        for stream in streams(_worth_a_look(replay_events, patterns), sources=(MUTATION, INPUT))
        for find in _last_of_each(_finds(stream, patterns))
    ]
    schema = {"replay_id": TEXT, "page_view_id": TEXT, "pattern": TEXT, "page": TEXT, "path": TEXT, "where": TEXT,
              "value": TEXT, "node_id": INT, "at": TIME}  # fmt: skip
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by("pattern", "page", "path", "where")
        .agg(
            pl.len().cast(INT).alias("times"),
            pl.col("value").n_unique().cast(INT).alias("values"),
            pl.struct("replay_id", "page_view_id").n_unique().cast(INT).alias("page_views"),
            pl.col("replay_id").n_unique().cast(INT).alias("replays"),
            pl.col("at").min().alias("first_at"),
            pl.col("replay_id").sort_by("at", "replay_id").first().alias("example_replay_id"),
        )
        .join(titles, on="pattern", how="left")
        .sort("replays", "times", "pattern", "page", "path", "where", descending=[True, True, *[False] * 4])
        .select(LEAKS.keys())
    )


def _worth_a_look(replay_events: pl.DataFrame, patterns: Sequence[Pattern]) -> pl.DataFrame:
    """Keep the page views whose raw events may hold something; the others are not even decoded."""
    keys = [key for key in ("replay_id", "page_view_id") if key in replay_events.columns]
    hint = pl.any_horizontal(pl.lit(False), *(pl.col("data").str.contains(p.hint) for p in patterns))
    hit = replay_events.filter(hint).select(keys).unique()
    return replay_events.join(hit, on=keys, how="semi", nulls_equal=True)


def _finds(stream: Stream, patterns: Sequence[Pattern]) -> Iterator[_Find]:
    nodes = stream.mirror.nodes
    for step in stream.play():
        nodes = stream.mirror.nodes
        match step.change:
            case Meta(href=href):
                yield from _of_text(href, patterns, stream, None, "address", step.at, is_address=True)
            case Snapshot(node=document):
                for node in descendants(document):
                    yield from _of_node(node, patterns, stream, step.at)
            case Mutation(adds=adds, texts=texts, attributes=attributes):
                for add in adds:
                    if add.node.id in nodes:
                        for node in descendants(add.node):
                            yield from _of_node(node, patterns, stream, step.at)
                for changed in (*texts, *attributes):
                    if changed.id in nodes:
                        yield from _of_node(nodes[changed.id], patterns, stream, step.at)
            case Input(id=node_id, text=entered):
                yield from _of_text(entered, patterns, stream, nodes.get(node_id), "input", step.at)


def _of_node(node: Node, patterns: Sequence[Pattern], stream: Stream, at: datetime) -> Iterator[_Find]:
    if node.type in (TEXT_NODE, CDATA, COMMENT):
        if node.text_content and len(node.text_content) >= SHORTEST and not _is_off_the_page(node):
            yield from _of_text(node.text_content, patterns, stream, node, "text", at)
    elif node.type == ELEMENT:
        for attribute, value in node.attributes.items():
            if isinstance(value, str) and len(value) >= SHORTEST:
                where = "input" if attribute == "value" and node.tag_name in FIELDS else "attribute"
                asked = [pattern for pattern in patterns if pattern.looks_at(attribute)]
                yield from _of_text(value, asked, stream, node, where, at, attribute in ADDRESSES)


def _of_text(
    text: str,
    patterns: Sequence[Pattern],
    stream: Stream,
    node: Node | None,
    where: str,
    at: datetime,
    is_address: bool = False,
) -> Iterator[_Find]:
    if is_address:
        text = unquote(text)
    for pattern in patterns:
        for value in pattern.found_in(text):
            page = re.sub(r"[?#].*$", "", stream.href) if stream.href else None
            yield _Find(
                pattern.name, page, "" if node is None else path(node), where, value, node.id if node else 0, at
            )


def _is_off_the_page(node: Node) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag_name in NOT_ON_THE_PAGE:
            return True
        parent = parent.parent
    return False


def _last_of_each(finds: Iterator[_Find]) -> list[_Find]:
    """Keep what an element held last: an address that is being typed is one address, not twenty."""
    last: dict[tuple[str, str, int, str], dict[str, _Find]] = {}
    for find in finds:
        place = (find.pattern, find.where, find.node_id, find.path)
        held = last.setdefault(place, {})
        if find.where == "input":
            held.clear()
        held.setdefault(find.value, find)
    return [find for held in last.values() for find in held.values()]
