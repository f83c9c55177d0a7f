"""The original sources that a map carries, each decoded only when it is asked for.

A map of 36 MB is two thirds source text, of which an incident needs a few files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import overload

import msgspec

Item = msgspec.Raw | None


class Contents(Sequence[str | None]):
    """`sourcesContent`: one text a source, None where the map does not carry it.

    Parameters
    ----------
    items
        The texts as JSON strings.
    digests, load
        Instead of `items`: what `digests` gave for a map, and how to get its items when a text is asked for.

    Examples
    --------
    >>> contents = Contents([msgspec.Raw(b'"let total"'), None])
    >>> list(contents), contents.has(0), contents.has(1)
    (['let total', None], True, False)
    """

    def __init__(
        self,
        items: Sequence[Item] | None = None,
        *,
        digests: Sequence[str | None] | None = None,
        load: Callable[[], Contents] | None = None,
    ) -> None:
        self._items = items
        self._digests = list(digests) if digests is not None else None
        self._load = load

    def has(self, index: int) -> bool:
        """Whether the map carries this source's text; does not decode it."""
        return (self._items if self._items is not None else self.digests())[index] is not None

    def digests(self) -> list[str | None]:
        """SHA-256 of each text as it is written in the map, None for those it does not carry."""
        if self._digests is None:
            self._digests = [
                None if item is None else hashlib.sha256(memoryview(item)).hexdigest() for item in self.items()
            ]
        return self._digests

    def items(self) -> Sequence[Item]:
        """The texts as JSON strings, fetched now if they were left behind."""
        if self._items is None:
            self._items = self._load().items() if self._load is not None else [None] * len(self)
        return self._items

    def __len__(self) -> int:
        return len(self._items if self._items is not None else self._digests or [])

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str | None]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str | None] | None:
        if isinstance(index, slice):
            return [_text(item) for item in self.items()[index]]
        return _text(self.items()[index])

    def __iter__(self) -> Iterator[str | None]:
        return (_text(item) for item in self.items())


def _text(item: Item) -> str | None:
    if item is None:
        return None
    try:
        return msgspec.json.decode(item, type=str)
    except UnicodeDecodeError:  # a source in another encoding, pasted in as it was: read what can be read
        return msgspec.json.decode(bytes(item).decode("utf-8", "replace"), type=str)
