from __future__ import annotations

import pytest

from connectors.exceptions import ParameterError
from workbench.reports.parameters import check


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sorce": "x"}, "no parameter sorce; there are: source, start, end, release, environment, project"),
        ({"a": 1, "b": 2}, "no parameters a, b; there are: source, start, end, release, environment, project"),
        ({"start": "yesterday"}, "start is 'yesterday', which is not a time; give ISO 8601, as 2026-03-09T14:00"),
        ({"release": 7}, "release is 7, which is not text (input should be a valid string)"),
        ({"source": ""}, "source is empty; give an address or a folder"),
        (
            {"start": "2026-03-10", "end": "2026-03-09"},
            "start (2026-03-10 00:00) is not before end (2026-03-09 00:00)",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(given: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError) as raised:
        check(given)
    assert str(raised.value) == said


def test_an_address_with_a_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ParameterError) as raised:
        check({"source": "tempo+https://me:hunter2@tempo.example.com"})
    assert "hunter2" not in str(raised.value)
    assert "environment" in str(raised.value)


def test_times_are_utc_unless_they_say_otherwise() -> None:
    asked = check({"start": "2026-03-09T14:00", "end": "2026-03-09T17:00+02:00"}).for_notebook()
    assert asked == {
        "source": "sample-data",
        "start": "2026-03-09T14:00:00+00:00",
        "end": "2026-03-09T15:00:00+00:00",
    }


def test_each_report_has_parameters_of_its_own() -> None:
    assert check({"metric": "INP", "min_samples": 50}, "vitals").for_notebook()["min_samples"] == 50
    with pytest.raises(ParameterError, match=r"min_samples is 0, which cannot be used \(input should be greater"):
        check({"min_samples": 0}, "vitals")
    with pytest.raises(ParameterError, match="no parameter metric; there are: source, start"):
        check({"metric": "INP"}, "incident")
