"""`workbench rules diff` as a review in CI runs it: what it prints, where, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import run


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {
        "none": "# nothing yet\n",
        "all": "type:TypeError -> everything\n",
        "typo": "\ntype:TypeError -> a\n  typ:TypeError -> b\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.rules").write_text(text)
    return {name: str(tmp_path / f"{name}.rules") for name in texts}


def test_a_change_is_shown_and_is_exit_code_1(files: dict[str, str]) -> None:
    done = run("rules", "diff", files["none"], files["all"], "--source", "sample-data")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("1 merged")
    assert "by rule in line 1: type:TypeError -> everything" in done.stdout
    assert "TypeError: " in done.stdout


def test_no_change_is_exit_code_0_and_says_over_how_many_events(files: dict[str, str]) -> None:
    done = run("rules", "diff", files["all"], files["all"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("No change: all ")


def test_json_names_every_change(files: dict[str, str]) -> None:
    done = run("rules", "diff", files["all"], files["none"], "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["counts"] == {"split": 1}
    assert told["changes"][0]["n_old"] == 1
    assert len(told["changes"][0]["new"]) == told["changes"][0]["n_new"] > 1


@pytest.mark.parametrize(
    ("old", "new", "options", "said"),
    [
        ("none", "typo", [], "typo.rules:3:3: no matcher typ; there are: "),
        ("none", "gone", [], "there is no file"),
        ("none", "all", ["--source", "no-such-folder"], "'no-such-folder' is neither a folder"),
        ("none", "all", ["--start", "soon"], "'soon' is not a time"),
        ("none", "all", ["--top", "0"], "--top is 0; give 1 or more"),
    ],
)
def test_what_cannot_be_used_is_exit_code_2(files, old, new, options, said) -> None:
    done = run("rules", "diff", files[old], files.get(new, "gone.rules"), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_help_says_the_exit_codes() -> None:
    said = " ".join(run("rules", "diff", "--help").stdout.split())
    assert "0 nothing changes, 1 something does, 2 the rules or the source cannot be used" in said


def test_every_fault_of_both_files_is_named(files: dict[str, str], tmp_path: Path) -> None:
    more = tmp_path / "more.rules"
    more.write_text("type:x -> a\ntype:x\n\nfunction:y -> {{ b\n")
    done = run("rules", "diff", files["typo"], str(more))
    assert done.returncode == 2
    places = [line.split(".rules:")[1].split(": ")[0] for line in done.stderr.splitlines()]
    assert places == ["3:3", "2:7", "4:15"]
    assert done.stdout == ""


def test_known_noise_that_has_ended_is_said(files: dict[str, str], tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text("[[known]]\nid = 'old'\nauthor = 'lena'\nreason = 'x'\nexpires = 2026-01-01\npattern = 'amount'\n")
    done = run("rules", "diff", files["none"], files["none"], "--known-old", str(known))
    assert done.returncode == 0
    assert done.stderr.startswith("workbench: known noise old (lena) ended on 2026-01-01: ")
