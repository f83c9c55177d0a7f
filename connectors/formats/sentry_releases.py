"""Releases and deploys as Sentry's REST interface tells them (docs.sentry.io/api/releases).

A release that was deployed has a row for each environment, dated by its first deploy there: a second deploy of the same
release changes nothing that users see. One that was never said to be deployed is dated by `dateReleased`, else by when
it was made.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from connectors.formats.rows import Rows
from connectors.formats.values import as_micros, as_text, shown

SHA = re.compile(r"[0-9a-f]{40}")


def read_release(release: Any, deploys: list[Any], place: str, rows: Rows) -> None:
    """Read one release with its deploys into `rows`.

    Examples
    --------
    >>> from connectors.formats.releases import release_rows
    >>> rows = release_rows()
    >>> deploys = [{"environment": "production", "dateFinished": "2026-03-09T14:20:00Z"}]
    >>> release = {"version": "shop@2.1", "ref": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb"}
    >>> read_release(release, deploys, "page 1", rows)
    >>> read_release({"version": "shop@2.2", "dateCreated": "2026-03-10T07:30:00Z"}, [], "page 1", rows)
    >>> rows.frame().select("release", "environment", pl.col("commit").str.head(4)).rows()
    [('shop@2.1', 'production', '6ba0'), ('shop@2.2', None, None)]
    """
    version = as_text(release.get("version")) if isinstance(release, dict) else None
    if version is None:
        return rows.refuse(place, f"{shown(release)} names no release")
    commit = commit_of(release)
    deployed: dict[str | None, int | None] = {}
    for number, deploy in enumerate(deploys, 1):
        if not isinstance(deploy, dict):
            rows.refuse(f"{place} deploy {number}", f"{shown(deploy)} is not a deploy")
            continue
        environment = as_text(deploy.get("environment"))
        at = as_micros(deploy.get("dateFinished")) or as_micros(deploy.get("dateStarted"))
        known = deployed.get(environment)
        deployed[environment] = at if known is None else known if at is None else min(known, at)
    if not deployed:
        deployed[None] = as_micros(release.get("dateReleased")) or as_micros(release.get("dateCreated"))
    for environment, at in deployed.items():
        rows.add((version, environment, at, None, commit))
    return None


def commit_of(release: dict[str, Any]) -> str | None:
    """Give the commit that a release was built from: its ref, its last commit, or its own name if that is a SHA.

    Examples
    --------
    >>> commit_of({"version": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb", "ref": None, "lastCommit": None})
    '6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb'
    """
    last = release.get("lastCommit")
    for candidate in (release.get("ref"), last.get("id") if isinstance(last, dict) else None, release.get("version")):
        if isinstance(candidate, str) and SHA.fullmatch(candidate):
            return candidate
    return None


def with_previous(releases: pl.DataFrame) -> pl.DataFrame:
    """Fill `previous_release` where nobody said it: the release deployed before, in the same environment.

    Examples
    --------
    >>> from connectors.tables import RELEASES, conform
    >>> deploys = {"release": ["b", "a"], "deployed_at": ["2026-03-09T14:20Z", "2026-03-02T09:00Z"]}
    >>> with_previous(conform(pl.DataFrame(deploys), RELEASES)).select("release", "previous_release").rows()
    [('a', None), ('b', 'a')]
    """
    ordered = releases.sort("deployed_at", "release", nulls_last=True)
    before = pl.when(pl.col("deployed_at").is_not_null()).then(pl.col("release").shift(1).over("environment"))
    return ordered.with_columns(pl.coalesce("previous_release", before).alias("previous_release"))
