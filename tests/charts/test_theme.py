"""The colours: each has one meaning, each has a dark counterpart, text can be read on the paper."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pytest

from tests.panels import views
from workbench.charts.contrast import contrast_chart
from workbench.charts.funnel import funnel_chart
from workbench.charts.rates import rates_chart
from workbench.charts.theme import DARK, LIGHT, Palette
from workbench.charts.timeline import timeline_chart
from workbench.charts.vitals import vitals_chart
from workbench.charts.waterfall import waterfall_chart

STYLE = (Path(__file__).parents[2] / "workbench/panels/style.css").read_text(encoding="utf-8")
HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def linear(colour: str) -> list[float]:
    """sRGB to linear light, IEC 61966-2-1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def as_seen(colour: str, matrix: list[list[float]]) -> list[float]:
    return [sum(weight * part for weight, part in zip(row, linear(colour), strict=True)) for row in matrix]


# Machado, Oliveira, Fernandes (2009), severity 1.0
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_words_can_be_read_on_the_paper(palette: Palette) -> None:
    """WCAG 2.2 AA asks for 4.5 of text, and 3 of graphics that carry meaning."""
    for name in ("ink", "soft", "hit"):
        assert contrast_ratio(getattr(palette, name), palette.paper) >= 4.5, name
    for name in ("normal", "partial"):
        assert contrast_ratio(getattr(palette, name), palette.paper) >= 3, name


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("matrix", [PROTANOPIA, DEUTERANOPIA])
def test_normal_hit_and_noise_stay_apart_for_the_colour_blind(palette: Palette, matrix: list[list[float]]) -> None:
    for one, other in combinations(("normal", "hit", "noise"), 2):
        seen = zip(as_seen(getattr(palette, one), matrix), as_seen(getattr(palette, other), matrix), strict=True)
        assert sum((a - b) ** 2 for a, b in seen) ** 0.5 > 0.1, (one, other)


def test_charts_use_no_colour_that_the_theme_does_not_have() -> None:
    charts = [
        funnel_chart(views.FUNNEL.stages, views.FUNNEL.noise),
        rates_chart(views.rates_view().rates, views.rates_view().marks),
        contrast_chart(views.contrast()),
        waterfall_chart(views.trace()),
        vitals_chart(views.VITALS.changes),
        timeline_chart(views.timeline()),
    ]
    used = {colour.lower() for chart in charts for colour in HEX.findall(json.dumps(chart.to_dict()))}
    assert used <= {colour.lower() for colour in asdict(LIGHT).values()}


def test_every_colour_of_a_chart_has_its_dark_counterpart_in_the_style_sheet() -> None:
    for name, colour in asdict(LIGHT).items():
        if name not in ("line", "paper"):  # drawn as strokes only
            assert f'[fill="{colour}" i]' in STYLE, name
    dark = STYLE[STYLE.index('[data-jp-theme-light="false"] .bs {') :].split("}")[0]
    for name, colour in asdict(DARK).items():
        assert f"--{name.replace('_', '-')}: {colour}" in dark, name
    light = STYLE[STYLE.index(".bs, .bs-report {") :].split("}")[0]
    for name, colour in asdict(LIGHT).items():
        assert f"--{name.replace('_', '-')}: {colour}" in light, name
