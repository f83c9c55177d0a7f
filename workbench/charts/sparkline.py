"""A small line for a table cell: no axes, no words, the column's head says the span of time."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from workbench.charts.theme import LIGHT


def sparkline(values: Sequence[float], *, width: int = 110, height: int = 26, stroke: str = LIGHT.hit) -> str:
    """Draw counts over time as inline SVG.

    Parameters
    ----------
    values
        Counts of equal stretches of time, oldest first; at least one.
    width, height
        In px.
    stroke
        A colour of the theme.

    Examples
    --------
    >>> svg = sparkline([0, 0, 4], width=20, height=10)
    >>> svg[svg.index("d=") : svg.index("fill")]
    'd="M0 8.5L10 8.5L20 1.5" '
    """
    most = max([1.0, *values])
    step = width / max(1, len(values) - 1)
    points = (f"{i * step:.4g} {height - 1.5 - (height - 3) * value / most:.4g}" for i, value in enumerate(values))
    svg = ElementTree.Element(
        "svg",
        width=str(width),
        height=str(height),
        viewBox=f"0 0 {width} {height}",
        attrib={"class": "bs-spark", "aria-hidden": "true"},
    )
    ElementTree.SubElement(
        svg, "path", d="M" + "L".join(points), fill="none", stroke=stroke, attrib={"stroke-width": "1.6"}
    )
    return ElementTree.tostring(svg, encoding="unicode")
