"""How a recording is packed for the player, and the moments in it to jump to."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec


@dataclass(frozen=True)
class Mark:
    """A moment to jump to: `t` ms after the first event, its kind (click, request or error), and a few words."""

    t: int
    kind: str
    label: str

    def as_dict(self) -> dict[str, Any]:
        """Give it to the player."""
        return asdict(self)


def pack(events: Sequence[dict[str, Any]]) -> bytes:
    """Pack rrweb events for the player: JSON, gzipped, equal bytes for equal events.

    Examples
    --------
    >>> gzip.decompress(pack([{"type": 4, "timestamp": 1}]))
    b'[{"type":4,"timestamp":1}]'
    """
    return gzip.compress(msgspec.json.encode(list(events)), 9, mtime=0)
