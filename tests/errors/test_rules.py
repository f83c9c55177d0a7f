"""Fingerprint and stack-trace rules: matchers, variables, globs, errors that say where, and no rule that hangs."""

import re
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import RuleError
from connectors.formats.sentry_rules import sentry_rules
from workbench.errors.distinct import distinct_errors
from workbench.errors.globs import glob_regex
from workbench.errors.grouping import group
from workbench.errors.rule_reader import quoted
from workbench.errors.rule_syntax import ALIASES, KEYS, parse_rules
from workbench.errors.stack_rules import apply_stack_rules

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def one_event(rules, **changes):
    """Group one known event by rules; the issue's row."""
    event = {
        "event_id": "e", "at": NOON, "type": "PaymentError", "message": "Card 4711 declined by Acme",
        "release": "2.1.0", "level": "error", "route": "/checkout", "environment": "production",
        "page_url": "https://shop.example/checkout", "source": "javascript",
        "tags": [{"key": "tenant", "value": "north"}, {"key": "ab-test", "value": "B"}], "mechanism": "onerror",
    } | changes  # fmt: skip
    frames = pl.DataFrame(
        {
            "event_id": "e",
            "exception_index": 0,
            "frame_index": [0, 1, 2],
            "url": "https://shop.example/assets/app-3f2a9c1b.js",
            "function": ["r", "t", "n"],
            "line": 1,
            "column": [10, 20, 30],
            "in_app": [False, True, True],
            "source": ["node_modules/retry/lib/retry.js", "src/pay/charge.ts", "src/pay/Form.tsx"],
            "source_line": 3,
            "source_function": ["attempt", "charge", "onSubmit"],
        }
    )
    requests = pl.DataFrame(
        {
            "event_id": "e",
            "at": [NOON - timedelta(seconds=s) for s in (2, 1)],
            "endpoint": ["POST /api/pay", "GET /api/cart"],
            "status": [502, 200],
        }
    )
    return group(pl.DataFrame([event]), frames, requests, rules=rules).issues.row(0, named=True)


MATCHERS = [
    ("type:PaymentError", True),
    ("error.type:Payment*", True),
    ("type:paymenterror", False),
    ('value:"card * declined*"', True),
    ('message:"*DECLINED*"', True),
    ('message:"declined"', False),
    ('stack.abs_path:"**/pay/*.ts"', True),
    ('path:"src/*/charge.ts"', True),
    ('path:"src/*.ts"', False),
    ('path:"**/app-*.js"', True),
    ("stack.module:src/pay/charge", True),
    ("module:src/pay/*", True),
    ("stack.function:charge", True),
    ("function:Charge", False),
    ("stack.package:anything", False),
    ("family:javascript", True),
    ("family:native,javascript", True),
    ("family:native", False),
    ("app:yes", True),
    ("app:no", True),
    ("function:attempt app:yes", False),
    ("function:attempt app:no", True),
    ("function:charge path:**/charge.ts", True),
    ("function:charge path:**/Form.tsx", False),
    ("release:2.*", True),
    ("release:3.*", False),
    ("level:ERROR", True),
    ("logger:anything", False),
    ("logger:shop.*", False),
    ("sdk:javascript", True),
    ("transaction:/checkout", True),
    ("environment:production", True),
    ('url:"https://shop.example/*"', True),
    ("tags.tenant:north", True),
    ("tags.tenant:south", False),
    ("tags.unknown:x", False),
    ("!tags.unknown:x", True),
    ("!type:TypeError", True),
    ("!type:PaymentError", False),
    ("!release:3.*", True),
    ("!function:attempt", True),
    ('endpoint:"POST /api/pay"', True),
    ('endpoint:"post /api/*"', True),
    ('endpoint:"GET /api/orders/*"', False),
    ("status:502", True),
    ("status:5xx", True),
    ("status:5??", True),
    ("status:404", False),
    ('endpoint:"POST *" status:5xx', True),
    ('endpoint:"GET *" status:5xx', False),
    ('!endpoint:"GET /api/orders/*"', True),
    ("!status:502", False),
    ("error.mechanism:onerror", True),
    ("mechanism:onunhandled*", False),
    ("tags.ab-test:B", True),
    ("sdk:python,javascript", True),
    ("sdk:all", True),
    ("sdk:python,node", False),
    ("family:all", True),
    ("app:1", True),
    ("app:TRUE function:attempt", False),
    ('"error.type":PaymentError', True),
    ("thread.id:1", False),
    ("thread.name:main", False),
    ("thread.state:RUNNABLE", False),
    ("thread.crashed:yes", False),
    ("thread.current:yes", False),
    ("type:[OP]ayment*", True),
    ("type:{Payment,Order}Error", True),
    (r'message:"Card 4711\x20declined *"', True),
    # As for a stack-trace rule: the frame that calls, the frame that is called.
    ("[ function:onSubmit ] | function:charge", True),
    ("[ function:attempt ] | function:charge", False),
    ("function:charge | [ function:attempt ]", True),
    ("function:charge | [ app:yes ]", False),
    ("[ app:yes ] | function:charge | [ app:no ]", True),
    ("function:onSubmit | [ !function:charge ]", False),
]


# Each against the event above; a negated frame matcher asks for a frame that does not fit.
NEGATED = [
    ("!error.type:Pay*", False),
    ('!value:"*declined*"', False),
    ('!message:"*refused*"', True),
    ("!path:**/charge.ts", True),
    ("!path:**", False),
    ("!module:src/**", True),
    ("!module:*", False),
    ("!function:attempt function:attempt", False),
    ("!function:* app:yes", False),
    ("!package:*", True),
    ("!family:javascript", False),
    ("!family:native", True),
    ("!app:yes function:attempt", True),
    ("!release:2.*", False),
    ("!app:yes function:charge", False),
    ("!level:error", False),
    ("!logger:anything", True),
    ("!sdk:javascript", False),
    ("!transaction:/account", True),
    ("!environment:production", False),
    ('!url:"https://other.example/*"', True),
    ("!tags.tenant:north", False),
    ("!tags.tenant:south", True),
    ('!endpoint:"POST /api/pay"', False),
    ("!status:4xx", True),
    ("!status:5xx", False),
    ("!error.mechanism:onerror", False),
    ("!thread.id:1 !thread.name:x !thread.state:x !thread.crashed:yes !thread.current:yes", True),
    ("[ !function:onSubmit ] | function:charge", False),
]


@pytest.mark.parametrize(("matcher", "fits"), NEGATED)
def test_every_matcher_negated(matcher, fits):
    assert one_event(f"{matcher} -> made-by-rule")["rule"].startswith("rule in line 1" if fits else "default")


def test_every_matcher_is_in_both_tables():
    for table in (MATCHERS, NEGATED):
        asked = {re.sub(r"^!", "", word).split(":")[0] for rule, _ in table for word in rule.split() if ":" in word}
        asked = {ALIASES.get(key, key) for key in asked}
        assert set(KEYS) <= asked
        assert any(key.startswith("tags.") for key in asked)


def test_a_logger_fits_where_the_tracker_says_it():
    assert one_event("logger:shop.* -> x", logger="shop.cart")["rule"].startswith("rule in line 1")
    assert one_event("!logger:shop.* -> x", logger="shop.cart")["rule"].startswith("default")


@pytest.mark.parametrize(("matcher", "fits"), MATCHERS)
def test_every_matcher(matcher, fits):
    issue = one_event(f"{matcher} -> made-by-rule")
    assert issue["rule"].startswith("rule in line 1" if fits else "default")


VARIABLES = [
    ("{{ type }}", "PaymentError"),
    ("{{ error.value }}", "Card 4711 declined by Acme"),
    ("{{ message }}", "Card 4711 declined by Acme"),
    ("{{ function }}", "charge"),
    ("{{ module }}", "src/pay/charge.ts"),
    ("{{ stack.abs_path }}", "src/pay/charge.ts"),
    ("{{ release }}", "2.1.0"),
    ("{{ level }}", "error"),
    ("{{ transaction }}", "/checkout"),
    ("{{ environment }}", "production"),
    ("{{ tags.tenant }}", "north"),
    ("{{ tags.unknown }}", "<no value>"),
    ("{{ tags.ab-test }}", "B"),
    ("{{error.type}}", "PaymentError"),
    ("{{ stack.filename }}", "src/pay/charge.ts"),
    ("{{ raw_message }}", "Card 4711 declined by Acme"),
    ("{{ error.raw_value }}", "Card 4711 declined by Acme"),
    ("{{ mechanism }}", "onerror"),
    ("{{ package }}", "<no value>"),
    ("{{ endpoint }}", "GET /api/cart"),
    ("{{ status }}", "200"),
    ("pay-{{ type }}-{{ level }}", "pay-PaymentError-error"),
]


@pytest.mark.parametrize(("part", "said"), VARIABLES)
def test_every_variable(part, said):
    assert one_event(f'type:* -> x title="{part}"')["title"] == said
    assert one_event(f'type:* -> "{part}"')["issue_id"] == one_event(f'type:* -> "{said}"')["issue_id"]


def test_endpoint_and_status_in_a_fingerprint_are_those_that_the_rule_matched():
    title = one_event('status:5xx -> x title="{{ endpoint }} {{ status }}"')["title"]
    assert title == "POST /api/pay 502"


def test_the_first_rule_that_fits_wins_and_default_stands_for_the_default():
    default = one_event(None)["issue_id"]
    rules = "type:Other -> a\ntype:PaymentError -> b\ntype:* -> c"
    assert one_event(rules)["rule"] == "rule in line 2: type:PaymentError -> b"
    assert one_event("type:* -> {{ default }}")["issue_id"] == default
    refined = one_event("type:* -> {{ default }}, {{ tags.tenant }}")["issue_id"]
    assert refined != default
    other = one_event("type:* -> {{ default }}, {{ tags.tenant }}", tags=[{"key": "tenant", "value": "south"}])
    assert other["issue_id"] != refined


STACK_RULES = [
    ("", "src/pay/charge.ts"),
    ('stack.abs_path:"**/charge.ts" -app', "src/pay/Form.tsx"),
    ("function:charge -group", "src/pay/Form.tsx"),
    ("function:charge ^-app", "src/pay/charge.ts"),
    ("function:onSubmit ^-app", "src/pay/Form.tsx"),
    ("function:attempt v-app\nfunction:onSubmit +app", "src/pay/Form.tsx"),
    ("[ function:onSubmit ] | function:charge -app", "src/pay/Form.tsx"),
    ("[ function:nobody ] | function:charge -app", "src/pay/charge.ts"),
    ("function:charge | [ function:attempt ] -app", "src/pay/Form.tsx"),
    ("type:PaymentError function:charge -app", "src/pay/Form.tsx"),
    ("type:OtherError function:charge -app", "src/pay/charge.ts"),
    ("function:charge -app\nfunction:charge +app", "src/pay/charge.ts"),
    ("function:charge category=view\ncategory:view -app", "src/pay/Form.tsx"),
    ("function:charge category=view\ncategory:model -app", "src/pay/charge.ts"),
    ("function:onSubmit category=view\n[ category:view ] | function:charge -app", "src/pay/Form.tsx"),
    ("function:charge category=view -app", "src/pay/Form.tsx"),
    # Two of the three frames are ours.
    ("function:charge min-frames=2", "src/pay/charge.ts"),
    ("function:charge min-frames = 3", None),
    ("function:nobody min-frames=3", "src/pay/charge.ts"),
    ("family:all min-frames=3\nfamily:all min-frames=1", "src/pay/charge.ts"),
    ("family:javascript max-frames=1", "src/pay/charge.ts"),
    ("stack.function:charge -group max-frames=1", "src/pay/Form.tsx"),
    ("family:all max-frames=0", "src/pay/charge.ts"),
]


def test_max_frames_leaves_the_newest_frames_of_ours():
    stack = "".join(f"\n    at f{k} (https://s.example/{name}.js:{k}:1)" for k, name in enumerate("abcd", 1))
    events = pl.DataFrame({"event_id": ["e"], "type": "E", "message": "m", "stack": f"E: m{stack}"})
    found = distinct_errors(events, None, ["s.example"])

    def left(rules):
        return apply_stack_rules(parse_rules(rules).stacks, found).frames_at("function")["function"].to_list()

    assert left("function:f1 max-frames=2") == ["f1", "f2"]
    assert left("function:f1 -app\nfamily:all max-frames=2") == ["f1", "f2", "f3"]
    assert left("function:f9 max-frames=2") == ["f1", "f2", "f3", "f4"]
    assert left("function:f1 min-frames=5") == []


@pytest.mark.parametrize(("rules", "top"), STACK_RULES)
def test_stack_trace_rules_decide_what_is_ours_and_on_top(rules, top):
    assert one_event(rules)["top_source"] == top


MISTAKES = [
    ('type:"x -> y', "r:1:6: the quotation mark is never closed"),
    ("endpont:x -> y", "r:1:1: no matcher endpont; there are: app,"),
    ("type:x", "r:1:7: the rule has no effect"),
    ("\n# note\ntype:x ->", "r:3:10: expected a fingerprint after ->"),
    ("-> y", "r:1:1: a fingerprint needs a matcher before the arrow"),
    ("type x -> y", "r:1:5: expected a colon after type"),
    ("type: -> y", "r:1:6: expected a value after type:"),
    ("type:x -> {{ nonsense }}", "r:1:11: no variable nonsense; there are: default,"),
    ('type:x -> y colour="red"', "r:1:13: no attribute colour; there is: title"),
    ("release:x -app", "r:1:1: a stack-trace rule cannot look at release"),
    ("function:x -app +colour", "r:1:17: no action +colour"),
    ("[ function:x function:y -app", "r:1:14: expected ] after the caller"),
    ('type:y message:"[z-a]" -> x', "r:1:8: the value of message is too long, or a range"),
    ("app:in-app -> x", "r:1:5: app is yes or no, not 'in-app'"),
    ("category:view -> x", "r:1:1: a fingerprint rule cannot look at category"),
    ("[ endpoint:x ] | function:y -> z", "r:1:3: a caller is a frame; it is told by: app, family"),
    ("function:y | [ type:x ] -app", "r:1:16: a callee is a frame"),
    ("function:x max-frames=many", "r:1:12: max-frames needs a value, as in max-frames=3"),
    ("function:x category= -app", "r:1:12: category needs a value, as in category=view"),
    ("type:x -> {{ default", "r:1:11: the braces of a variable are never closed"),
    ("type:x -> {{ }}", "r:1:11: the braces of a variable are never closed, or hold no name"),
    ('type:x -> y title="{{ type"', "r:1:13: the braces of a variable are never closed"),
    pytest.param(f"type:{'?' * 20_000} -> x", "r:1:1: the value of type is too long", id="a huge value"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_named_with_line_and_column(text, message):
    with pytest.raises(RuleError) as failure:
        parse_rules(text, "r")
    assert str(failure.value).startswith(message)


GLOBS = [
    ("*.js", "app.js", True),
    ("*.js", "app.css", False),
    ("a?c", "abc", True),
    ("[ab]x", "bx", True),
    ("[!ab]x", "bx", False),
    ("{one,two}-x", "two-x", True),
    ("{one,two}-x", "three-x", False),
    (r"\*", "*", True),
    (r"\*", "x", False),
    ("a.c", "abc", False),
    ("[", "[", True),
    ("a+b(c)", "a+b(c)", True),
    ("line*", "line\nbreak", True),
    (r"\?", "?", True),
    (r"\[x\]", "[x]", True),
    (r"\{a\}", "{a}", True),
    (r"a\\b", "a\\b", True),
    ("{a}", "a", True),
    ("{a,}x", "x", True),
    ("{a,b", "{a,b", True),
    ("[a-c]x", "bx", True),
    ("[^a]x", "^x", True),
    ("größe*", "größer", True),
    ("", "", True),
]


@pytest.mark.parametrize(("glob", "text", "fits"), GLOBS)
def test_globs(glob, text, fits):
    table = pl.DataFrame({"text": [text]})
    assert table.select(pl.col("text").str.contains(glob_regex(glob))).item() is fits


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("**/vendor/**", "a/vendor/b/c.js", True),
        ("**/vendor/**", "vendor/c.js", True),
        ("src/*.ts", "src/a/b.ts", False),
        ("src/**/*.ts", "src/a/b/c.ts", True),
        ("src/**/*.ts", "src/c.ts", True),
    ],
)
def test_in_paths_a_star_stops_at_a_slash(glob, path, fits):
    assert bool(re.match(glob_regex(glob, slashed=True), path)) is fits


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_a_value_in_quotes_is_read_as_it_was_written(text):
    # splitlines knows more line ends than people do; a rule is one line.
    line = f"message:{quoted(text or 'x')} -> x"
    if len(line.splitlines()) == 1:
        (rule,) = parse_rules(line).fingerprints
        assert rule.matchers[0].glob == (text or "x")


def test_what_sentry_is_given_is_read_back_as_the_same_rules():
    text = "\n".join(f"{matcher} -> {{{{ default }}}}, x" for matcher, _ in [*MATCHERS, *NEGATED])
    text += "\n" + "\n".join(rule for rules, _ in STACK_RULES for rule in rules.split("\n") if rule)
    rules = parse_rules(text)
    told = sentry_rules(rules.fingerprints, rules.stacks)
    again = parse_rules(told.text)
    left_out = {int(line.split(":")[0].removeprefix("line ")) for line in told.left_out}
    kept = [rule for rule in rules.fingerprints if rule.line not in left_out]
    assert [(r.matchers, r.parts, r.title, r.caller, r.callee) for r in again.fingerprints] == [
        (r.matchers, r.parts, r.title, r.caller, r.callee) for r in kept
    ]
    assert [(r.matchers, r.actions, r.settings) for r in again.stacks] == [
        (r.matchers, r.actions, r.settings) for r in rules.stacks
    ]
    assert all(re.search(r"endpoint|status|transaction|environment|url|mechanism", line) for line in told.left_out)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused_with_a_place(text):
    refused = ""
    try:
        parse_rules(text, "r")
    except RuleError as error:
        refused = str(error)
    assert not refused or re.match(r"r:\d+:\d+: ", refused)


VALUES = ["*", "**/", "?", "[a-c]", "[z-a]", "{a,b}", "5xx", "yes", '"', '"a b"', "\\\\", "PaymentError", "é", ""]
ENDS = [
    "-> x",
    "-> {{ default }}, {{ type }}",
    "-> {{ x }}",
    '-> y title="{{ release }}"',
    "-app",
    "^+group v-app",
    "->",
    "",
]
MATCHER = st.tuples(
    st.sampled_from(["", "", "!"]),
    st.sampled_from([*sorted(KEYS), *sorted(ALIASES), "tags.a", "x"]),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map("".join),
).map(lambda parts: f"{parts[0]}{parts[1]}:{parts[2]}")
WRITTEN = st.tuples(
    st.sampled_from(["", "", "", "[ function:charge ] | ", "[", "# "]),
    st.lists(MATCHER, max_size=3).map(" ".join),
    st.sampled_from([*ENDS, "| [ app:no ] -app"]),
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(WRITTEN, min_size=1, max_size=2).map("\n".join))
def test_what_parses_can_be_applied(text):
    refused = ""
    try:
        rules = parse_rules(text, "r")
    except RuleError as error:
        refused = str(error)
    if refused:
        assert re.match(r"r:\d+:\d+: ", refused)
    else:
        assert len(one_event(rules)["issue_id"]) == 16


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.booleans())
def test_any_glob_is_a_regex_that_polars_takes(glob, slashed):
    pl.DataFrame({"text": ["x"]}).select(pl.col("text").str.contains(glob_regex(glob, slashed=slashed)))


@pytest.mark.parametrize("glob", ["*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "{*a,*a*,a*a}*{a*,*a}*b", "?*?*?*?*?*?*b"])
def test_a_rule_that_would_backtrack_for_ever_takes_time_in_proportion_to_the_text(glob):
    (rule,) = parse_rules(f'message:"{glob}" -> x').fingerprints
    hit = pl.col("message").str.contains(rule.matchers[0].pattern)

    def seconds(length):
        rows = pl.DataFrame({"message": ["a" * length]})
        times = []
        for _ in range(5):
            started = time.perf_counter()
            assert rows.select(hit).item() is False
            times.append(time.perf_counter() - started)
        return min(times)

    # Eight times the text: eight times as long, where two nested loops alone would make it 64 times.
    assert seconds(800_000) < 32 * seconds(100_000)


def test_such_a_rule_is_tried_on_a_long_message_and_does_not_fit():
    issue = one_event('message:"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b" -> x', message="a" * 20_000)
    assert issue["rule"].startswith("default")


@pytest.mark.parametrize("text", [r"(a+)+b", r"(?=a)b", r"(a)\1", "a{2,}", "^a$|b"])
def test_a_value_is_a_glob_and_never_a_regex(text):
    (rule,) = parse_rules(f'type:"{text}" -> x').fingerprints
    plain = text.replace("\\1", "1").replace("{2,}", "2")
    assert pl.select(pl.lit(plain).str.contains(rule.matchers[0].pattern)).item()
