"""One error, three wordings: texts as V8, SpiderMonkey and JavaScriptCore write them, by MDN's error reference."""

import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors.messages import canonical_messages, parameterise
from workbench.rules.loader import load


def canonical(type_, message):
    return canonical_messages(pl.DataFrame({"type": [type_], "message": [message]})).row(0, named=True)


# canonical message, canonical type, wordings as (type, message)
SAME = [
    (
        "nullish-read:x",
        "TypeError",
        [
            ("TypeError", "Cannot read properties of undefined (reading 'x')"),
            ("TypeError", "Cannot read properties of null (reading 'x')"),
            ("TypeError", "Cannot read property 'x' of undefined"),
            ("TypeError", "undefined is not an object (evaluating 'e.x')"),
            ("TypeError", "null is not an object (evaluating 't.current.x')"),
            ("TypeError", 'can\'t access property "x", e is undefined'),
            ("TypeError", 'can\'t access property "x", e.a.b() is null'),
            ("TypeError", "Unable to get property 'x' of undefined or null reference"),
            ("TypeError", "Cannot destructure property 'x' of 'e' as it is undefined."),
            ("Error", "Uncaught TypeError: Cannot read properties of undefined (reading 'x')"),
            (None, "Unhandled Promise Rejection: TypeError: undefined is not an object (evaluating 'e.x')"),
            ("UnhandledRejection", "TypeError: Cannot read property 'x' of null"),
        ],
    ),
    ("nullish-read", "TypeError", [("TypeError", "e is undefined"), ("TypeError", "e.a is null")]),
    (
        # Firefox says "can't access property" of a read and of a write: one bug must have one message in all engines.
        "nullish-read:x",
        "TypeError",
        [
            ("TypeError", 'can\'t access property "x", e is null'),
            ("TypeError", "null is not an object (evaluating 'e.x=t')"),
            ("TypeError", "null is not an object (evaluating 'e.a.x=t.map(e=>e.id)')"),
            ("TypeError", "Cannot set properties of undefined (setting 'x')"),
            ("TypeError", "undefined is not an object (evaluating 'e.x = 1')"),
            ("TypeError", "Unable to set property 'x' of undefined or null reference"),
        ],
    ),
    (
        "not-a-function:map",
        "TypeError",
        [
            ("TypeError", "e.map is not a function"),
            ("TypeError", "(intermediate value).map is not a function"),
            ("TypeError", "e.map is not a function. (In 'e.map(t=>t)', 'e.map' is undefined)"),
            ("TypeError", "undefined is not a function (near '...e.map...')"),
            ("TypeError", "Object doesn't support property or method 'map'"),
        ],
    ),
    ("not-a-function", "TypeError", [("TypeError", "t is not a function"), ("TypeError", "e(...) is not a function")]),
    (
        "not-defined:checkoutConfig",
        "ReferenceError",
        [
            ("ReferenceError", "checkoutConfig is not defined"),
            ("ReferenceError", "Can't find variable: checkoutConfig"),
            ("Error", "'checkoutConfig' is undefined"),
        ],
    ),
    (
        "fetch-failed",
        "TypeError",
        [
            ("TypeError", "Failed to fetch"),
            ("TypeError", "Failed to fetch (api.shop.example)"),
            ("TypeError", "NetworkError when attempting to fetch resource."),
            ("TypeError", "Load failed"),
        ],
    ),
    (
        "json-parse",
        "SyntaxError",
        [
            ("SyntaxError", "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON"),
            ("SyntaxError", "Unexpected token < in JSON at position 0"),
            ("SyntaxError", "JSON.parse: unexpected character at line 1 column 1 of the JSON data"),
            ("SyntaxError", "JSON Parse error: Unrecognized token '<'"),
            ("SyntaxError", "Unexpected end of JSON input"),
        ],
    ),
    (
        "recursion",
        "RangeError",
        [
            ("RangeError", "Maximum call stack size exceeded"),
            ("RangeError", "Maximum call stack size exceeded."),
            ("InternalError", "too much recursion"),
        ],
    ),
    (
        "dynamic-import",
        "TypeError",
        [
            ("TypeError", "Failed to fetch dynamically imported module: https://shop.example/a-1.js"),
            ("TypeError", "error loading dynamically imported module: https://shop.example/a-1.js"),
            ("TypeError", "Importing a module script failed."),
            ("ChunkLoadError", "Loading chunk 12 failed.\n(error: https://shop.example/12.js)"),
        ],
    ),
    (
        "react-error:418",
        "Error",
        [("Error", "Minified React error #418; visit https://react.dev/errors/418?args[]=HTML")],
    ),
    (
        "http-status:503",
        "Error",
        [("Error", "Request failed with status code 503"), ("Error", "HTTP error! status: 503")],
    ),
    (
        "before-initialization:total",
        "ReferenceError",
        [
            ("ReferenceError", "Cannot access 'total' before initialization"),
            ("ReferenceError", "can't access lexical declaration 'total' before initialization"),
        ],
    ),
    (
        "not-iterable:items",
        "TypeError",
        [
            ("TypeError", "e.items is not iterable"),
            ("TypeError", "e.items is not a function or its return value is not iterable"),
        ],
    ),
    (
        "array-length",
        "RangeError",
        [
            ("RangeError", "Invalid array length"),
            ("RangeError", "invalid array length"),
            ("RangeError", "Array size is not a small enough positive integer."),
        ],
    ),
    (
        "invalid-date",
        "RangeError",
        [("RangeError", "Invalid time value"), ("RangeError", "invalid date"), ("RangeError", "Invalid Date")],
    ),
    (
        "circular-json",
        "TypeError",
        [
            ("TypeError", "Converting circular structure to JSON\n    --> starting at object with constructor 'Cart'"),
            ("TypeError", "cyclic object value"),
            ("TypeError", "JSON.stringify cannot serialize cyclic structures."),
        ],
    ),
    (
        "uri-malformed",
        "URIError",
        [("URIError", "URI malformed"), ("URIError", "malformed URI sequence"), ("URIError", "URI error")],
    ),
    (
        "all-rejected",
        "AggregateError",
        [
            ("AggregateError", "All promises were rejected"),
            ("AggregateError", "No Promise in Promise.any was resolved"),
        ],
    ),
    (
        "not-extensible",
        "TypeError",
        [
            ("TypeError", "Cannot define property rate, object is not extensible"),
            ("TypeError", 'can\'t define property "rate": Object is not extensible'),
        ],
    ),
    (
        "reduce-of-empty",
        "TypeError",
        [
            ("TypeError", "Reduce of empty array with no initial value"),
            ("TypeError", "reduce of empty array with no initial value"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("expected", "type_", "said"),
    [(c, t, pair) for c, t, wordings in SAME for pair in wordings],
    ids=lambda value: str(value)[:60],
)
def test_the_wordings_of_all_engines_become_one(expected, type_, said):
    got = canonical(*said)
    assert (got["canonical"], got["canonical_type"]) == (expected, type_)


PAGES = tomllib.loads((Path(__file__).parent / "mdn_wordings.toml").read_text("utf-8"))["page"]


@pytest.mark.parametrize("page", PAGES, ids=[page["name"] for page in PAGES])
def test_every_page_of_the_error_reference_has_one_canonical_message(page):
    pairs = [(page["type"], said) if isinstance(said, str) else said for said in page["wordings"]]
    rows = canonical_messages(pl.DataFrame(pairs, schema=["type", "message"], orient="row"))
    assert rows.select("canonical", "canonical_type").unique().rows() == [(page["canonical"], page["type"])]


# What one engine says must not be taken for another error's wording, nor one name for another.
APART = [
    ("Cannot read properties of undefined (reading 'amount')", "Cannot read properties of undefined (reading 'code')"),
    ("undefined is not an object (evaluating 'e.a.amount')", "undefined is not an object (evaluating 'e.a.code')"),
    ("cartConfig is not defined", "userConfig is not defined"),
    ("e.items.map is not a function", "e.items.filter is not a function"),
    ("Request failed with status code 503", "Request failed with status code 404"),
    ("Minified React error #418; visit x", "Minified React error #310; visit x"),
    ("undefined is not a function (near '...[e.items]...')", "undefined is not a function (near '...e.items...')"),
    ("No rate for EUR", "No rate for USD"),
    ("Coupon 'SPRING' has expired", "Coupon 'SPRING' is unknown"),
    ("Not enough: 12,50 EUR", "Not enough: 12,50 USD"),
    ("width 10px", "width 10em"),
    ('answer {"code":"OUT_OF_STOCK"}', 'answer {"code":"PAYMENT_DECLINED"}'),
    ('answer {"id":12}', 'answer {"total":12}'),
    ("app-settings.js is missing", "app-userlist.js is missing"),
    ("utf8 expected", "utf16 expected"),
    ("E11000 duplicate key", "E11001 duplicate key"),
    ("facade.ts", "decade.ts"),
    ("March is over", "April is over"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_messages_that_differ_in_a_name_or_a_word_stay_apart(one, other):
    assert canonical("TypeError", one)["canonical"] != canonical("TypeError", other)["canonical"]


# Each pair differs in nothing that a person would call another error.
TOGETHER = [
    ("Order 8123 not found", "Order 99 not found"),
    ("product_12345 is gone", "product_67890 is gone"),
    ("ORD123456 is gone", "ORD123457 is gone"),
    ("user 01HZY4T9G8Z0QX1V7Y5M3W2K4N is gone", "user 01J0ABC3D4E5F6G7H8J9K0M1N2 is gone"),
    ("document 507f1f77bcf86cd799439011", "document 60b8d295f1d2c926b47c7e53"),
    ("on 09.03.2026 14:20", "on 10.03.2026 09:05"),
    ("on 03/09/2026 at 2:05 PM", "on 03/10/2026 at 11:59 AM"),
    ("on 2026/03/09", "on 2026/4/10"),
    ("on March 9, 2026", "on April 10, 2026"),
    ("on 9 March 2026", "on 10 Apr 2026"),
    ("at 2026-03-09T14:20:00.123Z", "at 2026-03-10T09:05:00+01:00"),
    ("since 1773066000123", "since 1773152400456"),
    ("total 1,234.56 EUR", "total 12.50 EUR"),
    ("total 1.234,56 €", "total 12 €"),
    ("total 1 234,56 kr", "total 12,50 kr"),
    ("total $1,234.56", "total $5"),
    ("sum 1,234.56 of all", "sum 0.56 of all"),
    ("upload of 12KB", "upload of 3.5KB"),
    ("width 10px", "width 120.5px"),
    ("no peer 2001:db8::1", "no peer 2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ("for maya.lindqvist@example.org", "for ohara+shop@mail.example.co.uk"),
    ("bad image data:image/png;base64,iVBORw0KGgo=", "bad image data:image/gif;base64,R0lGODlhAQABAAAAACw="),
    ("payload aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQ=", "payload YW5vdGhlciBwYXlsb2FkIGlzIGhlcmU="),
    (
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI5OTk5In0.abcdefNryP4J3jVmNHl0w5N",
    ),
    ('cannot save {"id":123,"name":"maya","ok":true}', 'cannot save {"id":4567,"name":"lena l.","ok":true}'),
    ("cannot load main.3f2a9c1b.chunk.js", "cannot load main.77aa00bb.chunk.js"),
    ("cannot load /assets/index-BfR3x_9d.js", "cannot load /assets/index-C0aQx1Zz.js"),
    ("GET https://api.shop.example/v1/carts/8?x=1 failed", "GET https://api.shop.example/v1/carts/99 failed"),
    ("GET /api/orders/550e8400-e29b-41d4-a716-446655440000", "GET /api/orders/7c1a8a6e-3d0a-4a53-9d3e-0c8cb5b2f0aa"),
]


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_messages_that_differ_in_ids_amounts_and_times_are_one(one, other):
    assert canonical("Error", one)["canonical"] == canonical("Error", other)["canonical"]


@pytest.mark.parametrize(
    ("message", "receiver"),
    [
        ("undefined is not an object (evaluating 'e.totals.discount.amount')", "discount"),
        ('can\'t access property "amount", e.totals.discount is undefined', "discount"),
        ("e.totals.discount is undefined", "discount"),
        ("Cannot destructure property 'code' of 'e.voucher' as it is undefined.", "voucher"),
        ("undefined is not an object (evaluating 'e.amount')", None),
        ("Cannot read properties of undefined (reading 'amount')", None),
    ],
)
def test_the_value_that_was_missing_is_kept_where_a_minifier_keeps_its_name(message, receiver):
    assert canonical("TypeError", message)["receiver"] == receiver


# What Sentry's parameterisation gives for the same texts, placeholder by placeholder.
PARAMETERS = [
    ("for maya.lindqvist@example.org", "for <email>"),
    ("GET https://api.shop.example/v1/carts/8?x=1 gave nothing", "GET <url> gave nothing"),
    ("no answer from api.shop.com today", "no answer from <hostname> today"),
    ("from 192.168.0.12 refused", "from <ip> refused"),
    ("trace 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "trace <traceparent>"),
    ("order 7c1a8a6e-3d0a-4a53-9d3e-0c8cb5b2f0aa lost", "order <uuid> lost"),
    ("commit 5fc35719b9cb96ec602dbc748b68ae31fdb5fe94", "commit <sha1>"),
    ("etag 0751007cd28df267e8e051b51f918c60", "etag <md5>"),
    ("since 2026-03-09T14:20:00Z", "since <date>"),
    ("took 3.4s or 120ms", "took <duration> or <duration>"),
    ("at 0x1fA4", "at <hex>"),
    ("12.5 EUR or €1,200", "<amount> EUR or €<amount>"),
    ("10px of 3.5KB", "<number>px of <number>KB"),
    ("build 3f2a9c1 of b4472428e6f7", "build <git_sha> of <git_sha>"),
    ("scale 1.25 by 17 and -3", "scale <float> by <int> and <int>"),
    ("name='Maya' ok=true", "name=<quoted_str> ok=<bool>"),
    ("facade defaced", "facade defaced"),
    ("version2 of utf8 in h264", "version2 of utf8 in h264"),
]


@pytest.mark.parametrize(("text", "expected"), PARAMETERS)
def test_ids_numbers_and_addresses_become_placeholders(text, expected):
    assert parameterise(pl.DataFrame({"text": [text]})).item() == expected


def test_every_wording_of_the_list_is_found_by_its_own_kind():
    fill = {
        "{nullish}": "undefined",
        "{property}": "price",
        "{expression}": "a.price",
        "{of}": "a.b",
        "{number}": "7",
        "{...}": "thing",
    }
    rows = []
    for message in load("messages", "engines").data["message"]:
        for wording in message["wordings"]:
            text = wording
            for slot, value in fill.items():
                text = text.replace(slot, value)
            rows.append((message.get("type", "Error"), text, message["kind"]))
    table = pl.DataFrame(rows, schema=["type", "message", "expected"], orient="row")
    missed = canonical_messages(table).filter(pl.col("kind") != pl.col("expected"))
    # A general wording earlier in the list may take a special one; none may be lost.
    assert missed["kind"].null_count() == 0
    assert missed.height <= 0.03 * table.height, missed.select("message", "expected", "kind").rows()


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.none(), st.text(max_size=20)), st.one_of(st.none(), st.text(max_size=200)))
def test_no_message_breaks_it_and_saying_it_twice_changes_nothing(type_, message):
    row = canonical(type_, message)
    assert row["canonical"] is not None
    assert row["canonical_type"]
    again = parameterise(pl.DataFrame({"text": [row["canonical"]]})).item()
    if row["kind"] is None:
        assert len(again) <= 400
