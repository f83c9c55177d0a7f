"""One bug of a case, from its throwing line to the trace behind the 200 OK and what the user saw."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from workbench.replay.dom import Moment, moment, replay_marks
from workbench.symbolicate.frames import source_lines
from workbench.traces.failures import failing_spans
from workbench.traces.tree import trace_tree

if TYPE_CHECKING:
    from workbench.case.case import Case

NO_LINES = pl.DataFrame(schema={"line": pl.Int64, "text": pl.String, "is_hit": pl.Boolean})
DIMENSIONS = ("release", "browser", "os", "device_class", "region")


class Place(NamedTuple):
    """Where an issue throws: its topmost frame of the team's own code, the source around it, the whole stack."""

    frame: dict[str, Any]
    source: pl.DataFrame
    stack: pl.DataFrame

    @property
    def is_mapped(self) -> bool:
        """True when the frame stands in the team's own source."""
        return self.frame["source"] is not None

    @property
    def function(self) -> str | None:
        """The enclosing function, as far as it is known."""
        return self.frame["source_function"] or self.frame["function"]


class Bug:
    """One bug. Every property is computed when first looked at, and once."""

    def __init__(self, case: Case, bug_id: str) -> None:
        self.case = case
        self.bug_id = bug_id

    def __repr__(self) -> str:
        return f"Bug({self.bug_id!r}, {self.row['title']!r})"

    @cached_property
    def row(self) -> dict[str, Any]:
        """The bug's row of `case.bugs`."""
        return self.case.bugs.row(by_predicate=pl.col("bug_id") == self.bug_id, named=True)

    @cached_property
    def issues(self) -> pl.DataFrame:
        """The issues that were merged into this bug, most events first."""
        ids = self.case.grouping.events.filter(pl.col("bug_id") == self.bug_id)["issue_id"].unique()
        return self.case.grouping.issues.filter(pl.col("issue_id").is_in(ids.implode())).sort(
            "n_events", "issue_id", descending=[True, False]
        )

    @cached_property
    def evidence(self) -> pl.DataFrame:
        """Why these issues are one bug: kind, weight, sentence; heaviest first."""
        return self.case.grouping.evidence.filter(pl.col("bug_id") == self.bug_id)

    @cached_property
    def events(self) -> pl.DataFrame:
        """The bug's events with everything known of them, oldest first."""
        mine = self.case.grouping.events.filter(pl.col("bug_id") == self.bug_id)
        return (
            self.case.events.join(mine, on="event_id", how="inner")
            .join(self.case.trace_joins.select("event_id", "has_backend"), on="event_id", how="left")
            .join(self.case.replay_joins.select("event_id", "has_replay"), on="event_id", how="left")
            .sort("at", "event_id")
        )

    @cached_property
    def sessions(self) -> pl.Series:
        """Ids of the people's sessions that were hit."""
        return self.case.hit.filter(pl.col("bug_id") == self.bug_id)["session_id"].unique().sort()

    @cached_property
    def example(self) -> dict[str, Any]:
        """The event that shows most: mapped, with a recording and a failing backend span, of a person, early."""
        throwing = self.case.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
        failing = self.failing_spans["trace_id"] if self.failing_spans.height else pl.Series([], dtype=pl.String)
        return (
            self.events.join(throwing.select("event_id", "source"), on="event_id", how="left")
            .with_columns(
                pl.col("session_id").is_in(self.sessions.implode()).fill_null(False).alias("_person"),
                pl.col("source").is_not_null().alias("_mapped"),
                pl.col("has_replay").fill_null(False),
                pl.col("trace_id").is_in(failing.implode()).fill_null(False).alias("_failing"),
            )
            .sort("_person", "_mapped", "has_replay", "_failing", "at", descending=[True, True, True, True, False])
            .row(0, named=True)
        )

    @cached_property
    def frames(self) -> pl.DataFrame:
        """The example's stack, newest frame first, mapped."""
        return self._stack(self.example["event_id"])

    @cached_property
    def places(self) -> list[Place]:
        """Where the bug throws: one place an issue, the example's first, then by events."""
        own = self.events.join(
            self.case.frames.filter((pl.col("exception_index") == 0) & pl.col("source").is_not_null())
            .select("event_id")
            .unique()
            .with_columns(pl.lit(True).alias("_mapped")),
            on="event_id",
            how="left",
        )
        shown = (
            own.with_columns(
                (pl.col("event_id") == self.example["event_id"]).alias("_example"),
                pl.len().over("issue_id").alias("_n"),
                pl.col("_mapped").fill_null(False),
            )
            .sort("_example", "_n", "_mapped", "at", descending=[True, True, True, False])
            .unique("issue_id", keep="first", maintain_order=True)
        )
        return [place for event_id in shown["event_id"] if (place := self._place(event_id)) is not None]

    @property
    def source(self) -> pl.DataFrame:
        """The source lines around the example's throwing position: line, text, is_hit; empty where not mapped."""
        return self.places[0].source if self.places else NO_LINES

    def _stack(self, event_id: str) -> pl.DataFrame:
        rows = self.case.frames.filter((pl.col("event_id") == event_id) & (pl.col("exception_index") == 0))
        return rows.sort("frame_index")

    def _place(self, event_id: str) -> Place | None:
        stack = self._stack(event_id)
        own = stack.filter(pl.col("in_app").fill_null(False) & pl.col("source").is_not_null())
        if stack.is_empty():
            return None
        frame = (own if own.height else stack).row(0, named=True)
        if frame["source"] is None or frame["map_status"] == "no_source_content":
            return Place(frame, NO_LINES, stack)
        lines = source_lines(self.case.store, frame["map_location"], frame["source"], frame["source_line"])
        return Place(frame, lines, stack)

    @cached_property
    def contrast(self) -> pl.DataFrame:
        """What the sessions that were hit have in common and the others have not."""
        return self.case.contrast(self.sessions, DIMENSIONS)

    @cached_property
    def _spans(self) -> pl.DataFrame:
        return self.case.spans.join(self.events.select("trace_id").unique(), on="trace_id", how="semi")

    @cached_property
    def failing_spans(self) -> pl.DataFrame:
        """The deepest failing backend span of each of the bug's traces."""
        return failing_spans(self._spans)

    @cached_property
    def traces(self) -> pl.DataFrame:
        """For each of the bug's events, its backend trace, or why there is none."""
        return self.case.trace_joins.join(self.events.select("event_id"), on="event_id", how="semi")

    @cached_property
    def trace(self) -> pl.DataFrame:
        """The example's trace as a tree, depth first; empty where the example has none."""
        failing = self.failing_spans["trace_id"]
        own = self.example["trace_id"]
        shown = own if own in failing or failing.is_empty() else failing[0]
        return trace_tree(self._spans, shown) if shown else trace_tree(self._spans.clear(), "")

    @cached_property
    def replays(self) -> pl.DataFrame:
        """For each of the bug's events, its recording, or why there is none."""
        return self.case.replay_joins.join(self.events.select("event_id"), on="event_id", how="semi")

    @cached_property
    def recording(self) -> pl.DataFrame | None:
        """The whole recording of the example's session; None where there is none."""
        replay = self.case.replay_joins.filter(pl.col("event_id") == self.example["event_id"])["replay_id"].drop_nulls()
        recording = self.case.evidence.replay_events(replay[0]) if len(replay) else None
        return None if recording is None or recording.is_empty() else recording

    @cached_property
    def moment(self) -> Moment | None:
        """The example's recording around the error, cut so that it plays alone; None where there is none."""
        return None if self.recording is None else moment(self.recording, self.example["at"])

    @cached_property
    def marks(self) -> list[tuple[int, str, str]]:
        """Clicks, requests and errors in `moment`: ms from its start, kind, label."""
        if self.recording is None or self.moment is None:
            return []
        own = pl.col("session_id") == self.example["session_id"]
        found = replay_marks(
            self.recording, events=self.case.events.filter(own), requests=self.case.requests.filter(own)
        )
        t = (pl.col("at") - self.moment.starts_at).dt.total_milliseconds().alias("t")
        kinds = pl.col("kind").is_in(["click", "request", "error"])
        return found.filter(kinds).sort("at").select(t, "kind", "label").rows()

    @cached_property
    def timeline(self) -> pl.DataFrame:
        """Everything of the example's session in one order, offsets from the error."""
        return self.case.find(self.example["event_id"])
