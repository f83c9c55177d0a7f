"""Field beside lab."""

from __future__ import annotations

import polars as pl

from workbench.vitals.field_vs_lab import caught_by_lab, field_vs_lab


def _field(route: str, value: float, n: int = 60, **columns: str) -> pl.DataFrame:
    base = {"metric": "LCP", "device_class": "mobile", "region": "eu", **columns}
    return pl.DataFrame({"route": route, "value": [value + i for i in range(n)]}).with_columns(
        **{name: pl.lit(text) for name, text in base.items()}
    )


def _runs(route: str, *values: float, metric: str = "LCP", release: str = "a", form: str = "mobile") -> pl.DataFrame:
    return pl.DataFrame(
        {"route": route, "metric": metric, "value": values, "release": release, "form_factor": form, "run_id": "r"}
    )


def test_each_page_gets_the_finding_it_deserves():
    field = pl.concat(
        [
            _field("/agree", 1000),
            _field("/blind", 4500),
            _field("/hard", 1000),
            _field("/unseen", 1000),
            _field("/rare", 1000, n=5),
            _field("/agree", 50, metric="INP"),
        ]
    )
    lab = pl.concat(
        [
            _runs("/agree", 900, 1100, 1000),
            _runs("/blind", 1500),
            _runs("/hard", 5000),
            _runs("/rare", 900),
            _runs("/nobody", 900),
            _runs("/agree", 5, form="desktop"),
            _runs("/agree", 99, metric="TBT"),
        ]
    )
    table = field_vs_lab(field, lab)
    found = {(row["route"], row["device_class"]): row["finding"] for row in table.to_dicts()}
    assert found == {
        ("/agree", "mobile"): "agree",
        ("/blind", "mobile"): "lab is blind",
        ("/hard", "mobile"): "lab is harder",
        ("/unseen", "mobile"): "no lab run",
        ("/rare", "mobile"): "too few page views",
        ("/nobody", "mobile"): "no field data",
        ("/agree", "desktop"): "no field data",
    }
    assert table["route"][0] == "/blind", "what needs a person stands first"
    agree = table.row(by_predicate=(pl.col("route") == "/agree") & (pl.col("runs") == 3), named=True)
    assert (agree["lab"], agree["lab_low"], agree["lab_high"]) == (1000.0, 900.0, 1100.0)


def test_a_slow_region_shows_against_the_lab_that_does_not_look_from_there():
    field = pl.concat([_field("/", 1200, region="eu"), _field("/", 4800, region="in")])
    table = field_vs_lab(field, _runs("/", 1100), ["route", "device_class", "region"])
    assert table.select("region", "finding").rows() == [("in", "lab is blind"), ("eu", "agree")]
    assert table["times"].round(1).to_list() == [4.4, 1.1]


def test_a_field_that_may_be_as_good_as_the_lab_says_is_no_blind_spot():
    table = field_vs_lab(_field("/", 2460), _runs("/", 1100))
    assert table.select("field_rating", "finding").row(0) == ("needs-improvement", "agree")


def test_a_run_that_measured_nothing_is_no_run():
    nothing = _runs("/", 900.0, float("nan")).with_columns(pl.col("value").fill_nan(None))
    for runs in (_runs("/", 900.0, float("nan")), nothing):
        assert field_vs_lab(_field("/", 1000), runs)["lab", "runs"].rows() == [(900.0, 1)]


def test_what_the_lab_would_have_caught():
    compared = pl.DataFrame(
        {
            "metric": ["LCP", "LCP", "LCP", "LCP", "INP", "LCP", "LCP"],
            "device_class": "mobile",
            "route": ["/seen", "/scatter", "/once", "/twice", "/seen", "/unseen", "/fine"],
            "difference": 900.0,
            "verdict": ["regression"] * 6 + ["no change"],
        }
    )
    lab = pl.concat(
        [
            _runs("/seen", 1000, 1100, 1050),
            _runs("/seen", 1150, 1250, 1200, release="b"),
            _runs("/scatter", 1000, 2100, 1600),
            _runs("/scatter", 2000, 2200, 2100, release="b"),
            _runs("/once", 1000),
            _runs("/once", 1250, release="b"),
            _runs("/twice", 1000),
            _runs("/twice", 2000, release="b"),
            _runs("/unseen", 1000),
        ]
    )
    table = caught_by_lab(compared, lab, "a", "b")
    assert table.select("route", "metric", "lab_verdict").rows() == [
        ("/seen", "LCP", "caught"),
        ("/scatter", "LCP", "missed"),
        ("/once", "LCP", "missed"),
        ("/twice", "LCP", "caught"),
        ("/seen", "INP", "not measured"),
        ("/unseen", "LCP", "not measured"),
    ]
    assert table["lab_difference"].to_list() == [150.0, 500.0, 250.0, 1000.0, None, None]
