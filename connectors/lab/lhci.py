"""A Lighthouse CI server: `lhci+https://lhci.example.com/project` (its slug, its name or its id).

The server lists its newest builds up to a limit and knows no next page, so the limit grows until the list reaches
behind the window. Reading wants no token; where the server stands behind HTTP Basic authentication, the secret is
`user:password`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

from connectors.exceptions import SourceNotFound
from connectors.formats.lhci import Build, BuildRun, Project, read_runs
from connectors.formats.lighthouse import lab_rows
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.secrets import secret_of
from connectors.stores import Window

FIRST_LIMIT, GROWS = 100, 4
# The server's own name where Basic authentication has only a password (lighthouse-ci, utils/src/api-client.js)
USER = "lhci"
# Between the measurement and the upload of a build lies a job of CI.
UPLOADED_WITHIN = timedelta(days=1)


class LhciStore(RemoteStore):
    """The lab runs of one project.

    Examples
    --------
    >>> LhciStore("lhci+https://lhci.example.com/shop")
    LhciStore('lhci+https://lhci.example.com/shop')
    """

    system = "lhci"
    form = "project"
    feeds: ClassVar = {"lab_runs": ("lab_runs",)}
    lateness = UPLOADED_WITHIN

    def connect(self, where: Address) -> Http:
        """Make the client: Basic authentication where there is a secret, else none."""
        secret = secret_of(self.system, where.host)
        if secret is None:
            return Http(where.base_url, source=self.system)
        return Http(where.base_url, source=self.system, secret_headers={"authorization": secret.as_basic(USER)})

    @cached_property
    def project(self) -> Project:
        """The project of the address.

        Raises
        ------
        SourceNotFound
            The server has no such project; names those it has.
        """
        asked = self.where.parts["project"]
        projects = self.http.get("v1/projects").json(list[Project])
        for project in projects:
            if asked in project.names:
                return project
        there = ", ".join(sorted(project.slug or project.id for project in projects)[:10]) or "none"
        raise SourceNotFound(f"{self.where.host} has no project {asked!r}; there are: {there}")

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the runs of the builds that were uploaded since the window's start; each says when it was measured."""
        for build in self._builds(window.start):
            rows = lab_rows()
            path = f"v1/projects/{quote(self.project.id, safe='')}/builds/{quote(build.id, safe='')}/runs"
            read_runs(self.http.get(path).json(list[BuildRun]), build, rows)
            yield page_of([rows], self.user_key)

    def check(self) -> Check:
        """Find the project, and look at its newest build."""
        newest = self._list(1)
        if not newest:
            return Check(False, f"the project {self.project.slug or self.project.id} has no builds yet")
        created = newest[0].created_us
        when = f" of {datetime.fromtimestamp(created / 1e6, UTC):%Y-%m-%d %H:%M} UTC" if created is not None else ""
        says = f"the newest build{when} can be read"
        return Check(True, says, None, "one call a build that was uploaded since the window's start")

    def _builds(self, since: datetime | None) -> Iterator[Build]:
        """Give builds, the newest first, until one was uploaded before `since`: its runs are older still."""
        seen: set[str] = set()
        limit = FIRST_LIMIT
        while True:
            listed = self._list(limit)
            for build in listed:
                created = build.created_us
                if since is not None and created is not None and created < since.timestamp() * 1e6:
                    return
                if build.id not in seen:
                    seen.add(build.id)
                    yield build
            if len(listed) < limit:
                return
            limit *= GROWS

    def _list(self, limit: int) -> list[Build]:
        path = f"v1/projects/{quote(self.project.id, safe='')}/builds"
        return self.http.get(path, {"limit": limit}).json(list[Build])
