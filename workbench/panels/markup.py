"""HTML from Python values: every text is escaped, because every text in a report came from a stranger's browser.

`tag` builds an element, `prose` a sentence in which `back-ticked` words are code, `table` a table. What comes out is
`Markup`, which is not escaped again; a plain `str` always is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_OVERRIDES = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), "\ufffd")
_VOID = {"br", "hr", "img", "input", "meta"}


def tag(name: str, *children: object, cls: str | None = None, **attributes: object) -> Markup:
    """Build an element; None children and attributes are left out, `data_kind` becomes `data-kind`.

    Examples
    --------
    >>> tag("p", "a < b", cls="note", data_kind="x")
    Markup('<p class="note" data-kind="x">a &lt; b</p>')
    >>> tag("b", Markup("<i>mine</i>"), None)
    Markup('<b><i>mine</i></b>')
    """
    given = {"class": cls, **attributes}
    pairs = Markup("").join(
        Markup(' {}="{}"').format(Markup(key.rstrip("_").replace("_", "-")), str(value))
        for key, value in given.items()
        if value is not None
    )
    inside = join(children)
    if name in _VOID:
        return Markup("<{}{}>").format(Markup(name), pairs)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), pairs, inside)


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Join parts, each escaped unless it is markup; None is left out.

    Signs that turn the direction of writing are shown as �: one in a message would turn what the report says after it.

    Examples
    --------
    >>> join(["a", None, "<b>"], " · ")
    Markup('a · &lt;b&gt;')
    """
    return escape(between).join(escape(_unturned(part)) for part in parts if part is not None)


def _unturned(part: object) -> object:
    return part.translate(_OVERRIDES) if type(part) is str else part


def prose(text: str) -> Markup:
    """Escape a sentence and set its `back-ticked` words as code.

    Examples
    --------
    >>> prose("`discount` is <missing>")
    Markup('<code>discount</code> is &lt;missing&gt;')
    """
    pieces = _CODE.split(text)
    return join(tag("code", piece) if i % 2 else piece for i, piece in enumerate(pieces))


class Column(NamedTuple):
    """A table's column: what its head says, whether it holds numbers (set right), whether it takes all room left."""

    head: str
    number: bool = False
    wide: bool = False


def table(columns: Sequence[Column | str], rows: Iterable[Sequence[object]], *, caption: str | None = None) -> Markup:
    """Build a table; a cell is escaped unless it is markup.

    Examples
    --------
    >>> table(["Bug", Column("Users", number=True)], [["B1", 7]])
    Markup('<div class="bs-scroll"><table><thead><tr><th scope="col">Bug</th><th class="n" scope="col">Users</th></tr></thead><tbody><tr><td>B1</td><td class="n">7</td></tr></tbody></table></div>')
    """  # noqa: E501
    heads = [column if isinstance(column, Column) else Column(column) for column in columns]
    kinds = ["n" if column.number else "w" if column.wide else None for column in heads]
    head = tag(
        "tr", *(tag("th", column.head, cls=kind, scope="col") for column, kind in zip(heads, kinds, strict=True))
    )
    body = [
        tag("tr", *(tag("td", "–" if cell is None else cell, cls=kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in rows
    ]
    said = tag("caption", caption) if caption else None
    return tag("div", tag("table", said, tag("thead", head), tag("tbody", *body)), cls="bs-scroll")


def data_island(value: Any) -> Markup:
    """Put data into a page for a script to read: JSON in which nothing can end the element.

    Examples
    --------
    >>> data_island({"text": "</script><b>"})
    Markup('<script type="application/json">{"text":"\\\\u003c/script>\\\\u003cb>"}</script>')
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).replace("<", "\\u003c")
    return Markup('<script type="application/json">{}</script>').format(Markup(text))
