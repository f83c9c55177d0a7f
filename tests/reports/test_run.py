"""Real notebooks in real kernels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from connectors.exceptions import ParameterError, SourceNotFound
from workbench.reports.index import past_reports
from workbench.reports.run import ReportFailed, find_notebook, run_report

ROOT = Path(__file__).parents[2]
PARAMETERS = "source = 'none'\nstart = None\nend = None\nrelease = None\nenvironment = None\nproject = None"


def write_notebook(folder: Path, *cells: str) -> Path:
    parameters = new_code_cell(PARAMETERS)
    parameters.metadata["tags"] = ["parameters"]
    nb = new_notebook(cells=[parameters, *(new_code_cell(cell) for cell in cells)])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, folder / "small.ipynb")
    return folder / "small.ipynb"


def test_a_report_is_one_html_file_and_its_notebook(tmp_path: Path) -> None:
    notebook = write_notebook(
        tmp_path,
        "from workbench import panels\npanels.Headline(panels.HeadlineView(f'Found in {source}', 'x'))",
    )
    made = run_report(str(notebook), {"source": "here"}, tmp_path / "out" / "r.html", progress=False)
    page = made.html.read_text(encoding="utf-8")
    assert made.title == "Found in here"
    assert "<h1>Found in here</h1>" in page
    assert made.bytes == made.html.stat().st_size
    executed = made.notebook.read_text(encoding="utf-8")
    assert made.notebook == tmp_path / "out" / "r.ipynb"
    assert str(tmp_path) not in executed
    assert json.loads(executed)["metadata"]["papermill"]["output_path"] == "r.ipynb"
    assert "BLINDSPOT_STATIC" not in os.environ
    assert [report.title for report in past_reports(tmp_path / "out")] == ["Found in here"]
    assert 'href="r.html"' in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_notebook_that_stops_is_kept_as_far_as_it_got(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path, "print('as far as here')", "{}['total']", "print('never')")
    with pytest.raises(ReportFailed) as raised:
        run_report(str(notebook), {}, tmp_path / "r.html", progress=False)
    kept = tmp_path / "r.ipynb"
    assert str(raised.value).endswith(f"KeyError: 'total'; as far as it got it is kept in {kept}")
    outputs = [output for cell in nbformat.read(kept, 4).cells for output in cell.get("outputs", ())]
    assert "as far as here" in outputs[0]["text"] if outputs[0]["output_type"] == "stream" else str(outputs)
    assert not (tmp_path / "r.html").exists()


def test_what_a_notebook_raises_on_purpose_comes_out_as_it_was_said(tmp_path: Path) -> None:
    notebook = write_notebook(
        tmp_path, "from connectors.exceptions import SourceNotFound\nraise SourceNotFound('nothing lies in there')"
    )
    with pytest.raises(SourceNotFound, match=r"^nothing lies in there$"):
        run_report(str(notebook), {}, tmp_path / "r.html", progress=False)


def test_parameters_are_checked_before_anything_runs(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path, "1")
    with pytest.raises(ParameterError, match="no parameter sorce"):
        run_report(str(notebook), {"sorce": "x"}, tmp_path / "r.html", progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["small.ipynb"]


def test_a_report_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(SourceNotFound, match=r"no report incidnet; there are: .*incident"):
        find_notebook("incidnet")


def test_reports_made_at_a_time_in_one_folder_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = write_notebook(tmp_path, "import os, time\ntime.sleep(1)\nos.listdir('.')")
    command = "import sys; from workbench.reports.run import run_report; run_report(*sys.argv[1:2], {}, sys.argv[2])"
    made = [
        subprocess.Popen(
            [sys.executable, "-c", command, str(notebook), f"{n}.html"], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        for n in range(2)
    ]
    assert [process.wait(120) for process in made] == [0, 0]
    listed = [
        nbformat.read(tmp_path / f"{n}.ipynb", as_version=4).cells[-1].outputs[0]["data"]["text/plain"]
        for n in range(2)
    ]
    assert "kernel-ipc" not in "".join(listed)
