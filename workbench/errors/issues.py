"""Issues: shapes with one fingerprint. The default, frozen per version, and what every issue is called.

A mechanism is never changed: a better default is a new entry under a new date, so that the fingerprints of last month's
issues stay what they were. It reads the wordings, placeholders and in-app rules of its own day: a newer file of rules
belongs to the next mechanism.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import polars as pl

from connectors.exceptions import ParameterError
from workbench.errors.shapes import stable_id

CURRENT = "2026-11"
_NEIGHBOURHOOD = 1000


def neighbourhood() -> pl.Expr:
    """Cut `top_spot`, the line and column in a bundle, to a stretch that all engines' columns for one place fall into.

    Examples
    --------
    >>> spots = pl.DataFrame({"top_spot": ["1:48231", "12", None]})
    >>> spots.select(area=neighbourhood())["area"].to_list()
    ['1:48', '12', None]
    """
    spot = pl.col("top_spot")
    column = spot.str.extract(r":(\d+)$").cast(pl.Int64, strict=False) // _NEIGHBOURHOOD
    return pl.concat_str(spot.str.extract(r"^(\d+)"), column.cast(pl.String), separator=":", ignore_nulls=True).replace(
        "", None
    )


def default_2026_11(errors: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    """Fingerprint by canonical message and top in-app file; without a file by type and canonical message.

    Shared code (`rules/grouping/shared`) is on top of unrelated bugs, so the file that called it is added. Where it is
    the wrapper that asks every endpoint, or may be, so is the endpoint that failed: see `asked`.

    A bundle is not a file of anybody's, it holds a whole shop. Where no source map knew the frame, the minified
    function and the neighbourhood in the bundle (a thousand columns: engines point some columns apart) stand in.

    Returns
    -------
    The text that is hashed, and a sentence that says what made it.
    """
    bundle_place = pl.concat_str(
        "top_file", pl.col("top_function").fill_null(""), neighbourhood().fill_null(""), separator=" "
    )
    # Code that everybody calls says nothing alone: who called it belongs to the place.
    called = pl.concat_str("top_file", "top_caller", separator=" < ", ignore_nulls=True)
    place = pl.when(pl.col("top_mapped")).then(called).otherwise(bundle_place)
    has_file = pl.col("top_file").is_not_null()
    asked = pl.when(pl.col("top_shared").fill_null(True) | ~pl.col("top_mapped")).then("request")
    key = (
        pl.when(has_file)
        .then(pl.concat_str(pl.lit("file"), "canonical", place, asked, separator="\x1f", ignore_nulls=True))
        .otherwise(
            pl.concat_str(pl.lit("type"), "canonical_type", "canonical", asked, separator="\x1f", ignore_nulls=True)
        )
    )
    said = (
        pl.when(asked.is_not_null())
        .then(pl.lit("default: message, top file of ours, which asks everything, and the endpoint that failed"))
        .when(~has_file)
        .then(pl.lit("default: type and message (no frame of ours)"))
        .when(pl.col("top_caller").is_not_null())
        .then(pl.lit("default: message, top file of ours, which is shared code, and the file that called it"))
        .when("top_mapped")
        .then(pl.lit("default: message and top file of ours"))
        .otherwise(pl.lit("default: message, bundle and minified function (no source map)"))
    )
    return key, said


class Mechanism(NamedTuple):
    """One version of the default: what it hashes, and the day of the rules it reads (messages, in-app, shared code)."""

    default: Callable[[pl.DataFrame], tuple[pl.Expr, pl.Expr]]
    rules_of: date


MECHANISMS = {"2026-11": Mechanism(default_2026_11, date(2026, 11, 23))}


def mechanism_of(name: str) -> Mechanism:
    """Return a version of the default by its name.

    Raises
    ------
    ParameterError
        There is none of that name.

    Examples
    --------
    >>> mechanism_of("2026-11").rules_of
    datetime.date(2026, 11, 23)
    >>> mechanism_of("2020-01")
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: no mechanism '2020-01'; there are: 2026-11
    """
    if name not in MECHANISMS:
        raise ParameterError(f"no mechanism {name!r}; there are: {', '.join(MECHANISMS)}")
    return MECHANISMS[name]


def issue_ids(errors: pl.DataFrame, *, mechanism: str = CURRENT) -> pl.DataFrame:
    """Give each distinct error its issue.

    Parameters
    ----------
    errors
        One row a distinct error: `error_id`, `canonical_type`, `canonical`, `top_file`, `top_function`, `top_spot`,
        `top_mapped`, `top_shared`, `top_caller`, `request` (from `asked.by_request`).
    mechanism
        Which version of the default; fingerprints never change within one.

    Returns
    -------
    `error_id`, `issue_id` (16 hex digits), `rule` (what made it), `mechanism`.

    Examples
    --------
    >>> errors = pl.DataFrame({
    ...     "error_id": [0, 1], "canonical_type": "TypeError", "canonical": "nullish-read:amount",
    ...     "top_file": ["src/cart.tsx", None], "top_function": ["Cart", None], "top_spot": ["7", None],
    ...     "top_mapped": [True, None], "top_shared": False, "top_caller": None,
    ...     "request": None,
    ... })
    >>> issue_ids(errors)["rule"].to_list()
    ['default: message and top file of ours', 'default: type and message (no frame of ours)']
    """
    key, said = mechanism_of(mechanism).default(errors)
    return errors.select("error_id", issue_id=stable_id(key), rule=said, mechanism=pl.lit(mechanism))
