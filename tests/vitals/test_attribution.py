"""Who is behind a bad vital, from attributions as the web-vitals library sends them."""

from __future__ import annotations

import json

import polars as pl
import pytest

from workbench.vitals.attribution import culprits, phases

HEAVY = {
    "interactionTarget": "#add",
    "interactionType": "pointer",
    "inputDelay": 4,
    "processingDuration": 290,
    "presentationDelay": 26,
    "longestScript": {
        "entry": {
            "name": "script",
            "invoker": "BUTTON#add.onclick",
            "sourceURL": "https://shop.example/assets/shop-4f2a.js?v=1",
            "sourceFunctionName": "recommend",
            "sourceCharPosition": 48213,
        },
        "subpart": "processing-duration",
    },
}
BEFORE_RENAMING = {"eventTarget": "#add", "eventType": "click", "inputDelay": 300, "processingDuration": 10}


def _vitals(*rows: tuple[str, float, object]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "metric": [metric for metric, _, _ in rows],
            "value": [value for _, value, _ in rows],
            "attribution": [None if said is None else json.dumps(said) for _, _, said in rows],
            "page_view_id": [f"v{i}" for i in range(len(rows))],
            "route": "/",
        },
        schema_overrides={"attribution": pl.String},
    )


def test_the_script_behind_slow_clicks_is_named_with_its_place():
    table = culprits(_vitals(("INP", 320.0, HEAVY), ("INP", 640.0, HEAVY), ("INP", 40.0, HEAVY)))
    script = table.filter(kind="script").row(0, named=True)
    assert script["culprit"] == "recommend in shop-4f2a.js"
    assert script["char_position"] == 48213
    assert (script["n"], script["share"], script["p75"]) == (2, 1.0, 560.0)
    assert script["phase"] == "processing_duration"
    assert script["phase_share"] == pytest.approx(290 / 320)
    assert "handler" in script["fix"]
    assert script["page_view_id"] == "v1", "the worst of them, to look at"


def test_a_script_without_a_function_is_named_by_what_invoked_it():
    entry = {"invoker": "TimerHandler:setTimeout", "sourceURL": "https://shop.example/a.js", "sourceFunctionName": ""}
    table = culprits(_vitals(("INP", 320.0, {"longestScript": {"entry": entry}})))
    assert table.filter(kind="script")["culprit"].item() == "TimerHandler:setTimeout in a.js"


def test_a_place_that_the_browser_does_not_know_is_none():
    script = {"entry": {"sourceURL": "https://cdn.test/app.js", "sourceFunctionName": "pay", "sourceCharPosition": -1}}
    vitals = pl.DataFrame({"metric": "INP", "value": [900.0], "attribution": [json.dumps({"longestScript": script})]})
    row = culprits(vitals).row(0, named=True)
    assert (row["culprit"], row["url"], row["char_position"]) == ("pay in app.js", "https://cdn.test/app.js", None)


def test_older_names_of_the_same_thing_are_read():
    table = culprits(
        _vitals(("INP", 320.0, BEFORE_RENAMING), ("LCP", 5000.0, {"element": "img", "resourceLoadTime": 9}))
    )
    assert table.select("kind", "culprit").rows() == [
        ("element", "#add"),
        ("interaction", "click"),
        ("element", "img"),
    ]
    assert table["phase"].to_list() == ["input_delay", "input_delay", "resource_load_duration"]


def test_a_shift_has_an_element_and_a_fix_but_no_phases():
    table = culprits(_vitals(("CLS", 0.2, {"largestShiftTarget": "main>ul", "loadState": "complete"})))
    element = table.filter(kind="element").row(0, named=True)
    assert (element["culprit"], element["phase"]) == ("main>ul", None)
    assert "height" in element["fix"]


def test_good_page_views_and_silent_attributions_blame_nobody():
    assert culprits(_vitals(("INP", 150.0, HEAVY), ("INP", 400.0, {}), ("INP", 400.0, None))).is_empty()
    assert phases(_vitals(("INP", 400.0, None))).is_empty()


def test_a_page_view_that_blames_nobody_still_counts_in_the_share():
    table = culprits(_vitals(("INP", 320.0, HEAVY), ("INP", 320.0, None)))
    assert table.filter(kind="element")["share"].item() == 0.5


def test_broken_json_blames_nobody_and_stops_nothing():
    vitals = _vitals(("INP", 320.0, HEAVY)).vstack(
        _vitals(("INP", 320.0, None)).with_columns(attribution=pl.lit('{"interactionTarget": '))
    )
    assert culprits(vitals).filter(kind="element")["n"].to_list() == [1]


def test_a_store_without_attributions_blames_nobody():
    vitals = pl.DataFrame({"metric": "INP", "value": [900.0] * 3, "attribution": [None] * 3})
    assert culprits(vitals).is_empty()
    assert phases(vitals).is_empty()


def test_phases_add_up_to_the_whole():
    said = {"timeToFirstByte": 500, "resourceLoadDelay": 1500, "resourceLoadDuration": 250, "elementRenderDelay": 2750}
    table = phases(_vitals(("LCP", 5000.0, said), ("LCP", 5000.0, said)), ["route"])
    assert table["phase"].to_list() == [
        "element_render_delay", "resource_load_delay", "time_to_first_byte", "resource_load_duration",
    ]  # fmt: skip
    assert table["mean"].to_list() == [2750.0, 1500.0, 500.0, 250.0]
    assert table["share"].to_list() == pytest.approx([0.55, 0.3, 0.1, 0.05])
    assert table["n"].to_list() == [2] * 4
