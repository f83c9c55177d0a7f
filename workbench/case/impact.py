"""Who was hit: the sessions of people, and which of them met which bug."""

from __future__ import annotations

import polars as pl

from workbench.crawlers import crawlers
from workbench.statistics import rate_weight


def people_sessions(sessions: pl.DataFrame) -> pl.DataFrame:
    """Leave the crawlers' sessions out, by user agent; a session without one is taken for a person's.

    Parameters
    ----------
    sessions
        Canonical `sessions`.
    """
    judged = crawlers(sessions["user_agent"].cast(pl.String).drop_nulls().unique())
    bots = [agent for agent, is_crawler in judged.items() if is_crawler]
    return sessions.filter(~pl.col("user_agent").cast(pl.String).is_in(bots).fill_null(False))


def crawler_sessions(sessions: pl.LazyFrame) -> pl.DataFrame:
    """Return the crawlers' sessions: session_id, started_at, ended_at; of user agents each is judged once.

    Parameters
    ----------
    sessions
        Canonical `sessions`, lazy.
    """
    agent = pl.col("user_agent").cast(pl.String)
    judged = crawlers(sessions.select(agent).unique().collect()["user_agent"].drop_nulls())
    bots = [name for name, is_crawler in judged.items() if is_crawler]
    told = sessions.filter(agent.is_in(bots)).select(pl.col("session_id").cast(pl.String), "started_at", "ended_at")
    return told.collect().sort("session_id")


def hit_sessions(grouped: pl.DataFrame, events: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the people's sessions that each bug hit, with the moment of the first event.

    Parameters
    ----------
    grouped
        `Grouping.events`: event_id, bug_id.
    events
        Canonical `events`.
    sessions
        Canonical `sessions`, people's only.

    Returns
    -------
    session_id, bug_id, first_at, events; one row a session and bug.
    """
    return (
        grouped.filter(pl.col("bug_id").is_not_null())
        .join(events.select("event_id", "session_id", "at"), on="event_id")
        .join(sessions.select("session_id"), on="session_id", how="semi")
        .group_by("session_id", "bug_id")
        .agg(pl.col("at").min().alias("first_at"), pl.len().alias("events"))
        .sort("first_at", "session_id", "bug_id")
    )


def errors_over_time(events: pl.DataFrame, grouped: pl.DataFrame, every: str) -> pl.DataFrame:
    """Count errors, and noise apart, in stretches of time; each event counts one over its `sample_rate`.

    Parameters
    ----------
    events
        Canonical `events`.
    grouped
        `Grouping.events`: event_id, noise_class.
    every
        Length of a stretch, as Polars writes durations.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = [datetime(2026, 3, 9, 12, minute, tzinfo=UTC) for minute in (1, 2, 7)]
    >>> events = pl.DataFrame({"event_id": ["a", "b", "c"], "at": at, "sample_rate": [1.0, 0.5, None]})
    >>> grouped = pl.DataFrame({"event_id": ["a", "b", "c"], "noise_class": [None, None, "bot"]})
    >>> errors_over_time(events, grouped, "5m")["errors", "noise"].rows()
    [(3, 0), (0, 1)]
    """
    weight, noise = rate_weight(), pl.col("noise_class").is_not_null()
    return (
        events.select("event_id", "at", "sample_rate")
        .join(grouped.select("event_id", "noise_class"), on="event_id")
        .group_by(pl.col("at").dt.truncate(every))
        .agg(
            errors=weight.filter(~noise).sum().round().cast(pl.Int64),
            noise=weight.filter(noise).sum().round().cast(pl.Int64),
        )
        .sort("at")
    )


def noise_classes(grouped: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Count noise by class: events, sessions, the reason most often given, an example; most events first.

    Examples
    --------
    >>> grouped = pl.DataFrame({"event_id": ["a"], "noise_class": ["opaque"], "noise_reason": ["Script error."]})
    >>> events = pl.DataFrame({"event_id": ["a"], "session_id": ["s"], "type": ["Error"], "message": ["Script error."]})
    >>> noise_classes(grouped, events).rows()
    [('opaque', 1, 1, 'Script error.', 'Error: Script error.')]
    """
    return (
        grouped.filter(pl.col("noise_class").is_not_null())
        .join(events.select("event_id", "session_id", "type", "message"), on="event_id")
        .group_by("noise_class")
        .agg(
            pl.len().alias("events"),
            pl.col("session_id").n_unique().alias("sessions"),
            pl.col("noise_reason").drop_nulls().mode().sort().first().alias("reason"),
            pl.concat_str("type", "message", separator=": ", ignore_nulls=True).mode().sort().first().alias("example"),
        )
        .sort("events", "noise_class", descending=[True, False])
    )
