"""A case's events, ready to be grouped anew under other rules."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from connectors.exceptions import ParameterError
from workbench.case.case import Case
from workbench.case.elsewhere import CaseElsewhere
from workbench.errors.grouping import prepare
from workbench.errors.impact import stands_for
from workbench.errors.known import KnownNoise, parse_known
from workbench.errors.regroup import Regrouping
from workbench.errors.rule_syntax import Rules, parse_rules
from workbench.statistics import rate_weight


def regrouping(case: Case) -> Regrouping:
    """Do once all of the grouping that does not depend on rules.

    Examples
    --------
    >>> import workbench as wb
    >>> trial = regrouping(wb.open_case("sample-data"))
    >>> trial.diff("", "type:TypeError -> everything")["change"].to_list()
    ['merged']
    """
    return Regrouping(
        prepare(
            counted_events(case),
            case.frames,
            case.requests,
            releases=case.releases,
            first_party=case.first_party or None,
        )
    )


def counted_events(case: Case) -> pl.DataFrame:
    """Return a case's events; of errors that stay where they are, how many each representative stands for.

    Examples
    --------
    >>> import workbench as wb
    >>> case = wb.open_case("sample-data")
    >>> n_events(case) == counted_events(case).height == len(case.events)
    True
    """
    if not (isinstance(case, CaseElsewhere) and case.is_big("events")):
        return case.events
    # Whole numbers that add up: three of four events stand for one, one and two.
    of_error = [name for name in ("type", "message", "stack", "sample_rate") if name in case.events.columns]
    reached = rate_weight().cum_sum().over(of_error).round().cast(pl.Int64)
    return case.events.with_columns(stands_for=reached - reached.shift(1, fill_value=0).over(of_error))


def n_events(case: Case) -> int:
    """Count a case's events as the lab and the funnel do."""
    events = counted_events(case)
    return int(events.select(stands_for(events).sum()).item() or 0)


def read_rules(path: Path | str) -> Rules:
    """Read a file of fingerprint and stack-trace rules.

    Raises
    ------
    ParameterError
        There is no such file, or it is no UTF-8 text.
    RuleError
        `file:line:column: what is wrong`.

    Examples
    --------
    >>> read_rules("no-such.rules")
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: there is no file no-such.rules; ...
    """
    return parse_rules(read_text(path), str(path))


def read_known(path: Path | str | None) -> tuple[KnownNoise, ...]:
    """Read a team's list of known noise; none when no path is given."""
    return () if path is None else parse_known(read_text(path), str(path))


def read_text(path: Path | str) -> str:
    """Read a file that a person wrote.

    Raises
    ------
    ParameterError
        There is no such file, or it is no UTF-8 text.
    """
    try:
        return Path(path).read_text("utf-8-sig")
    except FileNotFoundError:
        raise ParameterError(f"there is no file {path}; give the path of a file of rules, one rule a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} cannot be read as text: {error}") from error


def rules_diff(
    case: Case,
    old: Rules | str,
    new: Rules | str,
    *,
    known_old: tuple[KnownNoise, ...] = (),
    known_new: tuple[KnownNoise, ...] = (),
) -> pl.DataFrame:
    """Say what splits, merges and moves in a case when one file of rules takes the place of another.

    The Python twin of `workbench rules diff`.

    Parameters
    ----------
    case
        From `open_case`.
    old, new
        Rules as text or parsed.
    known_old, known_new
        The team's lists of known noise that go with them.

    Returns
    -------
    One row a change, see `Regrouping.compare`; empty: the same events stay together under the same names.

    Examples
    --------
    >>> import workbench as wb
    >>> rules_diff(wb.open_case("sample-data"), "", "").height
    0
    """
    return regrouping(case).diff(old, new, known_old=known_old, known_new=known_new)
