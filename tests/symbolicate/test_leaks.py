"""References to maps as ECMA-426 extracts them without parsing, and debug IDs."""

from __future__ import annotations

import pytest

from workbench.symbolicate.leaks import Leak, debug_id_of, find_leaks, map_reference

REFERENCES = [
    ("f();\n//# sourceMappingURL=a.map", "a.map"),
    ("f();\n//@ sourceMappingURL=a.map", "a.map"),  # the old spelling
    ("f();\r\n//# sourceMappingURL=a.map\r\n\r\n", "a.map"),
    ("f();//# sourceMappingURL=a.map", "a.map"),
    ("f();\n//# sourceMappingURL=a.map\n//# debugId=85314830-023f-4cf1-a267-535f4e37bb17", "a.map"),
    ("f();\n//# sourceMappingURL=a.map\n/* the end */ // really", "a.map"),
    ("//# sourceMappingURL=a.map\n//# sourceMappingURL=b.map", "b.map"),  # the last one counts
    ("f();\n/*# sourceMappingURL=a.map */", "a.map"),
    ("f(); /*# sourceMappingURL=a.map */ // x", "a.map"),
    ("f();\u2028//# sourceMappingURL=a.map", "a.map"),
    ("f();\n//#   sourceMappingURL=a.map   ", "a.map"),
    ("f();\n//# sourceMappingURL=https://cdn.example/a.map?x=1", "https://cdn.example/a.map?x=1"),
    ("//# sourceMappingURL=a.map\nf();", None),  # code follows
    ("f();\n/*# sourceMappingURL=a.map */ g()", None),
    ("f();\n//# sourceMappingURL=", None),
    ("f();\n//# sourceMappingURL=a map", None),  # blanks end an address
    ("f();\n//#sourceMappingUrl=a.map", None),
    ("f();\n// sourceMappingURL=a.map", None),
    ("f('//');", None),
    ("", None),
]


@pytest.mark.parametrize(("code", "address"), REFERENCES)
def test_reference(code, address):
    assert map_reference(code) == address


def test_a_text_that_looks_like_a_reference_counts_as_the_standard_says():
    """Without parsing, a reference in a string at the very end is one: a warning too many, never one too few."""
    assert map_reference('f("//# sourceMappingURL=a.map') == "a.map"


@pytest.mark.parametrize("name", ["SourceMap", "sourcemap", "X-SourceMap"])
def test_headers(name):
    assert find_leaks("f();", {name: "/a.map", "content-type": "text/javascript"}) == [Leak("header", "/a.map")]


def test_a_clean_bundle():
    assert find_leaks("f();\n//# debugId=85314830-023f-4cf1-a267-535f4e37bb17\n", {"content-type": "x"}) == []


def test_debug_id():
    said = "//# debugId=85314830-023F-4CF1-A267-535F4E37BB17"
    assert debug_id_of(f"f();\n{said}\n//# sourceMappingURL=a.map\n\n") == "85314830-023f-4cf1-a267-535f4e37bb17"
    assert debug_id_of(f"{said}\n" + "f();\n" * 5) is None


def test_a_map_in_the_middle_of_a_bundle_is_given_away_too():
    """Files put one after the other, comments and all: readers look at the last comment, people at the whole."""
    inside = "//# sourceMappingURL=data:application/json;charset=utf-8;base64," + "e30A" * 40
    found = find_leaks(f"vendor();\n{inside}\ntotal();\n//# sourceMappingURL=app.js.map\n")
    assert found == [Leak("comment", "app.js.map"), Leak("inline", "data:application/json;charset=utf-8;base64")]
    assert find_leaks(f"vendor();\n{inside}\n") == found[1:]
    assert find_leaks(f"css.push('{inside}');\ntotal();") == []
