"""What people said of shapes: which are one bug, which are not. A journal of acts, folded into one name a shape.

Every labelled shape has the name of a bug; two with different names count as different bugs. "Same" and "not the same"
are acts on these names, so that a person who has no name at hand can still say what belongs together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

ACTS = ("bug", "same", "different", "clear")


class Labels(NamedTuple):
    """The bug of each labelled shape, and how many records could not be understood."""

    bug_of: dict[str, str]
    refused: int


def record(act: str, shapes: Sequence[str], bug: str | None = None, *, at: str = "") -> dict[str, Any]:
    """Make the record of an act, or say why there is nothing to record.

    Parameters
    ----------
    act
        `bug` (these shapes are the bug named `bug`), `same` (all of them are one bug), `different` (no two of them
        are), `clear` (nothing is said of them any more).
    shapes
        Shape ids.
    at
        When it was said, ISO 8601.

    Raises
    ------
    ValueError
        An unknown act, no shapes, one shape where two are needed, or no name.

    Examples
    --------
    >>> record("same", ["b7", "a1"])
    {'act': 'same', 'shapes': ['b7', 'a1']}
    >>> record("same", ["b7"])
    Traceback (most recent call last):
        ...
    ValueError: pick two shapes or more: one alone is the same as nothing
    """
    named = " ".join((bug or "").split())
    if act not in ACTS:
        raise ValueError(f"no act {act!r}; there are: {', '.join(ACTS)}")
    if not shapes:
        raise ValueError("pick a shape first")
    if act in ("same", "different") and len(set(shapes)) < 2:
        raise ValueError(
            f"pick two shapes or more: one alone is {'the same as' if act == 'same' else 'unlike'} nothing"
        )
    if act == "bug" and not named:
        raise ValueError("give the bug a name")
    made: dict[str, Any] = {"act": act, "shapes": list(dict.fromkeys(shapes))}
    return made | ({"bug": named} if act == "bug" else {}) | ({"at": at} if at else {})


def fold(records: Iterable[Mapping[str, Any]]) -> Labels:
    """Fold a journal into the bug of each shape; a later act stands above an earlier one.

    Examples
    --------
    >>> fold([record("bug", ["a"], "discount"), record("same", ["a", "b"]), record("different", ["b", "c"])]).bug_of
    {'a': 'discount', 'b': 'discount', 'c': 'bug c'}
    """
    bug_of: dict[str, str] = {}
    refused = 0
    for one in records:
        shapes, act = one.get("shapes"), one.get("act")
        named = one.get("bug")
        understood = (
            act in ACTS
            and isinstance(shapes, list)
            and bool(shapes)
            and all(isinstance(shape, str) for shape in shapes)
            and (act != "bug" or (isinstance(named, str) and bool(named)))
        )
        if not understood:
            refused += 1
        elif act == "bug":
            bug_of.update(dict.fromkeys(shapes, named))
        elif act == "clear":
            for shape in shapes:
                bug_of.pop(shape, None)
        elif act == "same":
            _join(bug_of, shapes)
        else:
            _part(bug_of, shapes)
    return Labels(bug_of, refused)


def _join(bug_of: dict[str, str], shapes: list[str]) -> None:
    """All shapes of all bugs named among them become the first of these bugs."""
    names = list(dict.fromkeys(bug_of[shape] for shape in shapes if shape in bug_of))
    kept = names[0] if names else _own_name(bug_of, shapes[0])
    for shape, name in bug_of.items():
        if name in names:
            bug_of[shape] = kept
    bug_of.update(dict.fromkeys(shapes, kept))


def _part(bug_of: dict[str, str], shapes: list[str]) -> None:
    """The first shape of each bug among them keeps its name, every other gets one of its own."""
    taken: set[str] = set()
    for shape in shapes:
        if shape not in bug_of or bug_of[shape] in taken:
            bug_of[shape] = _own_name(bug_of, shape)
        taken.add(bug_of[shape])


def _own_name(bug_of: Mapping[str, str], shape: str) -> str:
    name, used = f"bug {shape[:8]}", set(bug_of.values())
    return name if name not in used else f"bug {shape}"
