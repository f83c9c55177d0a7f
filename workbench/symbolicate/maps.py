"""The maps of a store: each opened and decoded at most once, from the cache where there is one."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from connectors.exceptions import FetchError, SourceError, SourceMapError, SourceNotFound
from connectors.stores import SourceMapStore
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.decode import SourceMap, decode_map
from workbench.symbolicate.functions import Outline, ending, outline
from workbench.symbolicate.matching import Artifact
from workbench.symbolicate.wire import read_contents


class Unreadable(NamedTuple):
    """Why a map could not be used: the status of its frames, and the reason."""

    status: str
    detail: str


class Maps:
    """Opens maps of one store for the length of one run.

    Parameters
    ----------
    store
        Where the raw maps are.
    cache
        Where decoded maps are kept by the hash of their bytes; None keeps nothing.
    """

    def __init__(self, store: SourceMapStore, cache: MapCache | None = None) -> None:
        self.store = store
        self.cache = cache

    def read(self, map_location: str, sha256: str | None = None) -> SourceMap:
        """Decode one map, or take it from the cache by its hash without opening it.

        Raises
        ------
        SourceMapError
            The map breaks a rule.
        SourceError, FetchError
            The store does not give it.
        """
        if self.cache is not None and sha256:
            kept = self.cache.load(sha256, lambda: read_contents(self.store.open_map(map_location)))
            if kept is not None:
                return kept
        raw = self.store.open_map(map_location)
        if self.cache is None:
            return decode_map(raw)
        digest = hashlib.sha256(raw).hexdigest()
        kept = self.cache.load(digest, lambda: read_contents(raw)) if digest != sha256 else None
        if kept is None:
            kept = decode_map(raw)
            self.cache.save(digest, kept)
        return kept

    def open(self, artifact: Artifact) -> SourceMap | Unreadable:
        """Like `read`, with the verdict in place of the error."""
        try:
            return self.read(artifact.map_location, artifact.sha256)
        except SourceMapError as error:
            return Unreadable("invalid_map", str(error))
        except SourceNotFound as error:
            return Unreadable("expired", str(error))
        except (SourceError, FetchError) as error:
            return Unreadable("no_artifact", f"the store did not give {artifact.map_location}: {error}")

    def outline(self, decoded: SourceMap, index: int) -> Outline | None:
        """Parse one source of a map, or take its outline from the cache without even reading the source."""
        path = decoded.sources[index]
        if not decoded.contents.has(index):
            return None
        if self.cache is None:
            return outline(decoded.contents[index] or "", path)
        name = f"{decoded.contents.digests()[index]}-{ending(path)}"
        kept = self.cache.load_outline(name)
        if kept is None:
            kept = outline(decoded.contents[index] or "", path)
            if kept is not None:
                self.cache.save_outline(name, kept)
        return kept
