from __future__ import annotations

import base64
import gzip
import hashlib
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.panels import views
from tests.panels.gallery import gallery
from tests.panels.test_markup import Read
from workbench import panels
from workbench.reports.exporter import ReportExporter

POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')


def page_of(*cells: object) -> str:
    return ReportExporter(footer="made by a test").from_notebook_node(new_notebook(cells=list(cells)))[0]


def shown(html: str) -> object:
    return new_code_cell("secret_source_code()", outputs=[new_output("display_data", {"text/html": html})])


def sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.fixture(scope="module")
def report() -> str:
    return gallery()


def test_the_policy_lets_nothing_out_and_runs_two_scripts_by_their_hash(report: str) -> None:
    policy = dict(part.split(" ", 1) for part in POLICY.search(report)[1].replace("&#39;", "'").split("; "))
    assert policy["default-src"] == "'none'"
    assert not set(" ".join(policy.values()).split()) & {"http:", "https:", "*", "'self'"}
    assert "connect-src" not in policy
    own = re.findall(r"<script>(.*?)</script>", report, re.DOTALL)
    frame = gzip.decompress(base64.b64decode(re.search(r'id="bs-frame">([^<]+)<', report)[1])).decode()
    players = re.findall(r"<script>(.*?)</script>", frame, re.DOTALL)
    assert len(own) == len(players) == 1
    assert set(policy["script-src"].split()) == {sha256(own[0]), sha256(players[0]), "blob:", "'unsafe-eval'"}


def test_shared_parts_are_in_the_page_once_however_many_panels_use_them() -> None:
    card = str(panels.Bug(views.bug_view()).html())
    one, two = page_of(shown(card)), page_of(shown(card), shown(card))
    for island in ('id="bs-vega"', 'id="bs-frame"'):
        assert one.count(island) == two.count(island) == 1
    assert len(two) - len(one) < 60_000


def test_what_is_not_needed_is_not_in_the_page() -> None:
    page = page_of(shown(str(panels.Headline(views.HEADLINE).html())))
    assert "bs-vega" not in page
    assert "<script" not in page
    assert len(page) < 30_000


def test_code_parameters_and_notes_for_the_lab_are_hidden() -> None:
    hidden = new_code_cell("x", outputs=[new_output("stream", name="stdout", text="hidden output")])
    hidden.metadata["tags"] = ["injected-parameters"]
    note = new_markdown_cell("# For the lab only")
    note.metadata["tags"] = ["lab"]
    page = page_of(hidden, note, new_markdown_cell("## A section"), shown("<p>x</p>"))
    assert "hidden output" not in page
    assert "For the lab only" not in page
    assert "secret_source_code" not in page
    assert Read(page).elements.count("h2") == 1


def test_the_title_is_the_finding(report: str) -> None:
    assert f"<title>{views.HEADLINE.title}</title>" in report


def test_printed_text_is_escaped_and_warnings_stay_in_the_notebook() -> None:
    printed = new_output("stream", name="stdout", text="<img src=x>")
    warned = new_output("stream", name="stderr", text="a warning")
    page = page_of(new_code_cell("print()", outputs=[printed, warned]))
    assert "&lt;img src=x&gt;" in page
    assert "a warning" not in page


def test_a_bare_chart_of_a_notebook_becomes_a_picture() -> None:
    spec = {"mark": "bar", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a", "type": "quantitative"}}}
    output = new_output("display_data", {"application/vnd.vegalite.v6+json": spec, "text/plain": "<Chart>"})
    page = page_of(new_code_cell("chart", outputs=[output]))
    assert '<div class="bs-chart-still"><svg' in page
    assert "&lt;Chart&gt;" not in page


def test_the_page_is_given_as_it_was_written(report: str) -> None:
    """nbconvert's own exporter parses and rewrites the page, which would change what the hashes are of."""
    assert report.startswith('<!doctype html>\n<html lang="en">')
    assert "made by a test" not in report
