"""A team's own list of noise: it hides what it names until it ends, counted and with a name behind it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from connectors.exceptions import RuleError
from workbench.errors.grouping import group, prepare
from workbench.errors.known import parse_known
from workbench.errors.regroup import Regrouping

ENTRY = 'id = "iframe"\nauthor = "lena"\nreason = "The old payment iframe"\nexpires = 2026-04-01\n'


def day():
    return pl.DataFrame(
        {
            "event_id": ["march", "april", "other"],
            "at": [datetime(2026, month, 5, tzinfo=UTC) for month in (3, 4, 3)],
            "type": "Error",
            "message": ["The iframe of order 1 is gone", "The iframe of order 2 is gone", "No rate"],
        }
    )


def test_a_pattern_hides_until_it_expires_and_says_who_and_why():
    entries = parse_known(f"[[known]]\n{ENTRY}pattern = 'iframe of order \\d+'")
    told = group(day(), None, None, known_noise=entries).events
    assert told["noise_class"].to_list() == ["known", None, None]
    assert told["noise_reason"][0] == "The old payment iframe (lena, until 2026-04-01)"
    assert told["noise_rule"][0] == "known/iframe"
    assert told["issue_id"].is_null().to_list() == [True, False, False]


def test_an_entry_that_has_ended_gives_its_events_back_and_is_named():
    trial = Regrouping(prepare(day(), None, None, first_party=["shop.example"]))
    issue = trial.under("")[0].filter(pl.col("event_id") == "other")["issue_id"].item()
    ended = ENTRY.replace("iframe", "rate").replace("2026-04-01", "2026-03-05")
    entries = parse_known(
        f"[[known]]\n{ENTRY}pattern = 'iframe of order'\n[[known]]\n{ended}fingerprint = '{issue}'\n"
        f"[[known]]\n{ENTRY.replace('iframe', 'none', 1)}pattern = 'nothing says so'"
    )
    (rows,) = trial.under("", known=[entries])
    hidden = rows.filter(pl.col("noise_class") == "known")
    assert hidden["event_id"].to_list() == ["march"]
    assert trial.ended(entries, rows).select("id", "author", "n").rows() == [("iframe", "lena", 1), ("rate", "lena", 1)]
    assert trial.ended((), rows).is_empty()


def test_a_fingerprint_hides_its_issue():
    before = group(day(), None, None).events
    entries = parse_known(f'[[known]]\n{ENTRY}fingerprint = "{before["issue_id"][2]}"')
    told = group(day(), None, None, known_noise=entries).events
    assert told["noise_class"].to_list() == [None, None, "known"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[known]]\nreason = 'x'\nexpires = 2026-04-01\npattern = 'a'", "entry 1 has no author"),
        ("[[known]]\nauthor = 'x'\nexpires = 2026-04-01\npattern = 'a'", "entry 1 has no reason"),
        ("[[known]]\nauthor = 'x'\nreason = 'y'\npattern = 'a'", "entry 1 has no expires"),
        (f"[[known]]\n{ENTRY}", "entry 1 needs either a pattern or a fingerprint"),
        (f"[[known]]\n{ENTRY}pattern = 'a'\nfingerprint = 'b'", "entry 1 needs either a pattern or a fingerprint"),
        (f"[[known]]\n{ENTRY}pattern = '(?=x)'", "the pattern is no regex"),
        (f"[[known]]\n{ENTRY}patern = 'x'", "no field patern; there are: author,"),
        ("[[known]]\nauthor = 'x'\nreason = 'y'\nexpires = 'soon'\npattern = 'a'", "expires is 'soon'"),
        ("[[noise]]\n", "no table noise; entries are [[known]]"),
        ("[[known]", "mine.toml: "),
    ],
)
def test_an_entry_that_nobody_stands_for_is_refused(text, message):
    with pytest.raises(RuleError, match=r"^mine\.toml") as refused:
        parse_known(text, "mine.toml")
    assert message in str(refused.value)
