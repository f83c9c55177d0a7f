"""The maps of a store: each opened and decoded at most once, from the cache where there is one."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from connectors.exceptions import FetchError, SourceError, SourceMapError, SourceNotFound
from connectors.stores import SourceMapStore
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.decode import SourceMap, decode_map
from workbench.symbolicate.functions import Outline, outline
from workbench.symbolicate.matching import Artifact


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
            kept = self.cache.load(sha256)
            if kept is not None:
                return kept
        raw = self.store.open_map(map_location)
        digest = hashlib.sha256(raw).hexdigest()
        if self.cache is not None and digest != sha256:
            kept = self.cache.load(digest)
            if kept is not None:
                return kept
        decoded = decode_map(raw)
        if self.cache is not None:
            self.cache.save(digest, decoded)
        return decoded

    def open(self, artifact: Artifact) -> SourceMap | Unreadable:
        """Like `read`, with the verdict in place of the error."""
        try:
            return self.read(artifact.map_location, artifact.sha256)
        except SourceMapError as error:
            return Unreadable("invalid_map", str(error))
        except SourceNotFound:
            return Unreadable("expired", "")
        except (SourceError, FetchError) as error:
            return Unreadable("no_artifact", f"the store did not give {artifact.map_location}: {error}")

    def outline(self, content: str, path: str | None) -> Outline | None:
        """Parse a source, or take its outline from the cache."""
        if self.cache is None:
            return outline(content, path)
        ending = (path or "").split("?")[0].rpartition("/")[2].rpartition(".")[2].lower()
        digest = hashlib.sha256(f"{ending}\n".encode() + content.encode("utf-8", "replace")).hexdigest()
        kept = self.cache.load_outline(digest)
        if kept is None:
            kept = outline(content, path)
            if kept is not None:
                self.cache.save_outline(digest, kept)
        return kept
