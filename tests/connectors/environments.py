"""Python environments of their own for real servers that cannot live beside our packages, kept in a cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def python_with(cache: Path, *specs: str) -> Path:
    """Give a Python that has these packages, installed if they are not; the test is skipped where that fails."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache / f"python{version}-{hashlib.sha256(' '.join(specs).encode()).hexdigest()[:12]}"
    python = home / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            uv = shutil.which("uv")
            make = [uv, "venv", "-q", "--python", sys.executable, home] if uv else [sys.executable, "-m", "venv", home]
            pip = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
            for command in (make, [*pip, *specs]):
                done = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
                if done.returncode:
                    shutil.rmtree(home, ignore_errors=True)
                    pytest.skip(f"needs an environment: pip install {' '.join(specs)}: {done.stderr.strip()[-300:]}")
            (home / "complete").touch()
    return python


def clean_environment(**more: str) -> dict[str, str]:
    """Give our environment without what belongs to our own Python or to anybody's account on S3."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "AWS_"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
