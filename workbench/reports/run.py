"""Make a report: check its parameters, run its notebook, write the executed notebook and one HTML file beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Thread
from typing import TYPE_CHECKING, Any

import connectors.exceptions
from connectors.exceptions import BlindspotError, ParameterError, SourceNotFound
from workbench.panels.assets import built, packed
from workbench.panels.mode import STATIC, import_schemas_quickly
from workbench.reports import parameters
from workbench.reports.index import write_index

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

_OUTAGES = re.compile(r'<(?:p|div) class="bs-partial" data-outages="(\d+)">')
NOTEBOOKS = ("notebooks", "workbench/notebooks")


class ReportFailed(BlindspotError):
    """A report's notebook stopped; what it had got to is kept, and the message says where."""


@dataclass(frozen=True)
class Made:
    """A report that was made; `outages` is how many fetches it says failed or broke off."""

    html: Path
    notebook: Path
    title: str
    seconds: float
    bytes: int
    outages: int = 0


def run_report(name: str, given: dict[str, Any], out: Path | str | None = None, *, progress: bool = True) -> Made:
    """Make a report.

    Parameters
    ----------
    name
        Of the notebook without its ending ("incident"), or a path to one.
    given
        Its parameters.
    out
        The HTML file; the executed notebook lies beside it. `reports/<name>-<day>-<time>.html` when not given.
    progress
        Show papermill's progress bar.

    Raises
    ------
    ParameterError
        A parameter is unknown or not of its type, or nothing can be written to the report's folder; nothing was run.
    SourceNotFound
        There is no such notebook.
    BlindspotError
        Whatever the notebook raised on purpose, as its own class.
    ReportFailed
        The notebook stopped for another reason. The partial notebook is kept.
    """
    notebook = find_notebook(name)
    checked = parameters.check(given, notebook.stem)
    began = datetime.now(UTC)
    html = _place(out, f"{notebook.stem}-{began:%Y-%m-%d-%H%M%S}", notebook.stem)
    built("report.js")  # a missing player is said now, not after the notebook ran
    executed = html.with_suffix(".ipynb")
    warm = Thread(target=packed, args=("vega",), daemon=True)
    warm.start()
    nb = execute(notebook, executed, checked.for_notebook(), progress=progress)
    warm.join()
    from workbench.reports.exporter import ReportExporter

    footer = f"Made by Blindspot {version('blindspot-workbench')} on {began:%Y-%m-%d %H:%M} UTC from {notebook.name}."
    page, resources = ReportExporter(footer=footer).from_notebook_node(nb)
    html.write_text(page, encoding="utf-8")
    write_index(html.parent)
    took = (datetime.now(UTC) - began).total_seconds()
    outages = max(map(int, _OUTAGES.findall(page)), default=0)
    return Made(html, executed, resources["blindspot"]["title"], took, html.stat().st_size, outages)


def _place(out: Path | str | None, dated: str, plain: str) -> Path:
    """Say where the HTML file goes; that nothing can be written there is said now, not after the notebook ran."""
    html = Path("reports") / f"{dated}.html" if out is None else Path(out)
    html = html if html.suffix.lower() in (".html", ".htm") else html / f"{plain}.html"
    try:
        html.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=html.parent):
            return html
    except OSError as error:
        raise ParameterError(
            f"the report cannot be written to {html.parent} ({error.strerror}); give a folder that can be written to"
        ) from None


def find_notebook(name: str) -> Path:
    """Find a report's notebook: a path, or a name in the working folder's or the checkout's `notebooks`.

    Raises
    ------
    SourceNotFound
        There is none; the message lists those there are.

    Examples
    --------
    >>> find_notebook("no-such-report")
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceNotFound: no report no-such-report; there are: ...
    """
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path
    folders = [root / sub for root in (Path.cwd(), Path(__file__).parents[2]) for sub in NOTEBOOKS]
    for folder in folders:
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    there = sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.ipynb")})
    raise SourceNotFound(f"no report {name}; there are: {', '.join(there) or 'none'}")


def execute(notebook: Path, executed: Path, given: dict[str, Any], *, progress: bool = True) -> NotebookNode:
    """Run a notebook in static mode and keep it, whole or partial, at `executed`, without paths of this machine."""
    import_schemas_quickly()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    with static_mode(), TemporaryDirectory(prefix="blindspot-") as sockets:
        try:
            papermill.execute_notebook(
                str(notebook), str(executed), parameters=given, progress_bar=progress, config=_kernel(sockets)
            )
        except PapermillExecutionError as error:
            _tidy(executed, notebook)
            raise _as_ours(error, executed) from None
    return _tidy(executed, notebook)


@contextmanager
def static_mode() -> Iterator[None]:
    """Tell panels, in this process and its kernels, that a report is being made."""
    before = os.environ.get(STATIC)
    os.environ[STATIC] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[STATIC]
        else:
            os.environ[STATIC] = before


def _kernel(sockets: str) -> Config:
    """Speak to the kernel over sockets in a folder of its own, not over TCP ports that others could join.

    Left to itself Jupyter puts them into the working folder, where two reports made at a time take each other's.
    """
    from traitlets.config import Config

    return Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}} if os.name == "posix" else {})


def _tidy(executed: Path, notebook: Path) -> NotebookNode:
    import nbformat

    nb = nbformat.read(executed, as_version=4)
    if "papermill" in nb.metadata:
        nb.metadata.papermill["input_path"] = notebook.name
        nb.metadata.papermill["output_path"] = executed.name
    nbformat.write(nb, executed)
    return nb


def _as_ours(error: Any, executed: Path) -> BlindspotError:
    """Say what the notebook said: its own error if it was raised on purpose, else where it stopped."""
    kind = getattr(connectors.exceptions, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, BlindspotError):
        return kind(error.evalue)
    said = str(error.evalue).strip().splitlines()
    return ReportFailed(
        f"the notebook stopped in cell {error.exec_count}: {error.ename}: {said[0] if said else ''};"
        f" as far as it got it is kept in {executed}"
    )
