"""One error, three wordings: texts as V8, SpiderMonkey and JavaScriptCore write them, by MDN's error reference."""

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
        "not-extensible:rate",
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
