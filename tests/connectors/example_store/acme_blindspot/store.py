"""Acme Errors as a source: `acme+https://errors.acme.example/shop`, its token in BLINDSPOT_ACME_TOKEN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Refused, Window


class AcmeStore(RemoteStore):
    """Errors of one project, page by page, each with its stack."""

    system = "acme"
    form = "project"
    feeds: Mapping[str, tuple[str, ...]] = {"errors": ("events", "frames")}
    lateness = timedelta(minutes=5)

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the errors of a window."""
        asked = {"from": _said(window.start), "to": _said(window.end), "cursor": ""}
        while asked["cursor"] is not None:
            page = self._get("errors", asked)
            yield _batch(page["errors"], f"errors at cursor {asked['cursor']!r}")
            asked["cursor"] = page["next"]

    def check(self) -> Check:
        """Ask for the project itself."""
        project = self._get("", {})
        since = datetime.fromisoformat(project["oldest"])
        return Check(True, f"project {project['name']}", since, "one call a 100 errors")

    def _get(self, what: str, asked: Mapping[str, Any]) -> Any:
        return self.http.get(f"api/projects/{self.where.parts['project']}/{what}", asked).json()


def _said(time: datetime | None) -> str | None:
    return time and time.astimezone(UTC).isoformat()


def _batch(errors: list[dict[str, Any]], place: str) -> Batch:
    good = [error for error in errors if error.get("id") and error.get("time")]
    refused = [Refused(place, f"no id or no time: {error}") for error in errors if error not in good]
    events = [
        {"event_id": e["id"], "at": e["time"], "type": e["kind"], "message": e["text"], "source": "acme"} for e in good
    ]
    frames = [
        {"event_id": e["id"], "exception_index": 0, "frame_index": index, "url": file, "line": line, "column": column}
        for e in good
        for index, (file, line, column) in enumerate(e["stack"])
    ]
    return Batch({"events": pl.DataFrame(events), "frames": pl.DataFrame(frames)}, tuple(refused))
