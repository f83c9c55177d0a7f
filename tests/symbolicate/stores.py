"""A source-map store that lives in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from connectors.exceptions import SourceNotFound
from connectors.stores import Fetched, FetchReport
from connectors.tables import ARTIFACTS, conform


class MemoryStore:
    """Satisfies `SourceMapStore`; counts how often each map is opened."""

    def __init__(self, maps: Mapping[str, bytes | None], artifacts: list[dict[str, Any]]) -> None:
        self.maps = maps
        rows = []
        for artifact in artifacts:
            raw = maps.get(artifact["map_location"])
            digest = hashlib.sha256(raw).hexdigest() if raw is not None else None
            rows.append({"sha256": digest, **artifact})
        self.rows = conform(pl.DataFrame(rows, infer_schema_length=None), ARTIFACTS) if rows else ARTIFACTS.empty()
        self.opened: list[str] = []

    def artifacts(self, release: str | None = None) -> Fetched:
        rows = self.rows if release is None else self.rows.filter(pl.col("release") == release)
        return Fetched(rows.lazy(), FetchReport("memory", "artifacts", f"release {release}", rows=rows.height))

    def open_map(self, map_location: str) -> bytes:
        self.opened.append(map_location)
        raw = self.maps.get(map_location)
        if raw is None:
            raise SourceNotFound(f"memory: no map at {map_location}")
        return raw


def map_bytes(**fields: Any) -> bytes:
    return json.dumps({"version": 3, "sources": [], "names": [], "mappings": "", **fields}).encode()


def frames(*rows: dict[str, Any]) -> pl.DataFrame:
    """Canonical frames from sparse rows; events are numbered, frames throw unless they say otherwise."""
    full = [
        {"event_id": f"e{i}", "exception_index": 0, "frame_index": 0, "url": None, "function": None, "line": None,
         "column": None, "in_app": None, "debug_id": None, "release": None, "dist": None, **row}
        for i, row in enumerate(rows)
    ]  # fmt: skip
    text, number = pl.String, pl.Int64
    return pl.DataFrame(
        full,
        schema_overrides={"url": text, "function": text, "line": number, "column": number, "in_app": pl.Boolean,
                          "debug_id": text, "release": text, "dist": text},
    )  # fmt: skip
