"""What the whole suite shares: tests of which the machine lacks a part are skipped with the line that installs it.

Under `CI=true` a skip is a failure: what CI does not run is not tested.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.engines import engine, reader, spark  # noqa: F401  fixtures

INSTALL = {
    "chromium": "apt-get install chromium, or set CHROMIUM=/path/to/it",
    "java": "apt-get install openjdk-17-jre-headless, and uv sync --group heavy",
}


def chromium_path() -> str | None:
    """Chromium's path: $CHROMIUM, else Debian's."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def java_path() -> str | None:
    """Java's path."""
    return shutil.which("java")


FINDERS = {"chromium": chromium_path, "java": java_path}


NO_WAY_HERE = "this machine cannot"
"""How the reason of a skip begins that nothing can be installed against; it is a skip in CI as well."""


def in_ci() -> bool:
    """True where a skip is a failure."""
    return os.environ.get("CI") == "true"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, find in FINDERS.items():
        if item.get_closest_marker(marker) and not find():
            pytest.skip(f"needs {marker}: {INSTALL[marker]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    why = str(call.excinfo.value) if call.excinfo else ""
    if (
        report.skipped
        and in_ci()
        and not hasattr(report, "wasxfail")
        and not isinstance(item, pytest.DoctestItem)
        and NO_WAY_HERE not in why
    ):
        report.outcome = "failed"
        report.longrepr = f"a skip is a failure in CI: {why}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if report.skipped and in_ci():
        report.outcome = "failed"
        report.longrepr = f"a skip is a failure in CI: {collector.nodeid}: {report.longrepr}"
    return report
