"""A tracker alone, whose events name no session: its bugs are bugs all the same, and nothing is a share of nobody."""

from __future__ import annotations

import polars as pl
import pytest

import workbench as wb
from connectors.registry import open_store
from connectors.stores import Window
from connectors.warehouse import Warehouse
from workbench.panels.incident.findings import headline_view


@pytest.fixture(scope="module")
def case():
    sample = open_store("sample-data")
    tables = {"events": sample.events(Window()), "frames": sample.frames(Window())}
    given = {name: fetched.frame.collect() for name, fetched in tables.items()}
    given["events"] = given["events"].with_columns(session_id=pl.lit(None, dtype=pl.String))
    store = Warehouse(given)
    store.first_party = ("shop.localhost",)
    return wb.open_case(store)


def test_bugs_of_unknown_sessions_count(case):
    assert case.bugs["sessions"].sum() == 0
    assert case.hitting.height == case.bugs.height > 0
    assert dict(case.funnel.iter_rows())["bugs that hit users"] == case.bugs.height


def test_the_headline_counts_errors(case):
    said = headline_view(case)
    assert "broke in 100 errors after release bd8d951" in said.title
    assert "16 errors" in said.sub
    assert said.kpis[0].value == "–"
    assert "not known" in said.kpis[0].label
