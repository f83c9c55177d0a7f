"""An executed notebook as one HTML file: no network, no code, one style sheet, one player, one copy of Vega.

The file's content security policy lets it fetch nothing at all. Scripts run by their hash only: the page's own, and the
player's inside its `data:` frame (which inherits the policy). An injected script or event handler has no hash, so it
does not run even if escaping failed somewhere. `'unsafe-eval'` is there for Vega, which compiles its expressions.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import NotebookNode

from workbench.panels import embed
from workbench.panels.assets import built, packed, style_sheet

HIDDEN = {"parameters", "injected-parameters", "lab", "hide"}
TEMPLATE = Path(__file__).parent / "report.html.j2"
_H1 = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class ReportExporter(HTMLExporter):
    """Turn an executed notebook into the report's one file.

    Parameters
    ----------
    footer
        One line at the end: what made it, and when.
    """

    def __init__(self, *, footer: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.footer = footer
        self.exclude_anchor_links = True
        self.raw_template = TEMPLATE.read_text(encoding="utf-8")

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the report's HTML and nbconvert's resources."""
        shown = visible(nb)
        outputs = "".join(_html_of(shown))
        islands = _islands(outputs)
        resources = dict(resources or {})
        resources["blindspot"] = {
            "policy": policy(),
            "style": style_sheet(),
            "title": title_of(outputs),
            "generator": "Blindspot",
            "footer": self.footer,
            "islands": islands,
        }
        # not HTMLExporter's: it parses and rewrites the whole page, to give images an alternative text that ours have
        return TemplateExporter.from_notebook_node(self, shown, resources, **kw)


def policy() -> str:
    """Return the report's content security policy.

    Examples
    --------
    >>> policy().split("; ")[0]
    "default-src 'none'"
    >>> "unsafe-inline" in next(part for part in policy().split("; ") if part.startswith("script-src"))
    False
    """
    scripts = [built("report.js"), *_INLINE_SCRIPT.findall(built("frame.html"))]
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashes} blob: 'unsafe-eval'",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "font-src data:",
            "media-src data: blob:",
            "frame-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def visible(nb: NotebookNode) -> NotebookNode:
    """Leave out cells tagged as hidden, and turn bare Vega-Lite outputs into pictures that come alive."""
    shown = NotebookNode(nb)
    shown.cells = [cell for cell in nb.cells if not HIDDEN & set(cell.metadata.get("tags", ()))]
    shown.metadata = NotebookNode({key: value for key, value in nb.metadata.items() if key != "widgets"})
    for cell in shown.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            spec = next((data[name] for name in data if name.startswith("application/vnd.vegalite")), None)
            if spec is not None and "text/html" not in data:
                data["text/html"] = str(embed.spec_html(spec))
    return shown


def title_of(outputs: str) -> str:
    """Return the text of the first headline.

    Examples
    --------
    >>> title_of('<h1>One &lt; two <code>x</code></h1>')
    'One < two x'
    >>> title_of("")
    'Blindspot report'
    """
    found = _H1.search(outputs)
    return html.unescape(_TAG.sub("", found[1])).strip() if found else "Blindspot report"


def _html_of(nb: NotebookNode) -> list[str]:
    return [
        "".join(output["data"]["text/html"])
        for cell in nb.cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]


def _islands(outputs: str) -> str:
    """Return the shared parts that these outputs need, and the page's script."""
    parts = []
    if 'class="bs-chart"' in outputs:
        parts.append(_island("bs-vega", packed("vega")))
    if 'class="bs-replay"' in outputs:
        parts.append(_island("bs-frame", packed("player")))
    if parts:
        parts.append(f"<script>{built('report.js')}</script>")
    return "\n".join(parts)


def _island(name: str, content: bytes) -> str:
    return f'<script type="application/octet-stream" id="{name}">{base64.b64encode(content).decode()}</script>'


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
