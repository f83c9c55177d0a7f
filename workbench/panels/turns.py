"""One at a time: the cells that draw panels, and the callbacks of their controls.

JupyterLab hands what is picked and typed to a subshell of the kernel (its setting `commsOverSubshells`, on by default
where the kernel has subshells, as ipykernel 7 has): a thread beside the one that runs cells. The first message of a
widget that a cell drew still comes on the main thread, and a trait has its new value before a callback hears of it. So
callbacks and cells take turns, and what a callback writes into a field must not be what it once read there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_TURN = threading.RLock()


def in_turn(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that waits until no other one of these runs in another thread, then calls `function`.

    It is re-entrant: what runs in its turn may call others.

    Examples
    --------
    >>> chosen = []
    >>> pick = in_turn(chosen.append)
    >>> pick("checkout")
    >>> chosen
    ['checkout']
    """

    @wraps(function)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> R:
        with _TURN:
            return function(*args, **kwargs)

    return waiting
