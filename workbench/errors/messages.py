"""Engine wording to one canonical message, then ids, numbers and addresses to placeholders.

One bug reads differently in Chrome, Safari and Firefox; `rules/messages/engines` lists the wordings as templates. The
literal part of each is looked for in all messages at once (Aho-Corasick), so that hundreds of patterns cost only where
they can match. What no template fits is parameterised as Sentry does it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

import polars as pl

from workbench.rules.loader import load

_SLOTS = {
    "property": r"(?<property>\S{1,120}?)",
    "number": r"(?<property>\d+)",
    "expression": r"(?<expression>.{1,400}?)",
    "of": r"(?<of>.{1,400}?)",
    "nullish": r"(?:undefined|null)",
    "...": r"(?s:.*?)",
}
_SLOT = re.compile(r"\{(" + "|".join(map(re.escape, _SLOTS)) + r")\}")
_TYPE = r"(?:[A-Z]\w*(?:Error|Exception|Rejection)|Error)"
_PREFIX = r"^(?:Uncaught (?:\(in promise\):? )?|Unhandled (?:[Pp]romise )?[Rr]ejection(?: \([^)]*\))?:? |Unhandled: )+"
# Types that say how an error was caught, not what it was: the type in the message is the better one.
_VAGUE_TYPES = ["Error", "UnhandledRejection", "UnhandledPromiseRejection", "Unhandled", "Exception", ""]
# A name of one or two letters is the minifier's; three is often a real global (fbq, gtm).
_LONGEST_MINIFIED = 2
_LONGEST_LOCAL = 3
_LONGEST_MESSAGE = 400


class _Wording(NamedTuple):
    rank: int
    template: str
    hint: str
    pattern: str
    kind: str
    type: str | None
    only_type: str | None
    slots: frozenset[str]


def canonical_messages(distinct: pl.DataFrame, *, as_of: date | None = None) -> pl.DataFrame:
    """Give each distinct pair of type and message its canonical message.

    Parameters
    ----------
    distinct
        `type` and `message`, one row each; further columns are kept.
    as_of
        By the wordings and placeholders of that day; the newest when not given.

    Returns
    -------
    The same rows with `canonical` (`nullish-read:amount`, or the message with placeholders), `canonical_type`, `kind`
    (null when no wording fitted), `property` (what was read, written, called or missing), `receiver` (the value
    that was undefined, where the engine says it and it is a name that minifiers keep).

    Examples
    --------
    >>> said = [
    ...     ("TypeError", "Cannot read properties of undefined (reading 'amount')"),
    ...     ("TypeError", "undefined is not an object (evaluating 'e.totals.discount.amount')"),
    ...     ("TypeError", "can't access property \\"amount\\", e.totals.discount is undefined"),
    ...     ("Error", "Order 8123 not found"),
    ... ]
    >>> rows = canonical_messages(pl.DataFrame(said, schema=["type", "message"], orient="row"))
    >>> rows["canonical"].to_list()
    ['nullish-read:amount', 'nullish-read:amount', 'nullish-read:amount', 'Order <int> not found']
    >>> rows["receiver"].to_list()
    [None, 'discount', 'discount', None]
    """
    rows = distinct.with_columns(pl.col("type", "message").cast(pl.String)).with_row_index("__row")
    cleaned = rows.lazy().select("__row", *cleaned_columns()).collect().sort("__row")
    known = known_wordings(cleaned, as_of=as_of)
    unknown = cleaned.join(known, on="__row", how="anti")
    other = parameterise(unknown.select("__row", text="clean_message"), as_of=as_of).select(
        "__row", parameterised="text"
    )
    found = (
        cleaned.join(known, on="__row", how="left")
        .join(other, on="__row", how="left")
        .sort("__row")
        .select(
            canonical=pl.when(pl.col("kind").is_null())
            .then("parameterised")
            .otherwise(
                pl.concat_str(
                    pl.col("kind").replace(_said_alike(as_of)),
                    pl.when(~pl.col("kind").is_in(_without_name(as_of))).then("property"),
                    separator=":",
                    ignore_nulls=True,
                )
            ),
            canonical_type=pl.coalesce("type_of_kind", "clean_type", pl.lit("Error")),
            kind="kind",
            property="property",
            receiver="receiver",
        )
    )
    return pl.concat([rows.drop("__row"), found], how="horizontal")


def parameterise(rows: pl.DataFrame, column: str = "text", *, as_of: date | None = None) -> pl.DataFrame:
    """Replace ids, numbers and addresses in a column by placeholders, in the order of `rules/messages/placeholders`.

    Examples
    --------
    >>> parameterise(pl.DataFrame({"text": ["GET https://a.example/7 took 31ms for maya@example.org at 0xff"]})).item()
    'GET <url> took <duration> for <email> at <hex>'
    """
    text = pl.col(column).str.slice(0, _LONGEST_MESSAGE * 4)
    for placeholder in load("messages", "placeholders", as_of=as_of).data["placeholder"]:
        text = text.str.replace_all(placeholder["pattern"], put_for(placeholder))
    text = text.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, _LONGEST_MESSAGE)
    # Only a digit, an @, a slash or an = can begin what the patterns look for; hostnames bring a dot, JSON its quotes.
    worth = pl.col(column).str.contains(r"[0-9@=]|:/|\.[a-z]|\":|(?:data|blob):|\s\s|\n|^\s|\s$|[a-f]{6}") | (
        pl.col(column).str.len_chars() > _LONGEST_MESSAGE
    )
    numbered = rows.with_row_index("__at")
    changed = numbered.lazy().filter(worth).with_columns(text.alias(column)).collect()
    return (
        pl.concat([numbered.filter(~worth.fill_null(False)), changed.filter(pl.col("__at").is_not_null())])
        .sort("__at")
        .drop("__at")
    )


def put_for(placeholder: Mapping[str, str]) -> str:
    """Return what a rule of `rules/messages/placeholders` puts in the place of what it found.

    Examples
    --------
    >>> put_for({"name": "int", "keep": "="})
    '=<int>'
    """
    return f"{placeholder.get('keep', '')}<{placeholder['name']}>{placeholder.get('after', '')}"


def cleaned_columns() -> list[pl.Expr]:
    """Give `clean_message` and `clean_type`: without what only says how an error was caught."""
    message = pl.col("message").fill_null("").str.replace(_PREFIX, "").str.strip_chars()
    named = message.str.extract(rf"^({_TYPE}): ")
    vague = pl.col("type").is_null() | pl.col("type").is_in(_VAGUE_TYPES) | (pl.col("type") == named)
    type_ = pl.when(vague & named.is_not_null()).then(named).otherwise("type")
    return [
        pl.when(vague & named.is_not_null())
        .then(message.str.replace(rf"^{_TYPE}: ", ""))
        .otherwise(message)
        .alias("clean_message"),
        pl.when(type_.is_in(["", "UnhandledRejection", "Unhandled"]))
        .then(pl.lit("Error"))
        .otherwise(type_)
        .alias("clean_type"),
    ]


@cache
def _said_alike(as_of: date | None) -> dict[str, str]:
    """Kinds that some engine words alike have one canonical message."""
    messages = load("messages", "engines", as_of=as_of).data["message"]
    return {one["kind"]: one["canonical"] for one in messages if "canonical" in one}


@cache
def _without_name(as_of: date | None) -> list[str]:
    """Kinds of which some engine does not say the name: with it one error would have two canonical messages."""
    messages = load("messages", "engines", as_of=as_of).data["message"]
    return sorted({one["kind"] for one in messages if not one.get("named", True)})


@cache
def wordings(as_of: date | None = None) -> tuple[_Wording, ...]:
    """Compile all templates of `rules/messages/engines`, in order of rank."""
    found = []
    for message in load("messages", "engines", as_of=as_of).data["message"]:
        for template in message["wordings"]:
            literal = (
                [template.replace("{nullish}", word) for word in ("undefined", "null")]
                if "{nullish}" in template
                else [template]
            )
            for text in literal:
                pieces = _SLOT.split(text)
                body = "".join(re.escape(piece) if at % 2 == 0 else _SLOTS[piece] for at, piece in enumerate(pieces))
                found.append(
                    _Wording(
                        rank=len(found),
                        template=template,
                        hint=max(pieces[::2], key=len).strip(" ."),
                        pattern=f"^{_rust(body)}\\.?$",
                        kind=message["kind"],
                        type=message.get("type"),
                        only_type=message.get("only_type"),
                        slots=frozenset(
                            _SLOTS[piece][3:].split(">")[0] for piece in pieces[1::2] if "<" in _SLOTS[piece]
                        ),
                    )
                )
    return tuple(found)


def _rust(escaped: str) -> str:
    """Python escapes blanks, quotes and dashes that Rust's regex refuses to see escaped."""
    return re.sub(r"\\([^\w.*+?^${}()|\[\]\\])", r"\1", escaped)


def known_wordings(cleaned: pl.DataFrame, *, as_of: date | None = None) -> pl.DataFrame:
    """Find the first wording that fits each row: `__row`, `kind`, `type_of_kind`, `property`, `receiver`."""
    every = wordings(as_of)
    hints = sorted({wording.hint for wording in every})
    hits = (
        cleaned.lazy()
        .select(
            "__row",
            "clean_type",
            "clean_message",
            hint=pl.col("clean_message").str.extract_many(hints, overlapping=True).list.unique(),
        )
        .explode("hint")
        .drop_nulls("hint")
        .collect()
    )
    by_hint = hits.partition_by("hint", as_dict=True, include_key=False)
    matches = [fitting_rows(by_hint[(wording.hint,)], wording) for wording in every if (wording.hint,) in by_hint]
    found = pl.concat([pl.DataFrame(schema=_MATCH), *(match.cast(_MATCH) for match in matches)])
    return _name_parts(found.sort("rank").unique("__row", keep="first", maintain_order=True)).select(
        "__row", "kind", "type_of_kind", "property", "receiver"
    )


_MATCH = {
    "__row": pl.UInt32,
    "rank": pl.Int64,
    "kind": pl.String,
    "type_of_kind": pl.String,
    "property": pl.String,
    "expression": pl.String,
    "of": pl.String,
}


def fitting_rows(rows: pl.DataFrame, wording: _Wording) -> pl.DataFrame:
    """Keep the rows that one wording fits, with what its slots caught."""
    if wording.only_type is not None:
        rows = rows.filter(pl.col("clean_type") == wording.only_type)
    fits = rows.filter(pl.col("clean_message").str.contains(wording.pattern))
    slots = (
        fits.select(pl.col("clean_message").str.extract_groups(wording.pattern).alias("g")) if wording.slots else None
    )
    return fits.select(
        "__row",
        rank=pl.lit(wording.rank),
        kind=pl.lit(wording.kind),
        type_of_kind=pl.lit(wording.type, pl.String),
        **{
            slot: slots["g"].struct.field(slot)
            if slots is not None and slot in wording.slots
            else pl.lit(None, pl.String)
            for slot in ("property", "expression", "of")
        },
    )


def _name_parts(found: pl.DataFrame) -> pl.DataFrame:
    """The last part of `e.totals.discount.amount` is the property, the one before it the receiver."""
    call = r"(?:\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\])*$"
    # Safari quotes the whole assignment.
    written = pl.col("expression").str.replace(r"^([\w$]+(?:\.[\w$#]+|\[[^\]]*\])+)\s?[-+*/|&?]{0,2}=[^=>].*$", "${1}")
    expression = written.str.replace(call, "").str.replace_all("?.", ".", literal=True)
    last = expression.str.extract(r"""(?:^|[.\[\s(])["']?([\w$#-]+)["']?\]?$""")
    before = expression.str.extract(r"""([\w$]+)(?:\([^()]*\)|\[[^\]]*\])*\.[\w$#-]+$""")
    before_is_member = expression.str.contains(r"""[.\])][\w$]+(?:\([^()]*\)|\[[^\]]*\])*\.[\w$#-]+$""")
    of = pl.col("of").str.replace(call, "").str.replace_all("?.", ".", literal=True)
    property_ = pl.coalesce("property", _unless_minified(last, expression.str.contains(r"[.\[]")))
    is_index = pl.col("kind").str.starts_with("nullish") & property_.str.contains(r"^\d+$")
    return found.with_columns(
        property=pl.when(is_index).then(pl.lit("<index>")).otherwise(property_),
        receiver=pl.coalesce(
            _unless_minified(before, before_is_member, _LONGEST_LOCAL),
            _unless_minified(
                of.str.extract(r"(?:^|[.\s])([\w$]+)$"), of.str.contains(".", literal=True), _LONGEST_LOCAL
            ),
        ),
    )


def _unless_minified(name: pl.Expr, is_member: pl.Expr, longest: int = _LONGEST_MINIFIED) -> pl.Expr:
    return pl.when(is_member | (name.str.len_chars() > longest)).then(name)
