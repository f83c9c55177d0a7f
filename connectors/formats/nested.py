"""Objects within objects: read a value by its path, whatever stands in its way."""

from __future__ import annotations

from typing import Any


def dig(document: Any, *path: str) -> Any:
    """Give the value at a path of keys; None where a key is missing or what should hold it is no object.

    Examples
    --------
    >>> view = {"view": {"url": "/cart", "error": None}}
    >>> dig(view, "view", "url"), dig(view, "view", "error", "count"), dig([1], "view")
    ('/cart', None, None)
    """
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def object_at(document: Any, *path: str) -> dict[str, Any]:
    """Give the object at a path of keys; an empty one where there is none.

    Examples
    --------
    >>> object_at({"view": {"url": "/cart"}}, "view"), object_at({"view": "none"}, "view")
    ({'url': '/cart'}, {})
    """
    found = dig(document, *path)
    return found if isinstance(found, dict) else {}


def list_at(document: Any, *path: str) -> list[Any]:
    """Give the list at a path of keys; an empty one where there is none.

    Examples
    --------
    >>> list_at({"frames": [1]}, "frames"), list_at({"frames": 1}, "frames")
    ([1], [])
    """
    found = dig(document, *path)
    return found if isinstance(found, list) else []
