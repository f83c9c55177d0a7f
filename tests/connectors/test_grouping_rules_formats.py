"""Rules as other systems take them: the documents they document, and one line for all that they cannot say."""

import json

import pytest

from connectors.formats.posthog_rules import posthog_rules
from connectors.formats.sentry_rules import sentry_rules
from workbench.errors.rule_syntax import parse_rules

TEXT = """\
type:TypeError message:"*reading 'amount'*" -> cart, {{ type }}
!stack.module:"vendor/*" endpoint:"GET /api/cart" -> cart-endpoint
type:ChunkLoadError -> chunks   title="A chunk is gone"
environment:staging -> staging
tags.tenant:acme level:error -> acme
path:"**/vendor/**" -app
"""


@pytest.fixture
def rules():
    return parse_rules(TEXT)


def test_sentry_takes_all_but_what_it_has_no_matcher_for(rules):
    told = sentry_rules(rules.fingerprints, rules.stacks)
    lines = told.text.splitlines()
    assert "type:TypeError message:\"*reading 'amount'*\" -> cart, {{ type }}" in lines
    assert 'path:"**/vendor/**" -app' in lines
    assert "# not in Sentry: environment:staging -> staging" in lines
    assert [line.split(": ")[:2] for line in told.left_out] == [
        ["line 2", "Sentry has no matcher endpoint"],
        ["line 4", "Sentry has no matcher environment"],
    ]
    # What it takes is what we read as the same rules again.
    again = parse_rules(told.text)
    assert [rule.text for rule in again.fingerprints] == [rules.fingerprints[n].text for n in (0, 2, 4)]


def test_posthog_takes_filters_and_one_issue_a_rule(rules):
    told = posthog_rules(rules.fingerprints, rules.stacks)
    made = json.loads(told.text)
    assert [one["filters"]["type"] for one in made] == ["AND", "AND"]
    assert made[0]["filters"]["values"] == [
        {"type": "event", "key": "$exception_types", "operator": "exact", "value": "ChunkLoadError"}
    ]
    assert [(v["key"], v["operator"]) for v in made[1]["filters"]["values"]] == [
        ("tenant", "exact"), ("$exception_level", "exact"),
    ]  # fmt: skip
    assert [line.split(": ")[0] for line in told.left_out] == ["line 1", "line 2", "line 3", "line 4", "line 6"]


def test_a_glob_becomes_a_regex_and_a_negation_its_opposite():
    rules = parse_rules('message:"Order * not found" !function:retry* -> orders')
    (made,) = json.loads(posthog_rules(rules.fingerprints, ()).text)
    assert made["filters"]["values"] == [
        {"type": "event", "key": "$exception_values", "operator": "regex", "value": "(?is)^Order .* not found$"},
        {"type": "event", "key": "$exception_functions", "operator": "not_regex", "value": "(?s)^retry.*$"},
    ]
