"""Deploys from Sentry: the releases of a project, and the deploys of those that were deployed in the window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.formats.releases import release_rows
from connectors.formats.sentry_releases import read_release, with_previous
from connectors.formats.values import as_micros
from connectors.http import Http
from connectors.paging import linked_pages
from connectors.remote import Batch
from connectors.stores import Window

LEAD = timedelta(days=90)
"""How much older than the window a release may be that is deployed in it; the list is newest first and read so far."""


def read_releases(http: Http, org: str, project: str, window: Window, *, deploys: bool = True) -> Iterator[Batch]:
    """Give the releases of a project with their deploys, as one small table.

    Parameters
    ----------
    deploys
        False for servers that keep releases and no deploys (GlitchTip).
    """
    rows = release_rows()
    calls = 0
    earliest = None if window.start is None else window.start - LEAD
    releases = f"api/0/organizations/{quote(org, safe='')}/releases/"
    for answer in linked_pages(http, releases, {"per_page": 100}):
        calls += 1
        listed = answer.json(list[dict[str, Any]])
        for number, release in enumerate(listed, 1):
            if not _is_of(release, project):
                continue
            found: list[Any] = []
            if deploys and release.get("deployCount"):
                version = quote(str(release.get("version")), safe="")
                for page in linked_pages(http, f"{releases}{version}/deploys/", {"per_page": 100}):
                    calls += 1
                    found += page.json(list[Any])
            read_release(release, found, f"releases page {calls} release {number}", rows)
        if earliest is not None and listed and all(_made(release) < earliest for release in listed):
            break
    note = None
    if earliest is not None:
        note = f"releases made more than {LEAD.days} days before the window were not looked for"
    yield Batch({"releases": with_previous(rows.frame())}, tuple(rows.refused), calls, note=note)


def _is_of(release: dict[str, Any], project: str) -> bool:
    projects = release.get("projects")
    if not isinstance(projects, list):
        return True
    names = {str(one.get(key)) for one in projects if isinstance(one, dict) for key in ("slug", "id")}
    return project in names


def _made(release: dict[str, Any]) -> datetime:
    micros = as_micros(release.get("dateCreated"))
    return datetime.max.replace(tzinfo=UTC) if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
