"""Trace and span ids in every form they come in, as one: 32 and 16 lowercase hex digits.

How an id is written is a fact about its source, and it is never guessed: sixteen decimal digits are a valid hex id
too. So each function takes the form, and what does not have that form becomes null.

=============  ===================================================  ====================================================
form           looks like                                           source of the form
=============  ===================================================  ====================================================
hex            ``4bf92f3577b34da6a3ce929d0e0e4736``                 OpenTelemetry; short ones lack their leading zeros
uuid           ``4bf92f35-77b3-4da6-a3ce-929d0e0e4736``             ``x-trace-id`` of some gateways
decimal        ``11803532876627986230``                             Datadog: 64 bits, the low half of a W3C id
traceparent    ``00-<trace>-<span>-01``                             https://www.w3.org/TR/trace-context/
sentry-trace   ``<trace>-<span>-1``; the last part may be missing   https://develop.sentry.dev/sdk/telemetry/traces/
b3             ``<trace>-<span>-1-<parent>``, or just ``0``         https://github.com/openzipkin/b3-propagation
=============  ===================================================  ====================================================
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import polars as pl

from connectors.exceptions import ParameterError

Form = Literal["hex", "uuid", "decimal", "traceparent", "sentry-trace", "b3"]
FORMS: tuple[Form, ...] = ("hex", "uuid", "decimal", "traceparent", "sentry-trace", "b3")
TRACE_DIGITS, SPAN_DIGITS = 32, 16

# version ff is forbidden; a version after 00 may bring more parts, which are ignored; 00 may not
TRACEPARENT = re.compile(
    r"^(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?$"
)
SENTRY_TRACE = re.compile(r"^(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})(?:-(?P<sampled>[01]))?$")
B3 = re.compile(
    r"^(?P<trace>[0-9a-f]{16}|[0-9a-f]{32})-(?P<span>[0-9a-f]{16})(?:-(?P<sampled>[01d]))?(?:-[0-9a-f]{16})?$"
)
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
HEX = re.compile(r"^[0-9a-f]+$")
DECIMAL = re.compile(r"^[0-9]{1,20}$")


class TraceContext(NamedTuple):
    """What a propagation header says; `sampled` is None where the decision is left to whoever comes next."""

    trace_id: str
    span_id: str | None
    sampled: bool | None


def parse(text: str | None, form: Form) -> TraceContext | None:
    """Read one id or propagation header; None when it does not have the form, or is all zeros.

    Parameters
    ----------
    text
        The id or the header's value. White space around it and upper case do not matter.
    form
        How its source writes it; see the table above.

    Raises
    ------
    ParameterError
        There is no such form; lists those there are.

    Examples
    --------
    >>> parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "traceparent")
    TraceContext(trace_id='4bf92f3577b34da6a3ce929d0e0e4736', span_id='00f067aa0ba902b7', sampled=False)
    >>> parse("11803532876627986230", "decimal").trace_id
    '0000000000000000a3ce929d0e0e4736'
    >>> parse("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "traceparent") is None
    True
    """
    if form not in FORMS:
        raise ParameterError(f"no form of trace ids {form!r}; there are: {', '.join(FORMS)}")
    if text is None:
        return None
    text = text.strip() if form == "traceparent" else text.strip().lower()
    if form == "traceparent":
        found = TRACEPARENT.match(text)
        if found is None or (found["version"] == "00" and found["more"]):
            return None
        return _context(found["trace"], found["span"], bool(int(found["flags"], 16) & 1))
    if form == "sentry-trace":
        found = SENTRY_TRACE.match(text)
        return found and _context(found["trace"], found["span"], {"0": False, "1": True}.get(found["sampled"]))
    if form == "b3":
        found = B3.match(text)
        decided = {"0": False, "1": True, "d": True}
        return found and _context(found["trace"], found["span"], decided.get(found["sampled"]))
    return _context(_bare(text, form, TRACE_DIGITS), None, None)


def _context(trace: str | None, span: str | None, sampled: bool | None) -> TraceContext | None:
    trace = trace.zfill(TRACE_DIGITS) if trace and trace.strip("0") else None
    if trace is None or (span is not None and not span.strip("0")):
        return None
    return TraceContext(trace, span, sampled)


def _bare(text: str, form: Form, digits: int) -> str | None:
    if form == "decimal":
        number = int(text) if DECIMAL.match(text) else 0
        return f"{number:x}".zfill(digits) if 0 < number < 1 << 64 else None
    if form == "uuid":
        text = text.replace("-", "") if UUID.match(text) else ""
    if not HEX.match(text) or len(text) > digits or not text.strip("0"):
        return None
    return text.zfill(digits)


def trace_ids(written: pl.Series, form: Form) -> pl.Series:
    """Bring a column of trace ids or headers into canonical form: 32 lowercase hex digits, null where it is not one.

    Each distinct value is read once.

    Examples
    --------
    >>> trace_ids(pl.Series(["4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", "none"]), "uuid").to_list()
    ['4bf92f3577b34da6a3ce929d0e0e4736', None]
    """
    return _each_distinct(written, {text: parse(text, form) for text in written.unique().drop_nulls()}, "trace_id")


def span_ids(written: pl.Series, form: Form) -> pl.Series:
    """Bring a column of span ids, or of headers that carry one, into canonical form: 16 lowercase hex digits.

    A decimal `0` is null: Datadog writes it as the parent of a root.

    Examples
    --------
    >>> span_ids(pl.Series(["67667974448284343", "0"]), "decimal").to_list()
    ['00f067aa0ba902b7', None]
    """
    if form in ("traceparent", "sentry-trace", "b3"):
        return _each_distinct(written, {text: parse(text, form) for text in written.unique().drop_nulls()}, "span_id")
    bare = {text: _bare(text.strip().lower(), form, SPAN_DIGITS) for text in written.unique().drop_nulls()}
    return _replaced(written, bare)


def sampled(written: pl.Series, form: Form) -> pl.Series:
    """Give what a column of propagation headers says about sampling; null where nothing is decided.

    Examples
    --------
    >>> sampled(pl.Series(["4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"]), "sentry-trace").to_list()
    [None]
    """
    parsed = {text: parse(text, form) for text in written.unique().drop_nulls()}
    values = {text: None if context is None else context.sampled for text, context in parsed.items()}
    return (
        written.replace_strict(values, default=None, return_dtype=pl.Boolean()) if values else written.cast(pl.Boolean)
    )


def low_64_bits(trace_id: pl.Expr) -> pl.Expr:
    """Give the half of canonical trace ids that 64-bit systems keep; join on it what Datadog or old B3 recorded.

    Examples
    --------
    >>> ids = pl.DataFrame({"trace_id": ["4bf92f3577b34da6a3ce929d0e0e4736"]})
    >>> ids.select(low_64_bits(pl.col("trace_id"))).item()
    'a3ce929d0e0e4736'
    """
    return trace_id.str.tail(SPAN_DIGITS)


def has_64_bits(trace_id: pl.Expr) -> pl.Expr:
    """Say which canonical trace ids came from a 64-bit system: their upper half is zero."""
    return trace_id.str.starts_with("0" * SPAN_DIGITS)


def _each_distinct(written: pl.Series, parsed: dict[str, TraceContext | None], part: str) -> pl.Series:
    return _replaced(written, {text: context and getattr(context, part) for text, context in parsed.items()})


def _replaced(written: pl.Series, values: dict[str, str | None]) -> pl.Series:
    if not values:
        return written.cast(pl.String)
    return written.replace_strict(values, default=None, return_dtype=pl.String())
