"""A window over a source, and every table of the investigation, each computed once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl

from connectors.exceptions import ParameterError
from connectors.stores import Window
from connectors.tables import REPLAY_EVENTS
from workbench.case.again import Again, symbolicate_again
from workbench.case.bug import Bug
from workbench.case.evidence import Evidence
from workbench.case.find import FOUND_IN, find
from workbench.case.impact import errors_over_time, hit_sessions, noise_classes, people_sessions
from workbench.case.measured import Measured
from workbench.contrast import contrast
from workbench.errors.grouping import Grouping, group
from workbench.errors.impact import bug_impact
from workbench.errors.messages import canonical_messages
from workbench.errors.usual import deploys
from workbench.replay.dom import blank_pages
from workbench.replay.privacy import leaks
from workbench.symbolicate.audit import audit_maps
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.frames import symbolicate
from workbench.traces.joins import all_2xx, replay_joins, trace_joins


class Case:
    """One investigation. Every property is computed when first looked at, and once.

    See `open_case`. The tables of DESIGN.md section 4 are properties of their own names.
    """

    def __init__(self, store: Any, window: Window, release: str | None = None) -> None:
        self.store = store
        self.window = window
        self.release = release
        self.evidence = Evidence(store, window)

    @property
    def name(self) -> str:
        """What the source calls itself."""
        return str(getattr(self.store, "name", "source"))

    def __repr__(self) -> str:
        return f"Case({self.name!r}, {self.window.describe()}, release={self.release or 'all'})"

    def _of_release(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("release").str.contains(self.release, literal=True)) if self.release else frame

    @cached_property
    def events(self) -> pl.DataFrame:
        """Every error as the browsers reported it."""
        return self._of_release(self.evidence.table("events"))

    @cached_property
    def raw_frames(self) -> pl.DataFrame:
        """The stacks as reported, newest frame first, with the release of their event."""
        said = canonical_messages(self.events.select("type", "message").unique()).select(
            "type", "message", pl.col("property").alias("message_property")
        )
        of_event = self.events.select("event_id", "release", "dist", "at", "type", "message").join(
            said, on=["type", "message"], how="left", nulls_equal=True
        )
        return self.evidence.table("frames").join(of_event.drop("type", "message"), on="event_id", how="inner")

    @cached_property
    def frames(self) -> pl.DataFrame:
        """The stacks with source, line, function, and a verdict a frame."""
        return symbolicate(self.raw_frames, self.store, cache=MapCache.of_user())

    @property
    def breadcrumbs(self) -> pl.DataFrame:
        """What the SDK noted before each event."""
        return self.evidence.table("breadcrumbs")

    @property
    def requests(self) -> pl.DataFrame:
        """The requests that the browsers made."""
        return self.evidence.table("requests")

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """The sessions of people: crawlers are left out, they are counted in `noise`."""
        return self._of_release(people_sessions(self.evidence.table("sessions")))

    @cached_property
    def page_views(self) -> pl.DataFrame:
        """Every page view of the window, crawlers' included."""
        return self._of_release(self.evidence.table("page_views"))

    @cached_property
    def measured(self) -> Measured:
        """The vitals as something to reduce: what counts of them, roll-ups; millions of rows are not held."""
        return Measured(self)

    @property
    def vitals(self) -> pl.DataFrame:
        """Web vitals of people's page views that count, in memory; the ledger counts the others by reason."""
        return self.measured.frame

    @property
    def replays(self) -> pl.DataFrame:
        """The recordings that the replay store kept."""
        return self.evidence.table("replays")

    @property
    def spans(self) -> pl.DataFrame:
        """Browser and backend spans, one table."""
        return self.evidence.table("spans")

    @property
    def releases(self) -> pl.DataFrame:
        """Deploys, oldest first."""
        return self.evidence.table("releases").sort("deployed_at", nulls_last=True)

    @cached_property
    def deploys(self) -> pl.DataFrame:
        """When each release was deployed, under the name that the events give it (`shop@b4472428e6f7` is a commit)."""
        known = self.releases.drop_nulls("deployed_at")
        return deploys(self.events, known) if known.height else known.select("release", "deployed_at")

    @property
    def lab_runs(self) -> pl.DataFrame:
        """Lighthouse results."""
        return self.evidence.table("lab_runs")

    @cached_property
    def first_party(self) -> tuple[str, ...]:
        """The domains that are ours: as the source says, else (in the errors room) those of the pages themselves."""
        return tuple(getattr(self.store, "first_party", ()) or ())

    @cached_property
    def grouping(self) -> Grouping:
        """Events to noise, shapes, issues and bugs, with a reason for every verdict."""
        return group(
            self.events,
            self.frames,
            self.requests,
            releases=self.releases,
            first_party=self.first_party or None,
            spans=self.spans,
            sessions=self._sessions_first,
            page_views=self.page_views,
            blank_sessions=self.blank["session_id"].unique(),
        )

    @property
    def _sessions_first(self) -> pl.DataFrame:
        """Sessions as they are known before any bug is."""
        return self.sessions

    @property
    def _met(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Which event is of which bug, and the events."""
        return self.grouping.events, self.events

    @cached_property
    def bugs(self) -> pl.DataFrame:
        """One row a bug, worst first: priority with its terms, sessions, users, routes, first seen, release."""
        blank = self.blank["session_id"].unique()
        impact = bug_impact(*self._met, self.sessions, self.page_views, blank_sessions=blank)
        about = self.grouping.bugs.select(
            "bug_id", "title", "summary", "endpoint", "missing_field", "failing_span", "components", "n_issues"
        )
        return impact.join(about, on="bug_id", how="left", maintain_order="left")

    @cached_property
    def hitting(self) -> pl.DataFrame:
        """The bugs that hit somebody: in a session of people, or in events of which nobody knows the session."""
        bug_of, events = self._met
        told = bug_of.join(events.drop_nulls("session_id"), on="event_id", how="semi")["bug_id"].drop_nulls().unique()
        return self.bugs.filter((pl.col("sessions") > 0) | ~pl.col("bug_id").is_in(told.implode()))

    def bug(self, bug_id: str) -> Bug:
        """Look at one bug.

        Raises
        ------
        ParameterError
            There is no such bug; lists those there are.
        """
        ids = self.bugs["bug_id"].to_list()
        if bug_id not in ids:
            raise ParameterError(f"no bug {bug_id!r} in this case; there are: {', '.join(ids) or 'none'}")
        return Bug(self, bug_id)

    @cached_property
    def funnel(self) -> pl.DataFrame:
        """Raw errors to bugs that hit users: one row a step, `n` what is left."""
        left = self.grouping.events.filter(pl.col("noise_class").is_null())
        steps = [
            ("raw errors", self.events.height),
            ("after noise", left.height),
            ("shapes", left["shape_id"].n_unique() if left.height else 0),
            ("issues", left["issue_id"].drop_nulls().n_unique()),
            ("bugs that hit users", self.hitting.height),
        ]
        return pl.DataFrame(steps, schema={"step": pl.String, "n": pl.Int64}, orient="row")

    @cached_property
    def noise(self) -> pl.DataFrame:
        """Noise by class: events, sessions, the reason most often given, an example; nothing is dropped unseen."""
        return noise_classes(self.grouping.events, self.events)

    def errors_over_time(self, every: str) -> pl.DataFrame:
        """Errors in stretches of time, as "5m": at, errors (not noise), noise; stretches without any are not there."""
        return errors_over_time(self.events, self.grouping.events, every)

    @cached_property
    def hit(self) -> pl.DataFrame:
        """Sessions of people that a bug hit: session_id, bug_id, first_at."""
        return hit_sessions(*self._met, self.sessions)

    def contrast(self, hit: Sequence[str] | pl.Series, dimensions: Sequence[str]) -> pl.DataFrame:
        """What some sessions have in common that the others have not, see `workbench.contrast`."""
        return contrast(self.sessions, hit, dimensions)

    @cached_property
    def answers(self) -> pl.DataFrame:
        """For each hit session, whether every backend answer in it was 2xx."""
        return all_2xx(self.hit["session_id"].unique().sort(), self.requests, self.spans)

    @cached_property
    def trace_joins(self) -> pl.DataFrame:
        """For each event, its backend trace, or why there is none."""
        return trace_joins(self.events, self.spans, self.requests)

    @cached_property
    def replay_joins(self) -> pl.DataFrame:
        """For each event, its recording, or why there is none."""
        return replay_joins(self.events, self.replays, self.evidence.table("sessions"))

    @cached_property
    def recordings(self) -> pl.DataFrame:
        """Every kept recording's events, one recording after the other."""
        events = [self.evidence.replay_events(replay) for replay in self.replays["replay_id"].sort()]
        return pl.concat(events) if events else REPLAY_EVENTS.empty()

    @cached_property
    def blank(self) -> pl.DataFrame:
        """Pages that went blank, in the recordings of people's sessions."""
        return blank_pages(self.recordings).join(self._sessions_first, on="session_id", how="semi")

    @cached_property
    def leaks(self) -> pl.DataFrame:
        """Where personal data stands in clear in recordings: kind, page and field, never the value."""
        return leaks(self.recordings)

    @cached_property
    def map_audit(self) -> pl.DataFrame:
        """Per release, whether its source maps are there and fit."""
        return audit_maps(self.frames, self.evidence.table("artifacts"), self.releases, first_party=self.first_party)

    @cached_property
    def breaking_release(self) -> str | None:
        """The release that the worst bug came with, None where there is no bug."""
        return None if self.bugs.is_empty() else self.bugs["release"][0]

    @cached_property
    def previous_release(self) -> str | None:
        """The release that was live before `breaking_release`."""
        at = self.deploys.filter(pl.col("release") == pl.lit(self.breaking_release, pl.String)).select("deployed_at")
        before = self.releases.join(at, on="deployed_at")["previous_release"].drop_nulls()
        return next(iter(before), None)

    @cached_property
    def vitals_change(self) -> pl.DataFrame:
        """Web vitals of the breaking release against the one before, by device class: p75 with intervals, verdicts."""
        return self.measured.change(self.previous_release, self.breaking_release, ("metric", "device_class"))

    @cached_property
    def vitals_change_by_route(self) -> pl.DataFrame:
        """The same for each route; many routes of a small site have too few page views to say."""
        return self.measured.change(self.previous_release, self.breaking_release)

    @property
    def extent(self) -> tuple[datetime, datetime] | None:
        """From when to when the whole source holds errors, whatever the window; None when it holds none."""
        seen = self.store.events(Window()).frame.select(pl.col("at").min(), pl.col("at").max().alias("to")).collect()
        return None if seen["at"][0] is None else seen.row(0)

    @property
    def ledger(self) -> pl.DataFrame:
        """What was fetched, what is missing, what was sampled: one row a fetch."""
        return self.evidence.ledger()

    def symbolicate_again(self, maps: Any = None) -> Again:
        """Look source maps up anew, after an upload (`maps`: to another store): what became of frames and issues."""
        return symbolicate_again(self, maps)

    def find(self, any_id: str) -> pl.DataFrame:
        """Everything that happened around an event, session, replay, trace or request; `ParameterError` if nothing."""
        return find(self, {name: self.evidence.table(name) for name in FOUND_IN}, any_id)
