"""`workbench report`: make a report from one of the notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App
from rich.console import Console

from workbench.cli.asked import EVERYTHING, Asked

report = App(name="report", help="Make a report: one HTML file that opens from disk, and the executed notebook.")


@report.command
def incident(*, asked: Asked = EVERYTHING, out: Path | None = None, strict: bool = False) -> int:
    """Make the report of an incident.

    Parameters
    ----------
    out
        The HTML file; reports/incident-DAY-TIME.html when not given.
    strict
        Exit with 1 when a source was down or broke off; the report is made all the same.
    """
    return make("incident", asked.given(), out, strict)


@report.command
def grouping(
    *,
    asked: Asked = EVERYTHING,
    rules: Path | None = None,
    labels: Path | None = None,
    known_noise: Path | None = None,
    out: Path | None = None,
    strict: bool = False,
) -> int:
    """Make the report of how well errors are grouped, as every night.

    Parameters
    ----------
    rules
        The file of fingerprint and stack-trace rules in force.
    labels
        The file of labels; the source's own when not given.
    known_noise
        The team's list of known noise.
    out
        The HTML file; reports/grouping_lab-DAY-TIME.html when not given.
    strict
        Exit with 1 when a source was down or broke off; the report is made all the same.
    """
    files = {"rules": rules, "labels": labels, "known_noise": known_noise}
    return make(
        "grouping_lab", {**asked.given(), **{name: path and str(path) for name, path in files.items()}}, out, strict
    )


@report.command
def vitals(
    *,
    asked: Asked = EVERYTHING,
    metric: str | None = None,
    device: str | None = None,
    route: str | None = None,
    region: str | None = None,
    browser: str | None = None,
    connection: str | None = None,
    before: str | None = None,
    after: str | None = None,
    min_samples: int | None = None,
    out: Path | None = None,
    strict: bool = False,
) -> int:
    """Make the report of what users measured, as every week.

    Parameters
    ----------
    metric
        The vital to look at closely: LCP, INP, CLS, FCP or TTFB; the one most in need of a look when not given.
    device
        Only this device class, or "mixed" for all in one number; each apart when not given.
    route
        Only this page.
    region
        Only this region.
    browser
        Only this browser.
    connection
        Only this kind of connection.
    before
        What to compare with: a release, or a window as 2026-03-02/2026-03-09.
    after
        What to compare; every release with the one before it when neither is given.
    min_samples
        Fewest page views of a group that get a percentile; 30 when not given.
    out
        The HTML file; reports/vitals-DAY-TIME.html when not given.
    strict
        Exit with 1 when a source was down or broke off; the report is made all the same.
    """
    more = {"metric": metric, "device": device, "route": route, "region": region, "browser": browser,
            "connection": connection, "before": before, "after": after, "min_samples": min_samples}  # fmt: skip
    return make("vitals", {**asked.given(), **more}, out, strict)


@report.command
def source_maps(
    *,
    asked: Asked = EVERYTHING,
    site: str | None = None,
    maps: str | None = None,
    out: Path | None = None,
    strict: bool = False,
) -> int:
    """Make the report of source maps: which stacks can be read, and why the others cannot.

    Parameters
    ----------
    site
        A site that is asked whether it gives source maps away.
    maps
        A store of source maps that turned up since: what they change is shown.
    out
        The HTML file; reports/source_maps-DAY-TIME.html when not given.
    strict
        Exit with 1 when a source was down or broke off; the report is made all the same.
    """
    return make("source_maps", {**asked.given(), "site": site, "maps": maps}, out, strict)


def make(name: str, asked: dict[str, Any], out: Path | None, strict: bool = False) -> int:
    """Make one report; its finding goes to stderr, the path of its HTML file to stdout. Give the exit code back."""
    from workbench.charts.labels import plural
    from workbench.reports.run import run_report

    made = run_report(name, {key: value for key, value in asked.items() if value is not None}, out)
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold]{made.title}[/bold]" if "[" not in made.title else made.title, markup="[" not in made.title)
    console.print(
        f"{made.bytes / 1e6:.1f} MB in {made.seconds:.0f} s; the executed notebook lies beside it", style="dim"
    )
    if made.outages:
        console.print(
            f"Partial evidence: {plural(made.outages, 'fetch', 'fetches')} failed or broke off, see its ledger"
        )
    print(made.html)
    return int(strict and made.outages > 0)
