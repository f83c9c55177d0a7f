"""The command as a person runs it: what it prints, where, and its exit code."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.reports.test_run import write_notebook
from workbench.cli import main
from workbench.cli.report import make


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from workbench.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_the_version_is_the_distributions() -> None:
    done = run("--version")
    assert done.stdout.strip() == version("blindspot-workbench")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "incident", "--start", "soon"], "start is 'soon', which is not a time"),
        (["report", "incident", "--sorce", "x"], "There are: --source, --start, --end, --release, --environment"),
        (["report", "incidnet"], 'Unknown command "incidnet". Did you mean "incident"?'),
        (["report", "incident", "--source", "//me:pw@host"], "source holds credentials"),
        (["report", "incident", "--end"], "--end requires an argument"),
        (
            ["report", "incident", "--start", "2026-03-09", "14:00"],
            "'14:00' belongs to no option; a value with a blank",
        ),
        (
            ["report", "incident", "--out", "/dev/null/here/report.html"],
            "the report cannot be written to /dev/null/here",
        ),
    ],
)
def test_what_it_cannot_use_is_one_line_on_stderr_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert said in printed.err
    assert printed.err.startswith("workbench: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["report", "incident", "--help"])
    assert stopped.value.code in (0, None)
    said = capsys.readouterr().out
    for option in ("--source", "--start", "--end", "--release", "--environment", "--project", "--out"):
        assert option in said


def test_a_missing_source_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    done = run("report", "incident", "--source", str(nowhere), "--out", str(tmp_path / "r.html"))
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("workbench: ")
    assert "nowhere" in last
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_source_that_was_down_is_told_and_fails_a_strict_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = write_notebook(
        tmp_path,
        "from workbench import panels",
        "panels.Headline(panels.HeadlineView('Found', 'x'))",
        "panels.Completeness(panels.CompletenessView(('Spans could not be read: down.', '5 % are unmapped.'), 1))",
    )
    assert make(str(notebook), {}, tmp_path / "r.html", strict=True) == 1
    printed = capsys.readouterr()
    assert "Partial evidence: 1 fetch failed or broke off" in printed.err
    assert printed.out.strip() == str(tmp_path / "r.html")
    assert "Spans could not be read: down." in (tmp_path / "r.html").read_text(encoding="utf-8")
