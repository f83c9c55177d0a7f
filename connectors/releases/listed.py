"""Deploys that are known as one small list: a store that answers for them, and for nothing else."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import polars as pl

from connectors.answers import TableAnswers
from connectors.formats.sentry_releases import with_previous
from connectors.loaded import Loaded, lazily_in_window
from connectors.redaction import redact
from connectors.remote import Check
from connectors.stores import Fetched, Window
from connectors.tables import RELEASES, Table, conform


class ListedReleases(TableAnswers):
    """Base of stores that read all deploys there are, once, and answer windows from that.

    Attributes
    ----------
    name, address, environment, first_party
        As a case wants them; such a store knows no hosts.
    """

    environment: str | None = None
    first_party: tuple[str, ...] = ()

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = redact(address)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    @abstractmethod
    def load(self) -> Loaded:
        """Read all deploys there are."""

    @cached_property
    def _loaded(self) -> Loaded:
        loaded = self.load()
        return loaded.with_frame(with_previous(conform(loaded.frame, RELEASES)))

    def check(self) -> Check:
        """Read the list, and say what it holds."""
        frame = self._loaded.frame
        releases = frame["release"].n_unique()
        noun = "deploy" if frame.height == 1 else "deploys"
        says = f"{frame.height} {noun} of {releases} {'release' if releases == 1 else 'releases'}"
        return Check(True, says, frame["deployed_at"].min(), "all of it is read at once")

    def has(self, table_name: str) -> bool:
        """Say whether the store gives this table at all."""
        return table_name == RELEASES.name

    def scan(self, table: Table, window: Window | None = None) -> pl.LazyFrame:
        """Give the rows of a table that belong to a window (None: all)."""
        frame = (self._loaded.frame if table is RELEASES else table.empty()).lazy()
        return frame if window is None else lazily_in_window(frame, table, window)

    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        loaded = self._loaded if table is RELEASES else Loaded.nothing(table, f"{self.name} knows deploys only")
        rows = frame.collect()
        return loaded.fetched(table, source=self.name, query=query or window.describe(), window=window, frame=rows)
