"""A Lighthouse CI server's builds and runs as lab runs: the result of each run is a JSON text of its own.

Source of the form: github.com/GoogleChrome/lighthouse-ci, types/server.d.ts and docs/server.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.formats.lighthouse import Run, read_result
from connectors.formats.rows import Rows
from connectors.formats.values import as_micros, as_text, shown


class Project(msgspec.Struct):
    """A project as the server lists it."""

    id: str
    slug: str | None = None
    name: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called in an address."""
        return tuple(filter(None, (self.slug, self.name, self.id)))


class Build(msgspec.Struct):
    """What one run of CI uploaded: the commit that was measured, and when."""

    id: str
    hash: Any = None
    branch: Any = None
    createdAt: Any = None

    @property
    def created_us(self) -> int | None:
        """When it was uploaded, in microseconds since 1970; its runs were measured before."""
        return as_micros(self.createdAt)


class BuildRun(msgspec.Struct):
    """One measurement of a build; `lhr` is Lighthouse's result as text."""

    id: str
    lhr: Any = None


def read_runs(runs: Sequence[BuildRun], build: Build, rows: Rows) -> None:
    """Read the runs of one build into `rows`: the commit is the release.

    Examples
    --------
    >>> from connectors.formats.lighthouse import lab_rows
    >>> rows = lab_rows()
    >>> lhr = '{"fetchTime":"2026-03-02T09:00:00Z","audits":{"speed-index":{"score":1,"numericValue":900}}}'
    >>> read_runs([BuildRun("r1", lhr), BuildRun("r2", None)], Build("b1", "a1b2c3d", "main"), rows)
    >>> rows.frame().select("run_id", "release", "branch", "value").rows(), rows.refused
    ([('r1', 'a1b2c3d', 'main', 900.0)], [Refused(place='build b1, run r2', reason='the result is None, not a text')])
    """
    for run in runs:
        place = f"build {build.id}, run {run.id}"
        if not isinstance(run.lhr, str):
            rows.refuse(place, f"the result is {shown(run.lhr)}, not a text")
            continue
        read_result(run.lhr.encode(), place, rows, Run(run.id, as_text(build.hash), as_text(build.branch)))
