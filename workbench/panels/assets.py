"""What the panels need beside their HTML: the style sheet, the built scripts, the player's page, the Vega bundle."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import vl_convert

from connectors.exceptions import MissingExtra

HERE = Path(__file__).parent
BUILT = HERE / "static"
VEGA_LITE = "6.4"


@cache
def style_sheet() -> str:
    """Return the one style sheet of panels and reports."""
    return (HERE / "style.css").read_text(encoding="utf-8")


@cache
def built(name: str) -> str:
    """Return a file that the package build made of `panels/player/`.

    Raises
    ------
    MissingExtra
        It was not built; the message says how to.

    Examples
    --------
    >>> built("frame.html").startswith("<!doctype html>")
    True
    """
    file = BUILT / name
    if not file.is_file():
        raise MissingExtra(
            f"the replay player is not built ({name} is missing): run "
            "`uv sync --reinstall-package blindspot-workbench`, or `pip install -e .` again"
        )
    return file.read_text(encoding="utf-8")


@cache
def packed(name: str) -> bytes:
    """Return a shared part gzipped: `player` (the player's page) or `vega` (Vega, Vega-Lite and Vega-Embed)."""
    text = vl_convert.javascript_bundle(vl_version=VEGA_LITE) if name == "vega" else built("frame.html")
    return gzip.compress(text.encode(), 9, mtime=0)
