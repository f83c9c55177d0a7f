"""Ids in every form, with the examples of the forms' own specifications."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import ParameterError
from workbench.traces.ids import has_64_bits, low_64_bits, parse, sampled, span_ids, trace_ids

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        # https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers
        (f"00-{TRACE}-{SPAN}-01", "traceparent", (TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", "traceparent", (TRACE, SPAN, False)),
        (f"00-{TRACE}-{SPAN}-03", "traceparent", (TRACE, SPAN, True)),  # other flags are ignored
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", "traceparent", (TRACE, SPAN, True)),
        (f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like", "traceparent", None),
        (f"00-{TRACE}-{SPAN}-01-more", "traceparent", None),
        (f"ff-{TRACE}-{SPAN}-01", "traceparent", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", "traceparent", None),  # the specification wants lowercase
        (f"00-{'0' * 32}-{SPAN}-01", "traceparent", None),
        (f"00-{TRACE}-{'0' * 16}-01", "traceparent", None),
        (f"00-{TRACE[:-1]}-{SPAN}-01", "traceparent", None),
        (f"{TRACE}-{SPAN}-1", "sentry-trace", (TRACE, SPAN, True)),
        (f"{TRACE}-{SPAN}-0", "sentry-trace", (TRACE, SPAN, False)),
        (f"{TRACE}-{SPAN}", "sentry-trace", (TRACE, SPAN, None)),
        (f"{TRACE}-{SPAN}-2", "sentry-trace", None),
        # https://github.com/openzipkin/b3-propagation#single-header
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90", "b3",
         ("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", True)),
        ("64fe8b2a57d3eff7-e457b5a2e4d86bd1-d", "b3", ("0" * 16 + "64fe8b2a57d3eff7", "e457b5a2e4d86bd1", True)),
        ("64fe8b2a57d3eff7-e457b5a2e4d86bd1", "b3", ("0" * 16 + "64fe8b2a57d3eff7", "e457b5a2e4d86bd1", None)),
        ("0", "b3", None),
        ("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", "uuid", (TRACE, None, None)),
        (TRACE, "uuid", None),
        (TRACE, "hex", (TRACE, None, None)),
        ("a3ce929d0e0e4736", "hex", ("0" * 16 + "a3ce929d0e0e4736", None, None)),
        ("3ce929d0e0e4736", "hex", ("0" * 17 + "3ce929d0e0e4736", None, None)),  # Tempo's search leaves zeros out
        ("0" * 32, "hex", None),
        (TRACE + "0", "hex", None),
        # the same digits are another id in another form
        ("1234567890123456", "hex", ("0" * 16 + "1234567890123456", None, None)),
        ("1234567890123456", "decimal", ("0" * 16 + "000462d53c8abac0", None, None)),
        ("18446744073709551615", "decimal", ("0" * 16 + "f" * 16, None, None)),
        ("18446744073709551616", "decimal", None),
        ("0", "decimal", None),
        ("12a", "decimal", None),
        (None, "traceparent", None),
        ("", "hex", None),
    ],
)  # fmt: skip
def test_every_form(text, form, expected):
    assert parse(text, form) == expected


def test_an_unknown_form_lists_the_known():
    with pytest.raises(ParameterError, match="no form of trace ids 'xray'; there are: hex, uuid, decimal"):
        parse(TRACE, "xray")


def test_columns():
    headers = pl.Series([f"00-{TRACE}-{SPAN}-01", None, "junk", f"00-{TRACE}-{SPAN}-00"])
    assert trace_ids(headers, "traceparent").to_list() == [TRACE, None, None, TRACE]
    assert span_ids(headers, "traceparent").to_list() == [SPAN, None, None, SPAN]
    assert sampled(headers, "traceparent").to_list() == [True, None, None, False]
    assert trace_ids(pl.Series([None, None], dtype=pl.String), "hex").to_list() == [None, None]
    assert trace_ids(pl.Series([], dtype=pl.String), "hex").to_list() == []
    assert span_ids(pl.Series(["b7", "0"]), "hex").to_list() == ["00000000000000b7", None]


@settings(deadline=None)
@given(st.integers(1, (1 << 128) - 1))
def test_the_low_half_is_what_datadog_keeps(number):
    whole = f"{number:032x}"
    low = number & ((1 << 64) - 1)
    frame = pl.DataFrame({"trace_id": [whole]})
    assert frame.select(low_64_bits(pl.col("trace_id"))).item() == f"{low:016x}"
    assert frame.select(has_64_bits(pl.col("trace_id"))).item() == (number < 1 << 64)
    if low:
        assert parse(str(low), "decimal").trace_id[16:] == whole[16:]
