"""Noise classes: real messages and stacks with what they are, and what must never be dropped."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from workbench.errors.grouping import group
from workbench.errors.noise import classify_noise, noise_rules
from workbench.rules.loader import load_all

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
OURS = "https://www.shop.example/assets/app-3f2a9c1b.js"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


def v8(*places):
    return "Error: x\n" + "\n".join(f"    at f ({place}:1:20)" for place in places)


def classify(type_=None, message=None, stack=None, **event):
    row = {"event_id": "e", "at": NOON, "type": type_, "message": message, "stack": stack}
    row |= {"page_url": "https://www.shop.example/cart", "user_agent": CHROME} | event
    frame = pl.DataFrame([row], schema_overrides={"stack": pl.String, "at": pl.Datetime("us", "UTC")})
    return classify_noise(frame, None, first_party=["shop.example"]).row(0, named=True)


MOVED = "The node to be removed is not a child of this node."
CASES = [
    ("extension", "TypeError", "x is null", v8("chrome-extension://abc/content.js", OURS)),
    ("extension", "TypeError", "x", "f@moz-extension://6e7d/content.js:1:5\ng@" + OURS + ":1:1"),
    ("extension", "TypeError", "x", "@webkit-masked-url://hidden/:1:2"),
    ("extension", "TypeError", "x", "f@safari-web-extension://AB/c.js:1:2"),
    ("extension", "Error", "Extension context invalidated.", v8(OURS)),
    (None, "TypeError", "x is null", v8(OURS, "chrome-extension://abc/content.js")),
    ("injected", "ReferenceError", "Can't find variable: _gCrWeb", None),
    ("injected", "TypeError", "conduitPage is undefined", None),
    ("injected", "TypeError", "Cannot redefine property: ethereum", v8(OURS)),
    ("webview_bridge", "Error", "Java object is gone", None),
    ("webview_bridge", "ReferenceError", "Can't find variable: _AutofillCallbackHandler", v8(OURS)),
    ("webview_bridge", "TypeError", "window.webkit.messageHandlers is undefined", v8(OURS)),
    ("webview_bridge", "ReferenceError", "zaloJSV2 is not defined", v8(OURS)),
    ("adblock", "ReferenceError", "fbq is not defined", v8(OURS)),
    ("adblock", "ReferenceError", "Can't find variable: gtag", v8(OURS)),
    ("adblock", "ReferenceError", "'pintrk' is undefined", v8(OURS)),
    (None, "ReferenceError", "cartConfig is not defined", v8(OURS)),
    ("opaque", "Error", "Script error.", None),
    ("benign_browser", "Error", "ResizeObserver loop limit exceeded", None),
    ("benign_browser", "Error", "ResizeObserver loop completed with undelivered notifications.", v8(OURS)),
    ("benign_browser", "AbortError", "The play() request was interrupted by a call to pause().", v8(OURS)),
    ("cancelled", "AbortError", "The user aborted a request.", v8(OURS)),
    ("cancelled", "AbortError", "signal is aborted without reason", v8(OURS)),
    ("cancelled", "TypeError", "cancelled", None),
    ("cancelled", "TypeError", "annulé", None),
    ("third_party", "TypeError", "t is null", v8("https://widgets.partner.example/w.js")),
    (None, "TypeError", "t is null", v8("https://widgets.partner.example/w.js", OURS)),
    (None, "TypeError", "t is null", v8("https://cdn.shop.example/app.js")),
    ("dom_tampering", "NotFoundError", f"Failed to execute 'removeChild' on 'Node': {MOVED}", v8(OURS)),
    ("dom_tampering", "NotFoundError", "Node.insertBefore: Child to insert before is not a child", v8(OURS)),
    (None, "TypeError", "Cannot read properties of undefined (reading 'amount')", v8(OURS)),
    (None, "Error", "Request failed with status code 503", v8(OURS)),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "type_", "message", "stack"), CASES)
def test_what_an_event_says_decides_its_class(expected, type_, message, stack):
    assert classify(type_, message, stack)["noise_class"] == expected


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
    ],
)
def test_a_crawler_is_a_bot_whatever_it_hit(agent):
    crash = classify("TypeError", "Cannot read properties of undefined (reading 'a')", v8(OURS), user_agent=agent)
    assert crash["noise_class"] == "bot"
    assert classify("Error", "Script error.", None, user_agent=agent)["noise_class"] == "bot"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("http://localhost:3000/cart", "local_dev"),
        ("http://shop.localhost/cart", "local_dev"),
        ("http://127.0.0.1:8080/", "local_dev"),
        ("http://[::1]/", "local_dev"),
        ("file:///srv/index.html", "local_dev"),
        ("https://localhost.com/", None),
        ("https://www.shop.example/", None),
    ],
)
def test_a_developers_own_machine(page, expected):
    assert classify("TypeError", "x is null", v8(OURS), page_url=page)["noise_class"] == expected


def test_a_declared_host_is_ours_even_below_localhost():
    row = {"event_id": ["e"], "type": ["Error"], "message": ["x"], "page_url": ["http://shop.localhost:8100/"]}
    verdict = classify_noise(pl.DataFrame(row), None, first_party=["shop.localhost"])
    assert verdict["noise_class"].to_list() == [None]


def test_an_old_browser_lacks_what_the_message_names():
    said = ("TypeError", "e.replaceAll is not a function", v8(OURS))
    assert classify(*said, browser="Chrome", browser_version="83.0")["noise_class"] == "legacy_browser"
    assert classify(*said, browser="Chrome", browser_version="140.0")["noise_class"] is None


def stream(times, message="Failed to fetch", **columns):
    """Calm traffic of script errors over a day, with `message` at the given times."""
    calm = [NOON - timedelta(hours=12) + timedelta(minutes=15 * k) for k in range(96)]
    rows = [{"event_id": f"c{k}", "at": at, "type": "Error", "message": "Script error."} for k, at in enumerate(calm)]
    rows += [
        {"event_id": f"x{k}", "at": at, "type": "TypeError", "message": message, **columns}
        for k, at in enumerate(times)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def classes(events, **options):
    found = classify_noise(events, None, first_party=["shop.example"], **options)
    return found.filter(pl.col("event_id").str.starts_with("x"))["noise_class"].to_list()


def test_failed_fetches_are_noise_at_their_usual_rate_and_a_signal_in_a_spike():
    usual = [NOON - timedelta(hours=12) + timedelta(minutes=55 * k) for k in range(24)]
    assert set(classes(stream(usual))) == {"cancelled"}
    spike = [NOON + timedelta(seconds=20 * k) for k in range(30)]
    assert classes(stream(usual + spike)).count(None) >= 30


CONTEXTUAL = {
    "cancelled": ("TypeError", ["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."]),
    "stale_deploy": ("ChunkLoadError", ["Loading chunk 12 failed.", "Importing a module script failed."]),
    "hydration": ("Error", ["Minified React error #418; see react.dev/errors/418", "Hydration node mismatch"]),
    "recursion": ("RangeError", ["Maximum call stack size exceeded", "too much recursion"]),
}  # fmt: skip
KINDS = [(name, type_, message) for name, (type_, said) in CONTEXTUAL.items() for message in said]


def test_every_contextual_class_is_in_the_table():
    assert {rule.noise_class for rule in noise_rules() if "contextual" in rule.conditions} == set(CONTEXTUAL)


@pytest.mark.parametrize(("name", "type_", "message"), KINDS)
def test_a_contextual_class_is_noise_at_its_usual_rate_and_comes_back_in_an_incident(name, type_, message):
    usual = [NOON - timedelta(hours=12) + timedelta(minutes=55 * k) for k in range(24)]
    spike = [NOON + timedelta(hours=3, seconds=20 * k) for k in range(30)]
    failing = pl.DataFrame(
        {"at": spike, "endpoint": "GET /api/cart", "url": "https://api.shop.example/api/cart", "status": 503}
    )
    calm = stream(usual, message).with_columns(
        type=pl.when(pl.col("message") == message).then(pl.lit(type_)).otherwise("type")
    )
    assert classes(calm) == [name] * 24
    incident = stream(usual + spike, message).with_columns(
        type=pl.when(pl.col("message") == message).then(pl.lit(type_)).otherwise("type")
    )
    told = classes(incident, requests=failing)
    assert told[24:] == [None] * 30
    # The calm hours before and after stay noise: only the incident is looked at.
    assert told[:24].count(name) >= 22
    # A spike alone brings it back as well, and so do a few while an endpoint of ours fails.
    assert classes(incident)[24:] == [None] * 30
    few = calm.filter(
        ~pl.col("event_id").str.starts_with("x") | pl.col("at").is_between(NOON - timedelta(hours=1), NOON)
    )
    at = few.filter(pl.col("event_id").str.starts_with("x"))["at"]
    broken = pl.DataFrame(
        {"at": [at[0]] * 4, "endpoint": "GET /api/cart", "url": "/api/cart", "status": [503, 503, 503, 200]}
    )
    assert classes(few, requests=broken)[0] is None


@pytest.mark.parametrize("message", ["Request failed with status code 503", "HTTP error! status: 500"])
def test_what_our_own_servers_answered_is_never_noise(message):
    usual = [NOON - timedelta(hours=12) + timedelta(minutes=55 * k) for k in range(24)]
    assert classes(stream(usual, message)) == [None] * 24


def test_frames_without_a_place_in_any_script_do_not_make_an_error_anothers():
    events = pl.DataFrame({"event_id": ["e"], "type": ["TypeError"], "message": ["t is null"]})
    frames = pl.DataFrame(
        {"event_id": ["e"], "exception_index": [0], "frame_index": [0], "function": ["f"], "in_app": [True],
         "url": ["https://www.shop.example/app.js"]}
    )  # fmt: skip
    assert classify_noise(events, frames, first_party=["shop.example"])["noise_class"].to_list() == [None]


def test_noise_is_counted_and_every_one_can_be_looked_at():
    events = pl.DataFrame(
        {"event_id": ["a", "b", "c", "d"], "type": "Error",
         "message": ["Script error.", "No rate", "Script error.", "ResizeObserver loop limit exceeded"]}
    )  # fmt: skip
    told = group(events, None, None, first_party=["shop.example"]).events
    assert told["event_id"].to_list() == ["a", "b", "c", "d"]
    counted = told.drop_nulls("noise_class").group_by("noise_class", "noise_rule", "noise_reason").len()
    assert sorted(counted.select("noise_class", "len").rows()) == [("benign_browser", 1), ("opaque", 2)]
    looked_at = events.join(told.filter(pl.col("noise_class") == "opaque"), on="event_id")
    assert looked_at["event_id"].to_list() == ["a", "c"]
    assert looked_at["shape_id"].n_unique() == 1


def test_failed_fetches_are_a_signal_while_an_endpoint_of_ours_fails():
    few = [NOON + timedelta(seconds=30 * k) for k in range(4)]
    failing = pl.DataFrame(
        {
            "at": few,
            "endpoint": "GET /api/cart",
            "url": "https://api.shop.example/api/cart",
            "status": [503, 503, 503, 200],
        }
    )
    assert classes(stream(few), requests=failing) == [None] * 4
    theirs = failing.with_columns(url=pl.lit("https://tags.partner.example/api/cart"))
    assert classes(stream(few), requests=theirs) == ["cancelled"] * 4


def test_chunks_of_an_old_release_are_noise_and_those_of_the_current_one_are_not_in_a_spike():
    message = "Failed to fetch dynamically imported module: https://www.shop.example/assets/reviews-1.js"
    releases = pl.DataFrame({"release": ["a", "b"], "deployed_at": [NOON - timedelta(days=3), NOON]})
    after = [NOON + timedelta(seconds=10 * k) for k in range(40)]
    old = classify_noise(stream(after, message, release="a"), None, first_party=["shop.example"], releases=releases)
    assert set(old.filter(pl.col("event_id").str.starts_with("x"))["noise_rule"]) == {
        "stale_deploy/chunk-of-old-release"
    }
    assert classes(stream(after, message, release="b"), releases=releases) == [None] * 40


def test_every_class_has_a_reason_for_each_rule_and_ids_are_unique():
    rules = noise_rules()
    assert all(len(rule.reason) > 20 for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)
    assert len({file.data["order"] for file in load_all("noise") if "class" in file.data}) == len(
        [file for file in load_all("noise") if "class" in file.data]
    )
