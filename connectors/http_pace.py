"""When the next call may go out: one gate for all threads of a client."""

from __future__ import annotations

import threading
import time

from connectors.exceptions import FetchError, RateLimited


class Pace:
    """Holds calls back: so many a second, and none before the time that a server has named.

    Parameters
    ----------
    source
        The system's name, for errors.
    per_second
        Calls a second, over all threads; None is as fast as they come.
    most_wait
        Seconds that one call waits at most.

    Examples
    --------
    >>> pace = Pace("acme", per_second=100, most_wait=1)
    >>> begun = time.monotonic()
    >>> for _ in range(6): pace.pass_through()
    >>> time.monotonic() - begun >= 0.05
    True
    >>> pace.hold(3600)
    >>> pace.pass_through()
    Traceback (most recent call last):
        ...
    connectors.exceptions.RateLimited: acme asks us to come back in 3600 s, and we wait 1 s at most; try again later
    """

    def __init__(self, source: str, *, per_second: float | None, most_wait: float) -> None:
        self._source = source
        self._between = 1 / per_second if per_second else 0.0
        self.most_wait = most_wait
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._next = 0.0
        self._held_until = 0.0
        self.held = 0

    def hold(self, seconds: float) -> None:
        """Let no call out for so many seconds from now."""
        with self._lock:
            self.held += 1
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def waits(self) -> float:
        """Give the seconds until the server wants to hear from us again, 0 when it does now."""
        return max(0.0, self._held_until - time.monotonic())

    def pass_through(self) -> None:
        """Wait until a call may go out.

        Raises
        ------
        RateLimited
            That is further away than `most_wait`.
        FetchError
            The client was closed meanwhile.
        """
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._between
        begun = time.monotonic()
        while True:
            now, until = time.monotonic(), max(turn, self._held_until)
            if self._held_until - begun > self.most_wait:
                raise RateLimited(
                    f"{self._source} asks us to come back in {self._held_until - now:.0f} s, "
                    f"and we wait {self.most_wait:g} s at most; try again later"
                )
            if self._closed.wait(max(0.0, until - now)):
                raise FetchError(f"the connection to {self._source} was closed")
            if until >= self._held_until:
                return

    def close(self) -> None:
        """Wake everybody who waits; nothing passes any more."""
        self._closed.set()
