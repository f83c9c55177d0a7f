"""What a chart draws, read from its specification."""

from __future__ import annotations

from typing import Any

import altair as alt


def rows(chart: alt.LayerChart | str, mark: str) -> list[dict[str, Any]]:
    """The data of every layer of one kind of mark."""
    assert not isinstance(chart, str), chart
    spec = chart.to_dict()
    found = []
    for layer in spec["layer"]:
        if layer["mark"]["type"] == mark:
            data = layer.get("data", spec.get("data", {}))
            found += data["values"] if "values" in data else spec["datasets"][data["name"]]
    return found


def rects(chart: alt.LayerChart | str) -> list[dict[str, Any]]:
    """Its rectangles."""
    return rows(chart, "rect")


def words(chart: alt.LayerChart | str) -> list[str]:
    """Its texts, each once."""
    return list(dict.fromkeys(row["text"] for row in rows(chart, "text")))
