"""What every command that opens a case can be asked: a source, a window, and what of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class Asked:
    """A source and a window.

    Parameters
    ----------
    source
        Where the evidence is: "sample-data", a folder, a name in workbench.toml, or an address.
    start
        Only what happened from here on: ISO 8601, UTC unless it says otherwise.
    end
        Only what happened before.
    release
        Only this release.
    environment
        Only this environment.
    project
        Only this project.

    Examples
    --------
    >>> Asked(release="a1b2c3d").given()
    {'source': 'sample-data', 'release': 'a1b2c3d'}
    """

    source: str = "sample-data"
    start: str | None = None
    end: str | None = None
    release: str | None = None
    environment: str | None = None
    project: str | None = None

    def given(self) -> dict[str, Any]:
        """Give what was asked by name, without what was left open."""
        return {name: value for name, value in asdict(self).items() if value is not None}


EVERYTHING = Asked()
