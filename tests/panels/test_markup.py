"""Whatever text goes in, the same text comes out of an HTML parser, and nothing but text."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from workbench.panels.markup import data_island, join, prose, table, tag

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=y>",
        "'\"><b>",
        "&amp;",
        "<!--",
        "]]>",
        "`<i>`",
        "\u2028",
    ]
)


class Read(HTMLParser):
    """What a browser would make of it: elements, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS, TEXTS)
def test_texts_and_attributes_come_out_as_they_went_in(text: str, attribute: str) -> None:
    read = Read(tag("p", text, title=attribute))
    assert read.elements == ["p"]
    assert read.attributes == [("title", attribute)]
    assert read.text == text


@given(TEXTS)
def test_prose_adds_code_and_nothing_else(text: str) -> None:
    read = Read(prose(text))
    assert set(read.elements) <= {"code"}
    assert read.text.replace("`", "") == text.replace("`", "")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
def test_a_table_has_no_elements_but_its_own(rows: list[tuple[str, str]]) -> None:
    read = Read(table(["a", "b"], rows))
    assert set(read.elements) <= {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert read.text == "ab" + "".join(a + b for a, b in rows)


@given(st.dictionaries(TEXTS, TEXTS | st.lists(st.integers()), max_size=4))
def test_an_island_holds_the_data_and_ends_where_it_should(value: dict[str, object]) -> None:
    html = data_island(value) + tag("p", "after")
    inside = html.split(">", 1)[1].split("</script>")[0]
    assert json.loads(inside) == value
    assert Read(html).elements == ["script", "p"]


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "a & b")) == "<p><b>a &amp; b</b></p>"
    assert join([tag("b", "1"), "<2>"], " & ") == "<b>1</b> &amp; &lt;2&gt;"


def test_a_message_cannot_turn_what_the_report_says_after_it() -> None:
    shown = join(["\u202eevil", Markup("<b>kept \u202e</b>")], " after ")
    assert str(shown) == "\ufffdevil after <b>kept \u202e</b>"
