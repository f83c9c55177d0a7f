"""A team's own list of known noise: fingerprints and patterns, each with an author, a reason and its last day.

::

    [[known]]
    id = "old-checkout-iframe"
    author = "lena"
    reason = "The old payment iframe throws on unload; it goes with the March release"
    expires = 2026-04-01
    pattern = 'Blocked a frame with origin'      # regex on `type: message`; or
    # fingerprint = "c6c6df60e24b0a71"           # an issue's id
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from connectors.exceptions import RuleError
from workbench.rules.loader import parse

_FIELDS = {"id", "author", "reason", "expires", "pattern", "fingerprint"}


@dataclass(frozen=True)
class KnownNoise:
    """One entry; it counts for events before `expires`, and no longer."""

    id: str
    author: str
    reason: str
    expires: date
    pattern: str | None = None
    fingerprint: str | None = None

    @property
    def said(self) -> str:
        """The reason as a verdict gives it."""
        return f"{self.reason} ({self.author}, until {self.expires})"

    @property
    def ends(self) -> datetime:
        """From when on its events count again."""
        return datetime(self.expires.year, self.expires.month, self.expires.day, tzinfo=UTC)


def parse_known(text: str, name: str = "known-noise.toml") -> tuple[KnownNoise, ...]:
    """Parse a team's list.

    Raises
    ------
    RuleError
        An entry lacks an author, a reason or an expiry, has neither or both of pattern and fingerprint, an unknown
        field, or a pattern that is no linear-time regex; the message names the entry.

    Examples
    --------
    >>> entries = parse_known('''
    ... [[known]]
    ... id = "frame"
    ... author = "lena"
    ... reason = "The old payment iframe"
    ... expires = 2026-04-01
    ... pattern = "Blocked a frame"
    ... ''')
    >>> entries[0].said
    'The old payment iframe (lena, until 2026-04-01)'
    """
    data = parse(text, name)
    if unknown := set(data) - {"known"}:
        raise RuleError(f"{name}: no table {', '.join(sorted(unknown))}; entries are [[known]]")
    return tuple(
        _entry(entry, f"{name}: known entry {number}", number) for number, entry in enumerate(data.get("known", []), 1)
    )


def _entry(entry: dict, where: str, number: int) -> KnownNoise:
    if unknown := set(entry) - _FIELDS:
        raise RuleError(f"{where}: no field {', '.join(sorted(unknown))}; there are: {', '.join(sorted(_FIELDS))}")
    for needed in ("author", "reason", "expires"):
        if not entry.get(needed):
            raise RuleError(f"{where} has no {needed}; noise that nobody stands for is not hidden")
    expires = entry["expires"]
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise RuleError(f"{where}: expires is {expires!r}; write a day, as in expires = 2026-04-01")
    if ("pattern" in entry) == ("fingerprint" in entry):
        raise RuleError(f"{where} needs either a pattern or a fingerprint")
    if "pattern" in entry:
        try:
            pl.select(pl.lit("").str.contains(entry["pattern"]))
        except pl.exceptions.ComputeError as error:
            raise RuleError(f"{where}: the pattern is no regex (linear-time, without look-around): {error}") from error
    return KnownNoise(str(entry.get("id", number)), **{key: entry[key] for key in entry if key != "id"})


def apply_known(
    entries: Sequence[KnownNoise], rows: pl.DataFrame, errors: pl.DataFrame, events: pl.DataFrame
) -> pl.DataFrame:
    """Turn events that a team knows into noise of class `known`.

    Parameters
    ----------
    entries
        From `parse_known`; the first that fits names the event.
    rows
        One row an event: `error_id`, `issue_id` (null: noise already), `noise_class`, `noise_reason`, `noise_rule`.
    errors
        `error_id`, `type`, `message`.
    events
        Canonical `events` in the order of `rows`; `at` decides whether an entry has expired.

    Returns
    -------
    `rows` with verdicts added. Issues stay as they were; the caller takes them from noise.
    """
    at = (
        events["at"]
        if "at" in events.columns
        else pl.repeat(None, len(rows), dtype=pl.Datetime("us", "UTC"), eager=True)
    )
    for entry in entries:
        fits = _named(entry, rows, errors) & (at < entry.ends).fill_null(True)
        verdict = {"noise_class": "known", "noise_reason": entry.said, "noise_rule": f"known/{entry.id}"}
        rows = rows.with_columns(
            pl.when(fits).then(pl.lit(said)).otherwise(pl.col(name)).alias(name) for name, said in verdict.items()
        )
    return rows


def ended_entries(entries: Sequence[KnownNoise], rows: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """List the entries that have ended and whose events count again, so that somebody renews or deletes them.

    Parameters
    ----------
    entries, errors
        As for `apply_known`.
    rows
        What `apply_known` gave, with `at` and `n` (events a row).

    Returns
    -------
    `id`, `author`, `expires`, `n` (events that it names, from its last day on), in the order of the list.
    """
    ended = []
    for entry in entries:
        again = rows.filter(_named(entry, rows, errors) & (rows["at"] >= entry.ends).fill_null(False))
        if len(again):
            ended.append((entry.id, entry.author, entry.expires, int(again["n"].sum())))
    schema = {"id": pl.String, "author": pl.String, "expires": pl.Date, "n": pl.Int64}
    return pl.DataFrame(ended, schema=schema, orient="row")


def _named(entry: KnownNoise, rows: pl.DataFrame, errors: pl.DataFrame) -> pl.Series:
    """Say of each row whether an entry names it and nothing else has called it noise."""
    if entry.fingerprint is not None:
        fits = (rows["issue_id"] == entry.fingerprint).fill_null(False)
    else:
        text = pl.concat_str(pl.col("type").fill_null("Error"), pl.col("message").fill_null(""), separator=": ")
        fits = rows["error_id"].is_in(errors.filter(text.str.contains(entry.pattern))["error_id"].implode())
    return fits & rows["noise_class"].is_null()
