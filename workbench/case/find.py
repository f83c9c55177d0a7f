"""One timeline for any id: the tables of the case, and the recording of the session it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from workbench.replay.dom import blank_pages, replay_marks
from workbench.traces.subject import subject_of
from workbench.traces.timeline import timeline

if TYPE_CHECKING:
    from workbench.case.case import Case

FOUND_IN = ("events", "requests", "breadcrumbs", "page_views", "vitals", "spans", "sessions", "replays")


def find(case: Case, tables: Mapping[str, pl.DataFrame], any_id: str) -> pl.DataFrame:
    """Put everything of the tables that belongs to an id in one order of time, its recording and deploys with it.

    Raises
    ------
    ParameterError
        No table holds the id.
    """
    subject = subject_of(any_id, tables)
    recorded = tables["replays"].filter(pl.col("session_id").is_in(list(subject.sessions)))["replay_id"]
    recordings = [case.evidence.replay_events(replay) for replay in recorded]
    whole = pl.concat(recordings) if recordings else None
    return timeline(
        any_id,
        **tables,
        releases=case.releases,
        marks=replay_marks(whole) if whole is not None else None,
        blank_pages=blank_pages(whole) if whole is not None else None,
        support=tables["sessions"].select("session_id", pl.col("support_at").alias("at")).drop_nulls("at"),
    )
