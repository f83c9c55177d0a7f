"""Lighthouse results (LHR) as lab runs: one row a metric of a run.

Source of the form: github.com/GoogleChrome/lighthouse, docs/understanding-results.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from connectors.formats.nested import dig
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_micros, as_number, as_text, shown
from connectors.tables import LAB_RUNS

METRICS = {
    "largest-contentful-paint": "LCP",
    "interaction-to-next-paint": "INP",
    "experimental-interaction-to-next-paint": "INP",
    "cumulative-layout-shift": "CLS",
    "first-contentful-paint": "FCP",
    "server-response-time": "TTFB",
    "total-blocking-time": "TBT",
    "speed-index": "SI",
    "interactive": "TTI",
}


class Run(NamedTuple):
    """What the result itself does not say: the run's id, and the release it was made of."""

    run_id: str
    release: str | None = None
    branch: str | None = None


class _Audit(msgspec.Struct):
    score: float | None = None
    numericValue: Any = None


class _Settings(msgspec.Struct):
    formFactor: Any = None
    emulatedFormFactor: Any = None
    throttlingMethod: Any = None


class _Result(msgspec.Struct):
    audits: dict[str, msgspec.Raw]
    runtimeError: Any = None
    lighthouseVersion: Any = None
    fetchTime: Any = None
    requestedUrl: Any = None
    finalDisplayedUrl: Any = None
    finalUrl: Any = None
    configSettings: _Settings | None = None
    release: Any = None
    branch: Any = None


_result = msgspec.json.Decoder(_Result)
_audit = msgspec.json.Decoder(_Audit)


def lab_rows() -> Rows:
    """Make an empty collection of lab runs."""
    return Rows(LAB_RUNS)


def read_result(raw: bytes, place: str, rows: Rows, run: Run) -> None:
    """Read one Lighthouse result into `rows`: a row for each metric that it measured.

    Examples
    --------
    >>> rows = lab_rows()
    >>> read_result(
    ...     b'{"lighthouseVersion":"13.5.0","fetchTime":"2026-03-02T09:00:00.000Z","requestedUrl":"http://shop/cart",'
    ...     b'"configSettings":{"formFactor":"mobile","throttlingMethod":"simulate"},"audits":'
    ...     b'{"largest-contentful-paint":{"score":0.6,"numericValue":3100.5},"speed-index":{"score":null}}}',
    ...     "lab/A-cart-mobile.json",
    ...     rows,
    ...     Run("A-cart-mobile", "a1b2c3d"),
    ... )
    >>> rows.frame().select("run_id", "form_factor", "metric", "value", "score").rows()
    [('A-cart-mobile', 'mobile', 'LCP', 3100.5, 0.6)]
    """
    try:
        result = _result.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"not a Lighthouse result ({error})")
    at = as_micros(result.fetchTime)
    if at is None:
        return rows.refuse(place, f"fetchTime is {shown(result.fetchTime)}, not a time")
    failed = as_text(dig(result.runtimeError, "code"))
    if failed and failed != "NO_ERROR":
        said = as_text(dig(result.runtimeError, "message")) or "no message"
        return rows.refuse(place, f"the run failed and measured nothing ({failed}: {said})")
    settings = result.configSettings or _Settings()
    url = as_text(result.requestedUrl) or as_text(result.finalDisplayedUrl) or as_text(result.finalUrl)
    measured: set[str] = set()
    for audit_id, metric in METRICS.items():
        if audit_id not in result.audits or metric in measured:
            continue
        try:
            audit = _audit.decode(result.audits[audit_id])
        except BAD_JSON as error:
            rows.refuse(place, f"audit {audit_id} cannot be read ({error})")
            continue
        value = as_number(audit.numericValue)
        if value is None:
            rows.skip(f"{metric} not measured")
            continue
        measured.add(metric)
        rows.add(
            (
                run.run_id,
                at,
                url,
                None,
                as_text(settings.formFactor) or as_text(settings.emulatedFormFactor),
                as_text(result.release) or run.release,
                as_text(result.branch) or run.branch,
                metric,
                value,
                as_number(audit.score),
                as_text(result.lighthouseVersion),
                as_text(settings.throttlingMethod),
            )
        )
    return None
