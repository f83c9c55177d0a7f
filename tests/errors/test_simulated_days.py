"""Grouping measured on simulated days; the table of figures is printed with `pytest -s`.

The targets are those of the project's plan: issues at a pair precision of 0.97; bugs at precision 0.95 and a B-cubed F1
of 0.90 with network data, precision 0.85 when one deploy starts everything, 0.93 with no network data at all. Two usual
ways of grouping stand beside ours. Without requests precision holds and recall drops: what is known is not enough.
"""

import polars as pl
import pytest

from tests.errors.simulate import simulate
from workbench.errors.domains import first_party_domains
from workbench.errors.grouping import group
from workbench.errors.scoring import score
from workbench.errors.shapes import file_of, short_function
from workbench.errors.stacks import parse_stacks

SEEDS = (101, 102, 103)
# name, how the days are drawn, least precision of bugs, least B-cubed F1 of bugs
DAYS = [
    ("all sessions send requests", {}, 0.95, 0.90),
    ("half of them do", {"capture": 0.5}, 0.95, 0.90),
    ("none do", {"capture": 0.0}, 0.93, 0.60),
    ("one deploy starts everything", {"one_deploy": True}, 0.85, 0.85),
    ("one deploy, no requests", {"one_deploy": True, "capture": 0.0}, 0.85, 0.60),
    ("few source maps", {"mapped": 0.2}, 0.95, 0.90),
    ("only stack strings", {"raw_stacks": True}, 0.95, 0.90),
    ("only stack strings, one deploy", {"raw_stacks": True, "one_deploy": True}, 0.85, 0.85),
]


def type_and_top_frame(day):
    """What a first look groups by: type and the function on top."""
    frames = parse_stacks(day.events) if day.frames is None else day.frames
    top = frames.filter(pl.col("frame_index") == 0).select("event_id", "function", "url")
    rows = day.events.select("event_id", "type").join(top, on="event_id", how="left")
    return rows.select("event_id", group=pl.concat_str(pl.col("type", "function", "url").fill_null("")))


def like_sentry(day):
    """Type and in-app frames, module or file and function each; without frames type and message."""
    frames = parse_stacks(day.events) if day.frames is None else day.frames
    source = pl.col("source") if "source" in frames.columns else pl.lit(None, pl.String)
    name = pl.col("source_function") if "source_function" in frames.columns else pl.lit(None, pl.String)
    place = pl.concat_str(
        pl.coalesce(source, file_of(pl.col("url"))), short_function(pl.coalesce(name, pl.col("function"))).fill_null("")
    )
    stacks = (
        frames.filter(pl.col("in_app"))
        .sort("event_id", "frame_index")
        .group_by("event_id")
        .agg(stack_text=place.str.join("|"))
    )
    rows = day.events.select("event_id", "type", "message").join(stacks, on="event_id", how="left")
    return rows.select(
        "event_id", group=pl.concat_str(pl.col("type").fill_null(""), pl.coalesce("stack_text", "message", pl.lit("")))
    )


def measure(options):
    rows = []
    for seed in SEEDS:
        day = simulate(seed, **options)
        grouping = group(day.events, day.frames, day.requests, releases=day.releases)
        truth = day.labels.filter(pl.col("cause").is_not_null()).select("event_id", truth="cause")
        ours = grouping.events.join(truth, on="event_id")
        assert ours["noise_class"].null_count() == ours.height
        kept = grouping.events.join(truth, on="event_id", how="anti")
        assert kept["noise_class"].null_count() == 0
        ways = {
            "bugs": score(ours, found="bug_id"),
            "issues": score(ours, found="issue_id"),
            "type and top frame": score(type_and_top_frame(day).join(truth, on="event_id"), found="group"),
            "like Sentry": score(like_sentry(day).join(truth, on="event_id"), found="group"),
        }
        rows += [{"way": way, "seed": seed, **scores._asdict()} for way, scores in ways.items()]
    return pl.DataFrame(rows)


@pytest.mark.parametrize(("name", "options", "precision", "f1"), DAYS, ids=[day[0] for day in DAYS])
def test_days(name, options, precision, f1):
    scores = measure(options)
    table = scores.group_by("way", maintain_order=True).agg(pl.exclude("seed").mean().round(3))
    print(f"\n{name}\n{table}")
    mean = {row["way"]: row for row in table.iter_rows(named=True)}
    assert mean["issues"]["pair_precision"] >= 0.97
    assert mean["bugs"]["pair_precision"] >= precision
    assert mean["bugs"]["bcubed_f1"] >= f1
    others = max(mean["type and top frame"]["pair_f1"], mean["like Sentry"]["pair_f1"])
    if options.get("capture", 1.0) > 0:
        assert mean["bugs"]["pair_f1"] > others


def test_the_days_are_what_they_say():
    day = simulate(7, n_events=600)
    assert day.labels["cause"].drop_nulls().n_unique() == 12
    assert first_party_domains(day.events, None) == ("bazaar.example",)
    assert 0.3 < day.labels["cause"].is_null().mean() < 0.4
    twins = day.labels.filter(pl.col("cause").str.starts_with("twin")).join(day.events, on="event_id")
    said = twins.filter(pl.col("browser") == "Chrome").group_by("cause").agg(pl.col("message").unique())
    assert said["message"].n_unique() <= 1
