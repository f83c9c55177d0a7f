"""A sync in a process of its own, which ends by SIGKILL at the moment that it was told."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from connectors import http as http_module
from connectors.exceptions import BlindspotError
from connectors.registry import open_store
from connectors.sync import sync

DONE, FAILED = 0, 3


def sync_and_die(address: str, lake: str, since: datetime, kill_at: int | None, token: tuple[str, str]) -> None:
    """Sync; at the `kill_at`-th time that this process opens, renames or removes a file, or a socket, kill it."""
    faulthandler.enable()
    os.environ[token[0]] = token[1]
    example = str(Path(__file__).with_name("example_store"))
    if example not in sys.path:
        sys.path.insert(0, example)
    http_module.FIRST_WAIT, http_module.LONGEST_WAIT = 0.002, 0.01
    store = open_store(address)
    left = kill_at

    def count(event: str, _: object) -> None:
        nonlocal left
        if left is not None and event in (
            "open",
            "os.rename",
            "os.remove",
            "os.mkdir",
            "socket.connect",
            "fcntl.flock",
        ):
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        sync(store, lake, since=since)
    except BlindspotError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(FAILED)
    os._exit(DONE)
