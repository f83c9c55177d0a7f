"""Who was hit: the sessions of people, and which of them met which bug."""

from __future__ import annotations

import polars as pl

from workbench.errors.agents import crawlers


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
