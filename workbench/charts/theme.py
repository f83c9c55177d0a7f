"""One theme for every chart: a colour has one meaning everywhere, labels stand where things are, nothing is boxed in.

Blue is normal, before, not hit; red is hit, after, failing; amber is partial or doubtful; green is only the good band
of a threshold; grey is noise and context. Blue and red differ in lightness too, so that they stay apart for every kind
of colour vision, and where both stand side by side a label says which is which.

`panels/style.css` maps each of these literal colours to its dark counterpart, so a chart needs no second drawing in a
dark lab.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import altair as alt

FONT = 'system-ui, "Segoe UI", Roboto, sans-serif'
WIDTH = 928  # px: the report's column


@dataclass(frozen=True)
class Palette:
    """The colours by meaning; no chart uses any other.

    Examples
    --------
    >>> LIGHT.hit
    '#c2362b'
    >>> set(LIGHT.names()) == set(DARK.names())
    True
    """

    ink: str
    soft: str
    line: str
    paper: str
    normal: str
    before: str
    hit: str
    hit_pale: str
    partial: str
    noise: str
    noise_pale: str
    band_good: str
    band_needs: str
    band_poor: str

    def names(self) -> tuple[str, ...]:
        """Name the meanings."""
        return tuple(asdict(self))


LIGHT = Palette(
    ink="#1b1f24",
    soft="#5b6470",
    line="#e3e6ea",
    paper="#ffffff",
    normal="#4a73bd",
    before="#8aa1c4",
    hit="#c2362b",
    hit_pale="#e2a49e",
    partial="#b7791f",
    noise="#a9b0b8",
    noise_pale="#d7dce2",
    band_good="#e3f1e8",
    band_needs="#fbf1da",
    band_poor="#fae5e2",
)

DARK = Palette(
    ink="#e8eaed",
    soft="#a3abb5",
    line="#3a4048",
    paper="#1b1e22",
    normal="#8fb0ea",
    before="#64799c",
    hit="#f0776b",
    hit_pale="#8a4a45",
    partial="#d9a24a",
    noise="#7b838c",
    noise_pale="#444b54",
    band_good="#20372a",
    band_needs="#3b3320",
    band_poor="#422523",
)


def config(palette: Palette = LIGHT) -> dict[str, object]:
    """Give the Vega-Lite `config` of every chart.

    Examples
    --------
    >>> config()["view"]
    {'stroke': None}
    """
    text = {"labelFont": FONT, "titleFont": FONT, "labelColor": palette.soft, "titleColor": palette.soft}
    return {
        "background": "transparent",
        "font": FONT,
        "padding": 0,
        "aria": False,
        "mark": {"aria": False},  # a chart is one picture to a screen reader, described as a whole
        "view": {"stroke": None},
        "axis": {
            **text,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "labelLimit": 0,
            "domainColor": palette.line,
            "tickColor": palette.line,
            "gridColor": palette.line,
            "grid": False,
        },
        "legend": {"disable": True},
        "text": {"font": FONT, "fontSize": 12, "fill": palette.ink},
        "bar": {"fill": palette.normal},
        "line": {"stroke": palette.normal, "strokeWidth": 1.6},
        "point": {"fill": palette.normal, "filled": True},
        "rule": {"stroke": palette.soft},
        "area": {"fill": palette.normal},
    }


@alt.theme.register("blindspot", enable=False)
def blindspot() -> alt.theme.ThemeConfig:
    """Return the theme for charts that a person makes in a notebook of her own."""
    return alt.theme.ThemeConfig({"config": config()})


def enable() -> None:
    """Use the theme for every chart that is shown from here on."""
    alt.theme.enable("blindspot")
