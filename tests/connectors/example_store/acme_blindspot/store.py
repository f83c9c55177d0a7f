"""Acme Errors as a source: `acme+https://errors.acme.example/shop`, its token in BLINDSPOT_ACME_TOKEN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
import polars as pl

from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Refused, Window


class Error(msgspec.Struct):
    """An error as Acme gives it; `stack` has file, line and column, the throwing frame first."""

    id: str
    kind: str
    text: str
    stack: list[tuple[str, int, int]]
    time: str | None = None


class Page(msgspec.Struct):
    errors: list[Error]
    next: str | None  # the cursor of the next page


class AcmeStore(RemoteStore):
    """Errors of one project, page by page, each with its stack."""

    system = "acme"
    form = "project"
    feeds: Mapping[str, tuple[str, ...]] = {"errors": ("events", "frames")}
    lateness = timedelta(minutes=5)

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the errors of a window."""
        path, cursor = f"api/projects/{self.where.parts['project']}/errors", ""
        while cursor is not None:
            page = self.http.get(path, {"from": window.start, "to": window.end, "cursor": cursor}).json(Page)
            yield batch_of(page.errors)
            cursor = page.next

    def check(self) -> Check:
        """Ask for the project itself."""
        project = self.http.get(f"api/projects/{self.where.parts['project']}").json()
        return Check(True, project["name"], datetime.fromisoformat(project["oldest"]), "one call a 100 errors")


def batch_of(errors: list[Error]) -> Batch:
    """Give the errors of a page as canonical rows; the tables' columns stand in `connectors.tables`."""
    good = [e for e in errors if e.time]
    events = [{"event_id": e.id, "at": e.time, "type": e.kind, "message": e.text} for e in good]
    names = ("event_id", "exception_index", "frame_index", "url", "line", "column")
    frames = [dict(zip(names, (e.id, 0, i, *place), strict=True)) for e in good for i, place in enumerate(e.stack)]
    refused = tuple(Refused(f"error {e.id}", "it has no time") for e in errors if not e.time)
    return Batch({"events": pl.DataFrame(events), "frames": pl.DataFrame(frames)}, refused)
