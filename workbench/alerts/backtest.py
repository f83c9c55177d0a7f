"""Would an alert have fired, and how long before support heard of it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from connectors.tables import TIME
from workbench.alerts.rates import error_rates
from workbench.alerts.rules import Rule, judge


@dataclass(frozen=True)
class LeadTime:
    """What a rule would have done in an incident.

    Attributes
    ----------
    rule
        The rule.
    fired_at
        The first time it fires in the incident; None when it never does.
    support_at
        When support first heard of it; None when it never did.
    lead
        `support_at - fired_at`: negative when support was faster; None when either is missing.
    false_alarms
        How often it fired before the incident began.
    watched
        How long before the incident it was on watch, its first hours of learning left out: what the false alarms are
        to be measured against.
    times_usual
        How many times the usual the errors per visit were when it fired.
    """

    rule: Rule
    fired_at: datetime | None
    support_at: datetime | None
    lead: timedelta | None
    false_alarms: int
    watched: timedelta
    times_usual: float | None


def lead_time(
    rule: Rule, rates: pl.DataFrame, support_at: datetime | None, *, incident_at: datetime | None = None
) -> LeadTime:
    """Replay a rule over what happened, and compare its first alarm with the first support contact.

    Parameters
    ----------
    rule
        The rule.
    rates
        What `error_rates(..., every=rule.every)` gives, with enough of the time before the incident.
    support_at
        The first support contact.
    incident_at
        When the incident began, the deploy as a rule; alarms that ring before it are false. None: none is.

    Examples
    --------
    >>> from datetime import UTC
    >>> start = datetime(2026, 3, 10, tzinfo=UTC)
    >>> rates = pl.DataFrame({"at": [start + timedelta(minutes=15 * i) for i in range(60)],
    ...                       "errors": [1.0] * 50 + [20.0] * 10, "visits": 100.0})
    >>> found = lead_time(Rule("mine", times=5, every="15m"), rates, start.replace(hour=14))
    >>> str(found.lead), found.false_alarms, round(found.times_usual)
    ('1:15:00', 0, 6)
    """
    judged = judge(rule, rates)
    alarms = judged.filter("fires")
    begin = incident_at or judged["at"].min()
    in_time = alarms.filter(pl.col("fired_at") > pl.lit(begin, TIME))
    first = in_time.row(0, named=True) if in_time.height else None
    fired_at = first["fired_at"] if first else None
    on_watch = judged.filter(pl.col("usual").is_not_null() & (pl.col("fired_at") <= pl.lit(begin, TIME)))
    return LeadTime(
        rule=rule,
        fired_at=fired_at,
        support_at=support_at,
        lead=support_at - fired_at if support_at is not None and fired_at is not None else None,
        false_alarms=alarms.height - in_time.height,
        watched=(on_watch["fired_at"] - on_watch["at"]).sum() or timedelta(0),
        times_usual=first["times_usual"] if first else None,
    )


def backtest(
    rules: Mapping[str, Rule] | Iterable[Rule],
    events: pl.DataFrame,
    visits: pl.DataFrame,
    support_at: datetime | None,
    *,
    incident_at: datetime | None = None,
) -> pl.DataFrame:
    """Replay several rules over the same incident, one row a rule.

    Parameters
    ----------
    rules
        Rules, as `known_rules()` gives them.
    events, visits, support_at, incident_at
        As in `error_rates` and `lead_time`.

    Returns
    -------
    rule, title, fired_at, support_at, lead, false_alarms, watched, times_usual; the most lead first.

    Examples
    --------
    >>> from datetime import UTC
    >>> start = datetime(2026, 3, 10, tzinfo=UTC)
    >>> minutes = pl.DataFrame({"at": [start + timedelta(minutes=i) for i in range(0, 900)]})
    >>> broken = minutes.filter(pl.col("at") > start.replace(hour=12))
    >>> backtest([Rule("mine", times=5)], broken, minutes, start.replace(hour=13))["fired_at", "lead"].rows()
    [(datetime.datetime(2026, 3, 10, 12, 10, tzinfo=zoneinfo.ZoneInfo(key='UTC')), datetime.timedelta(seconds=3000))]
    """
    chosen = list(rules.values() if isinstance(rules, Mapping) else rules)
    found = [
        lead_time(rule, error_rates(events, visits, rule.every), support_at, incident_at=incident_at) for rule in chosen
    ]
    time, span = pl.Datetime("us", "UTC"), pl.Duration("us")
    schema = {
        "rule": pl.String, "title": pl.String, "fired_at": time, "support_at": time, "lead": span,
        "false_alarms": pl.Int64, "watched": span, "times_usual": pl.Float64,
    }  # fmt: skip
    rows = [
        (
            lead.rule.name,
            lead.rule.title,
            lead.fired_at,
            lead.support_at,
            lead.lead,
            lead.false_alarms,
            lead.watched,
            lead.times_usual,
        )
        for lead in found
    ]
    return pl.DataFrame(rows, schema=schema, orient="row").sort(
        "lead", "rule", descending=[True, False], nulls_last=True
    )
