"""What a report can be asked for, checked before anything runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors.exceptions import ParameterError

_CREDENTIALS = re.compile(r"//[^/@\s]+@")


class WindowParameters(BaseModel):
    """The parameters that every report has: those of its notebook's cell tagged `parameters`.

    Attributes
    ----------
    source
        An address or a folder, as `open_store` takes it.
    start, end
        The window, ISO 8601; without a zone UTC; open where not given.
    release, environment, project
        Only events of these; all where not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = "sample-data"
    start: datetime | None = None
    end: datetime | None = None
    release: str | None = None
    environment: str | None = None
    project: str | None = None

    @field_validator("source")
    @classmethod
    def _no_secret(cls, source: str) -> str:
        if not source:
            raise ValueError("is empty; give an address or a folder")
        if _CREDENTIALS.search(source):
            raise ValueError("holds credentials; put them into the environment, an address is printed in the report")
        return source

    @field_validator("start", "end")
    @classmethod
    def _utc(cls, at: datetime | None) -> datetime | None:
        if at is None:
            return None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

    @model_validator(mode="after")
    def _in_order(self) -> WindowParameters:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start ({self.start:%Y-%m-%d %H:%M}) is not before end ({self.end:%Y-%m-%d %H:%M})")
        return self

    def for_notebook(self) -> dict[str, Any]:
        """Give the parameters as papermill injects them: text and None; what was not given is left to the notebook."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in self.model_dump(exclude_none=True).items()
        }


class IncidentParameters(WindowParameters):
    """The parameters of `notebooks/incident.ipynb`."""


class GroupingParameters(WindowParameters):
    """The parameters of `notebooks/grouping_lab.ipynb`.

    Attributes
    ----------
    rules, labels, known_noise
        Paths: the file of rules in force, of labels, of the team's known noise.
    """

    rules: str | None = None
    labels: str | None = None
    known_noise: str | None = None


class VitalsParameters(WindowParameters):
    """The parameters of `notebooks/vitals.ipynb`.

    Attributes
    ----------
    metric
        The vital to look at closely; the one most in need of a look when not given.
    device, route, region, browser, connection
        Only page views of these; device "mixed" puts all into one number.
    before, after
        What is compared: releases, or windows as 2026-03-02/2026-03-09.
    min_samples
        Fewest page views of a group that get a percentile.
    """

    metric: str | None = None
    device: str | None = None
    route: str | None = None
    region: str | None = None
    browser: str | None = None
    connection: str | None = None
    before: str | None = None
    after: str | None = None
    min_samples: int = Field(30, ge=1)


class SourceMapsParameters(WindowParameters):
    """The parameters of `notebooks/source_maps.ipynb`.

    Attributes
    ----------
    site
        A site that is asked whether it gives source maps away.
    maps
        A store of source maps that turned up since: its address, or a path.
    """

    site: str | None = None
    maps: str | None = None

    @field_validator("site", "maps")
    @classmethod
    def _no_secret_there(cls, address: str | None) -> str | None:
        return address if address is None else cls._no_secret(address)


MODELS: dict[str, type[WindowParameters]] = {
    "incident": IncidentParameters,
    "vitals": VitalsParameters,
    "source_maps": SourceMapsParameters,
    "grouping_lab": GroupingParameters,
}
"""What each notebook can be asked for, by its name; one that is not listed has the parameters of a window."""


def check(given: dict[str, Any], report: str = "incident") -> WindowParameters:
    """Check a report's parameters, or say in one sentence what is wrong with the first of them.

    Raises
    ------
    ParameterError
        Unknown (the message lists the right ones), of the wrong type, or contradicting each other.

    Examples
    --------
    >>> check({"source": "sample-data", "start": "2026-03-09T14:00"}).for_notebook()
    {'source': 'sample-data', 'start': '2026-03-09T14:00:00+00:00'}
    >>> check({"sorce": "sample-data"})
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: no parameter sorce; there are: source, start, end, release, environment, project
    >>> check({"start": "yesterday"})
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: start is 'yesterday', which is not a time; give ISO 8601, as 2026-03-09T14:00
    """  # noqa: E501
    model = MODELS.get(report, WindowParameters)
    names = list(model.model_fields)
    unknown = [name for name in given if name not in names]
    if unknown:
        noun = "parameter" if len(unknown) == 1 else "parameters"
        raise ParameterError(f"no {noun} {', '.join(unknown)}; there are: {', '.join(names)}")
    try:
        return model(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if not name:
            raise ParameterError(said) from None
        if first["type"] == "value_error":
            raise ParameterError(f"{name} {said}") from None
        if first["type"].startswith("datetime"):
            wanted = "which is not a time; give ISO 8601, as 2026-03-09T14:00"
        elif first["type"] == "string_type":
            wanted = f"which is not text ({said.lower()})"
        else:
            wanted = f"which cannot be used ({said.lower()})"
        raise ParameterError(f"{name} is {first['input']!r}, {wanted}") from None
