"""Source maps by rule of ECMA-426, written out by hand: what a reader must accept and answer, and what it must refuse.

The rules are those of the standard's own test suite (tc39/source-map-tests), and some more; the maps are ours.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.naive.symbolicate import encode_mappings, encode_number

Position = tuple[int, int, int | None, int | None, int | None, str | None]


class Case(NamedTuple):
    """A map; `answers` are generated line and column, source index, line, column and name, Nones for no mapping."""

    name: str
    raw: bytes
    valid: bool
    answers: tuple[Position, ...] = ()


def text(**fields: Any) -> bytes:
    """A regular map with one source and one name; None leaves a field out."""
    full = {"version": 3, "sources": ["cart.ts"], "names": ["total"], "mappings": "AAAA", **fields}
    return json.dumps({key: value for key, value in full.items() if value is not LEFT_OUT}).encode()


def index(*sections: Any, **fields: Any) -> bytes:
    return json.dumps({"version": 3, "sections": list(sections), **fields}).encode()


def section(line: Any = 0, column: Any = 0, **fields: Any) -> dict[str, Any]:
    return {"offset": {"line": line, "column": column}, "map": json.loads(text(**fields))}


LEFT_OUT = object()
NOTHING = (None, None, None, None)
START = (0, 0, 0, 0, 0, None)
LARGEST = 2**31 - 1
# function total(){return 1}total(): one line of bundle from three lines of source
BASIC = [[(0, 0, 0, 0), (9, 0, 0, 9, 0), (16, 0, 1, 2), (23, 0, 1, 9), (25, 0, 2, 0), (26, 0, 3, 0, 0)]]
BASIC_ANSWERS = (
    START, (0, 9, 0, 0, 9, "total"), (0, 12, 0, 0, 9, "total"), (0, 16, 0, 1, 2, None), (0, 24, 0, 1, 9, None),
    (0, 26, 0, 3, 0, "total"), (0, 900, 0, 3, 0, "total"), (1, 0, *NOTHING),
)  # fmt: skip


def segment(*numbers: int) -> str:
    return "".join(encode_number(number) for number in numbers)


def padded(number: int, zeros: int) -> str:
    """A number with zeros above the digits that count."""
    digits = encode_number(number)
    table = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return digits[:-1] + table[table.index(digits[-1]) | 32] + "g" * zeros + "A"


VALID = [
    Case("version-valid", text(), True, (START,)),
    Case("version-with-a-fraction-of-nothing", b'{"version":3.0,"sources":["a"],"mappings":"AAAA"}', True, (START,)),
    Case("unknown-fields", text(unheard={"of": [1]}), True, (START,)),
    Case("file-null", text(file=None), True, (START,)),
    Case("names-missing", text(names=LEFT_OUT), True, (START,)),
    Case("mappings-empty", text(mappings=""), True, ((0, 0, *NOTHING),)),
    Case("mappings-empty-lines", text(mappings=";;;;AACA;;"), True, ((4, 0, 0, 1, 0, None), (3, 9, *NOTHING))),
    Case("basic", text(mappings=encode_mappings(BASIC)), True, BASIC_ANSWERS),
    Case("sources-null", text(sources=[None], mappings=encode_mappings(BASIC)), True, BASIC_ANSWERS),
    Case("sources-null-content-given", text(sources=[None], sourcesContent=["let total"]), True, (START,)),
    Case("sources-null-content-null", text(sources=[None], sourcesContent=[None]), True, (START,)),
    Case("sources-given-content-null", text(sourcesContent=[None]), True, (START,)),
    Case("sources-content-missing-at-the-end", text(sources=["a", "b"], sourcesContent=["x"]), True, (START,)),
    Case("source-root", text(sourceRoot="src"), True, (START,)),
    Case("source-absolute", text(sources=["/srv/cart.ts"], sourceRoot="src"), True, (START,)),
    Case("source-root-empty", text(sourceRoot=""), True, (START,)),
    Case("source-root-null-source", text(sourceRoot="src", sources=[None]), True, (START,)),
    Case("ignore-list-empty", text(ignoreList=[]), True, (START,)),
    Case("ignore-list", text(ignoreList=[0]), True, (START,)),
    Case("ignore-list-old-name", text(x_google_ignoreList=[0]), True, (START,)),
    Case("debug-id", text(debugId="85314830-023f-4cf1-a267-535f4e37bb17"), True, (START,)),
    Case("segment-of-one-number", text(mappings="AAAA,K"), True, (START, (0, 4, 0, 0, 0, None), (0, 5, *NOTHING))),
    Case("segments-out-of-order", text(mappings="UAAA,PAAC"), True,
         ((0, 2, *NOTHING), (0, 3, 0, 0, 1, None), (0, 10, 0, 0, 0, None))),
    Case("columns-restart-every-line", text(mappings="IAAA;IAAA;EAAA"), True,
         ((1, 3, *NOTHING), (2, 2, 0, 0, 0, None))),
    Case("columns-restart-and-the-rest-goes-on", text(names=["a", "b"], mappings="CAAEA;EACAC"), True,
         ((0, 1, 0, 0, 2, "a"), (1, 2, 0, 1, 2, "b"))),
    Case("numbers-of-two-digits", text(mappings="gBAgBgB"), True, ((0, 16, 0, 16, 16, None),)),
    Case("numbers-go-back", text(sources=["a", "b"], mappings="ACKK,KDJJ"), True,
         ((0, 0, 1, 5, 5, None), (0, 5, 0, 1, 1, None))),
    Case("names-go-back", text(names=["a", "b"], mappings="AAAAC,CAAAD"), True,
         ((0, 0, 0, 0, 0, "b"), (0, 1, 0, 0, 0, "a"))),
    Case("two-mappings-at-one-place", text(mappings="AAAA,AACA,AACA"), True,
         ((0, 0, 0, 0, 0, None), (0, 1, 0, 2, 0, None))),
    Case("largest-numbers", text(mappings=segment(LARGEST, 0, LARGEST, LARGEST)), True, ((0, 5, *NOTHING),)),
    Case("padded-number", text(mappings=padded(0, 1) + "AAA"), True, (START,)),
    Case("very-padded-number", text(mappings=padded(4, 400) + "AAA"), True, ((0, 4, 0, 0, 0, None), (0, 3, *NOTHING))),
    Case("index-map", index(section(mappings=encode_mappings(BASIC))), True, BASIC_ANSWERS),
    Case("index-map-with-a-file", index(section(mappings=encode_mappings(BASIC)), file="cart.js"), True, BASIC_ANSWERS),
    Case("index-map-empty", index(), True, ((0, 0, *NOTHING),)),
    Case("index-map-split-line", index(section(), section(0, 10, sources=["b.ts"], mappings="EAAC")), True,
         (START, (0, 11, 0, 0, 0, None), (0, 12, 1, 0, 1, None))),
    Case("index-map-lines", index(section(2, 4, mappings="AAAA;AAAC"), section(5, 0, sources=["b.ts"])), True,
         ((2, 3, *NOTHING), (2, 4, 0, 0, 0, None), (3, 0, 0, 0, 1, None), (5, 0, 1, 0, 0, None))),
    Case("index-map-names",
         index(section(names=["a"], mappings="AAAAA"), section(1, 0, sources=["b"], names=["b"], mappings="AAAAA")),
         True, ((0, 0, 0, 0, 0, "a"), (1, 0, 1, 0, 0, "b"))),
    Case("index-map-nested", index({"offset": {"line": 1, "column": 0}, "map": json.loads(index(section(0, 3)))}), True,
         ((1, 3, 0, 0, 0, None), (0, 3, *NOTHING))),
    Case("index-map-empty-section", index(section(mappings=""), section(0, 1, sources=["b.ts"])), True,
         ((0, 1, 1, 0, 0, None),)),
    Case("byte-order-mark", b"\xef\xbb\xbf" + text(), True, (START,)),
    Case("guard-against-inclusion", b")]}'\n" + text(), True, (START,)),
    Case("guard-with-more", b")]}',for(;;);\n" + text(), True, (START,)),
    Case("guard-and-mark", b"\xef\xbb\xbf)]}'\n" + text(), True, (START,)),
    Case("guard-on-the-line-of-the-map", b")]}'" + text(), True, (START,)),
    Case("half-a-surrogate-pair-at-the-end", text()[:-1] + b',"sourcesContent":["\\ud83d"]}', True, (START,)),
    Case("half-a-surrogate-pair", text(names=["\ud83d"], mappings="AAAAA"), True),
    Case("text-beyond-the-basic-plane", text(sources=["🛒.ts"], names=["名"], mappings="AAAAA"), True,
         ((0, 0, 0, 0, 0, "名"),)),
]  # fmt: skip

INVALID = [
    ("not-json", b"<!doctype html><title>404</title>"),
    ("cut-off", text()[:-9]),
    ("empty-file", b""),
    ("not-an-object", b"[]"),
    ("not-an-object-number", b"3"),
    ("not-utf-8", text().replace(b"cart", b"c\xffrt")),
    ("not-utf-8-and-half-a-surrogate-pair", text(names=["\ud83d"]).replace(b"cart", b"c\xffrt")),
    ("escape-of-none", text().replace(b"cart", b"c\\art")),
    ("nested-too-deeply", b'{"version":3,"sources":' + b"[" * 100_000),
    ("version-missing", text(version=LEFT_OUT)),
    ("version-text", text(version="3")),
    ("version-not-a-number", text(version="three")),
    ("version-fraction", text(version=3.5)),
    ("version-list", text(version=[3])),
    ("version-true", text(version=True)),
    ("version-low", text(version=2)),
    ("version-high", text(version=4)),
    ("version-huge", b'{"version":' + b"9" * 5000 + b',"sources":[],"mappings":""}'),
    ("file-number", text(file=1)),
    ("file-list", text(file=["cart.js"])),
    ("index-map-file-number", index(section(), file=1)),
    ("sources-missing", text(sources=LEFT_OUT)),
    ("sources-text", text(sources="cart.ts")),
    ("sources-object", text(sources={"0": "cart.ts"})),
    ("sources-number-in-it", text(sources=["cart.ts", 1])),
    ("sources-content-object", text(sourcesContent={"0": "let total"})),
    ("sources-content-text", text(sourcesContent="let total")),
    ("sources-content-number-in-it", text(sourcesContent=[1])),
    ("source-root-number", text(sourceRoot=1)),
    ("source-root-list", text(sourceRoot=["src"])),
    ("names-text", text(names="total")),
    ("names-object", text(names={"0": "total"})),
    ("names-number-in-it", text(names=["total", 1])),
    ("names-null-in-it", text(names=["total", None])),
    ("ignore-list-number", text(ignoreList=0)),
    ("ignore-list-text", text(ignoreList=["0"])),
    ("ignore-list-fraction", text(ignoreList=[0.5])),
    ("ignore-list-negative", text(ignoreList=[-1])),
    ("ignore-list-beyond", text(ignoreList=[1])),
    ("mappings-missing", text(mappings=LEFT_OUT)),
    ("mappings-number", text(mappings=5)),
    ("mappings-list", text(mappings=["AAAA"])),
    ("mappings-null", text(mappings=None)),
    ("padding", text(mappings="AAAA,AAA=")),
    ("foreign-character", text(mappings="AAAA,A!AA")),
    ("foreign-character-unicode", text(mappings="AAAA,Aä")),
    ("foreign-separator", text(mappings="AAAA.AAAA")),
    ("whitespace", text(mappings="AAAA, AAAA")),
    ("number-cut-off-at-the-end", text(mappings="AAAg")),
    ("number-cut-off-at-a-comma", text(mappings="AAAg,AAAA")),
    ("number-cut-off-at-a-line", text(mappings="g;AAAA")),
    ("segment-of-none", text(mappings="AAAA,,AAAA")),
    ("segment-of-none-first", text(mappings=",AAAA")),
    ("segment-of-none-last", text(mappings="AAAA,")),
    ("segment-of-none-before-a-line", text(mappings="AAAA,;AAAA")),
    ("segment-of-two", text(mappings="AA")),
    ("segment-of-three", text(mappings="AAA")),
    ("segment-of-six", text(mappings="AAAAAA")),
    ("column-negative", text(mappings="D")),
    ("column-negative-later", text(mappings="CAAA,FAAA")),
    ("source-negative", text(mappings="ADAA")),
    ("source-negative-later", text(sources=["a", "b"], mappings="ACAA,AFAA")),
    ("line-negative", text(mappings="AADA")),
    ("line-negative-later", text(mappings="AACA,AAFA")),
    ("original-column-negative", text(mappings="AAAD")),
    ("original-column-negative-later", text(mappings="AAAC,AAAF")),
    ("name-negative", text(mappings="AAAAD")),
    ("name-negative-later", text(names=["a", "b"], mappings="AAAAC,AAAAF")),
    ("source-beyond", text(mappings="ACAA")),
    ("source-beyond-none", text(sources=[])),
    ("name-beyond", text(mappings="AAAAC")),
    ("column-of-33-bits", text(mappings="ggggggE")),
    ("column-huge", text(mappings="+" * 30 + "A")),
    ("source-of-33-bits", text(mappings="AggggggEAA")),
    ("line-of-33-bits", text(mappings="AAggggggEA")),
    ("original-column-of-33-bits", text(mappings="AAAggggggE")),
    ("name-of-33-bits", text(mappings="AAAAggggggE")),
    ("column-beyond-31-bits", text(mappings=segment(LARGEST) + "," + segment(1))),
    ("line-beyond-31-bits", text(mappings=segment(0, 0, LARGEST, 0) + "," + segment(0, 0, 1, 0))),
    ("sign-alone", text(mappings="B")),
    ("sign-alone-padded", text(mappings="AAAhgA")),
    ("sections-object", b'{"version":3,"sections":{}}'),
    ("sections-null", b'{"version":3,"sections":null}'),
    ("sections-number-in-it", index(1)),
    ("section-map-missing", index({"offset": {"line": 0, "column": 0}})),
    ("section-map-text", index({"offset": {"line": 0, "column": 0}, "map": "cart.js.map"})),
    ("section-map-broken", index(section(mappings="A!"))),
    ("section-map-of-version-2", index(section(version=2))),
    ("section-offset-missing", index({"map": json.loads(text())})),
    ("section-line-fraction", index(section(0.5))),
    ("section-offset-text", index({"offset": "0", "map": json.loads(text())})),
    ("section-line-missing", index({"offset": {"column": 0}, "map": json.loads(text())})),
    ("section-column-missing", index({"offset": {"line": 0}, "map": json.loads(text())})),
    ("section-line-text", index(section("0"))),
    ("section-column-text", index(section(0, "0"))),
    ("section-line-negative", index(section(-1))),
    ("section-line-huge", index(section(2**40))),
    ("sections-out-of-order", index(section(1), section(0))),
    ("sections-at-one-place", index(section(), section())),
    ("sections-overlap", index(section(mappings="AAAA;AAAA"), section(0, 9))),
    ("sections-and-mappings", index(section(), mappings="")),
    ("sections-nested-endlessly", None),
]


def _endless() -> bytes:
    inner = text().decode()
    for _ in range(200):
        inner = '{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":' + inner + "}]}"
    return inner.encode()


CASES = VALID + [Case(name, _endless() if raw is None else raw, False) for name, raw in INVALID]
