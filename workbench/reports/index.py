"""The index of past reports: one page beside them, newest first."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.panels.assets import style_sheet
from workbench.panels.markup import Column, Markup, table, tag

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_OURS = '<meta name="generator" content="Blindspot">'
INDEX = "index.html"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Past:
    """A report that lies in a folder."""

    file: Path
    title: str
    made_at: datetime
    bytes: int


def past_reports(folder: Path) -> list[Past]:
    """List a folder's reports, newest first; other HTML files are none of ours."""
    found = []
    for file in folder.glob("*.html"):
        with file.open(encoding="utf-8", errors="replace") as opened:
            head = opened.read(16_384)
        title = _TITLE.search(head)
        if _OURS in head and title:
            stat = file.stat()
            made_at = datetime.fromtimestamp(stat.st_mtime, UTC)
            found.append(Past(file, html.unescape(title[1]), made_at, stat.st_size))
    return sorted(found, key=lambda report: (report.made_at, report.file.name), reverse=True)


def write_index(folder: Path) -> Path:
    """Write `index.html` over the reports of a folder and return its path."""
    rows = [
        [
            tag("a", report.title, href=report.file.name),
            f"{report.made_at:%Y-%m-%d %H:%M} UTC",
            f"{report.bytes / 1e6:.1f} MB",
        ]
        for report in past_reports(folder)
    ]
    page = Markup("<!doctype html>") + tag(
        "html",
        tag("head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("title", "Reports"), tag("style", Markup(style_sheet()))),
        tag("body", tag("main", tag("div", tag("h1", "Reports"),
            table(["Finding", "Made", Column("Size", number=True)], rows), cls="bs")), cls="bs-report"),
        lang="en",
    )  # fmt: skip
    (folder / INDEX).write_text(page, encoding="utf-8")
    return folder / INDEX
