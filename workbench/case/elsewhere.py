"""A case over tables that stay where they are: what is big is counted there, and only what must be seen comes home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.formats.user_agents import COLUMNS as TOLD_BY_AGENT
from connectors.formats.user_agents import with_agents
from connectors.stores import Window
from connectors.tables import PAGE_VIEWS, REPLAY_EVENTS, SESSIONS
from connectors.warehouse_slices import MOST_CARRIED, belonging
from workbench import reduce
from workbench.case.case import Case
from workbench.case.find import find
from workbench.case.find_elsewhere import around_id
from workbench.case.hits_elsewhere import count_hits, events_of_bugs
from workbench.case.impact import people_sessions
from workbench.case.measured import Measured
from workbench.case.measured_elsewhere import MeasuredElsewhere
from workbench.contrast import UNKNOWN, judge_counts
from workbench.crawlers import crawlers
from workbench.statistics import rate_weight

EVERY = "5m"
"""In which bins page views are counted: the step that the alert rules are judged at."""

MOST_RECORDINGS = 200


class CaseElsewhere(Case):
    """A `Case` over a store with `rows`, `count` and `slice`, such as a `connectors.warehouse.Warehouse`.

    Tables that are few are held, as in any case. Of big ones, sessions and page views that met no error are counts
    (`stands_for` says of how many), vitals are histograms, and errors are representatives (`sample_rate` weighs them;
    `shapes` has the exact counts). The ledger says what stayed where it is.
    """

    def is_big(self, name: str) -> bool:
        """Say whether a table of the window stays where it is."""
        return bool(self.store.is_big(name, self.window))

    def rows(self, name: str) -> nw.LazyFrame[Any]:
        """Give a table of the window and release where it lies: what reductions are made of."""
        rows = self._lying(name)
        if self.release is None or "release" not in rows.collect_schema().names():
            return rows
        return rows.filter(nw.col("release").cast(nw.String).str.contains(self.release, literal=True))

    def _lying(self, name: str) -> nw.LazyFrame[Any]:
        if self.store.warehouse_of(name) is None:  # fetched from another part of the source, or there is none
            return nw.from_native(self.evidence.table(name).lazy())
        rows: nw.LazyFrame[Any] = self.store.rows(name, self.window)
        return rows

    def people(self, name: str) -> nw.LazyFrame[Any]:
        """Give a table without the rows of crawlers, as far as sessions tell who they are."""
        rows = self.rows(name)
        have = rows.collect_schema().names()
        if not self._crawlers or "session_id" not in have:
            return rows
        if name == "sessions":
            agent = nw.col("user_agent").cast(nw.String)
            return rows.filter(~agent.is_in(self._crawlers) | agent.is_null())
        sessions = self._lying("sessions")
        bots = sessions.filter(nw.col("user_agent").cast(nw.String).is_in(self._crawlers)).select("session_id")
        if sessions.implementation == rows.implementation:
            return rows.join(bots.unique(), on="session_id", how="anti")
        ids = bring_home(bots.unique())["session_id"].drop_nulls().sort().head(MOST_CARRIED)
        session = nw.col("session_id").cast(nw.String)
        return rows.filter(~session.is_in(ids.to_list()) | session.is_null()) if len(ids) else rows

    @cached_property
    def _crawlers(self) -> list[str]:
        if not self.store.has("sessions"):
            return []
        sessions = self._lying("sessions")
        if "user_agent" not in sessions.collect_schema().names():
            return []
        agents = reduce.dimension_counts(sessions, ["user_agent"])["value"].drop_nulls()
        return sorted(agent for agent, is_crawler in crawlers(agents).items() if is_crawler)

    @cached_property
    def shapes(self) -> pl.DataFrame:
        """Every distinct error of the window with its exact counts, however many came home."""
        rows = self.rows("events")
        have = rows.collect_schema().names()
        return reduce.error_shapes(rows, [name for name in ("type", "message", "stack") if name in have])

    @cached_property
    def _sessions_first(self) -> pl.DataFrame:
        if not self.is_big("sessions"):
            return super().sessions
        return self._with_others(self._of_release(people_sessions(self.evidence.table("sessions"))))

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """The sessions of people: of many, those that met an error one by one, and the others counted by the hour."""
        if not (self.is_big("sessions") and self.is_big("events")):
            return self._sessions_first
        events, _ = events_of_bugs(self)
        met = belonging(self.people("sessions"), "session_id", events)
        return self._with_others(self.store.home("sessions", met))

    def _with_others(self, met: pl.DataFrame) -> pl.DataFrame:
        by = ["started_at", "ended_at", "release"]
        hours = [pl.col(name).dt.truncate("1h") for name in ("started_at", "ended_at")]
        counted = self._by_hour
        others = (
            counted.join(met.group_by(*hours, "release").agg(met=pl.len()), on=by, how="left", nulls_equal=True)
            .with_columns(stands_for=pl.col("n") - pl.col("met").fill_null(0))
            .filter(pl.col("stands_for") > 0)
        )
        self._stayed("sessions", f"the others were counted by the hour, in {counted.height:,} rows")
        return pl.concat([met, others.select(*by, "stands_for")], how="diagonal")

    @cached_property
    def _by_hour(self) -> pl.DataFrame:
        return _by_hour(self.people("sessions"), ["started_at", "ended_at", "release"])

    def errors_over_time(self, every: str) -> pl.DataFrame:
        """Errors in stretches of time: at, errors (not noise), noise; of many, counted where they lie."""
        if not self.is_big("events"):
            return super().errors_over_time(every)
        events, _ = events_of_bugs(self)
        whole, signal = (
            reduce.counts_over_time(rows, every).select("at", n) for rows, n in (
                (self.rows("events"), pl.col("weight").alias("whole")), (events, pl.col("weight").alias("errors")))
        )  # fmt: skip
        both = whole.join(signal, on="at", how="left").with_columns(pl.col("errors").fill_null(0))
        noise = (pl.col("whole") - pl.col("errors")).round().cast(pl.Int64).alias("noise")
        return both.select("at", pl.col("errors").round().cast(pl.Int64), noise)

    @cached_property
    def page_views(self) -> pl.DataFrame:
        """Page views: many are counted in bins of five minutes, by route where an error was."""
        if not self.is_big("page_views"):
            return super().page_views
        rows = self.rows("page_views")
        by = [name for name in ("route", "release", "environment") if name in rows.collect_schema().names()]
        if "route" in by:
            hit = self.events["route"].drop_nulls().unique().sort().to_list()
            known = nw.col("route").cast(nw.String)
            rows = rows.with_columns(route=nw.when(known.is_in(hit)).then(known))
        counted = reduce.counts_over_time(rows, EVERY, by).rename({"n": "stands_for"})
        self._stayed("page_views", f"they were counted in stretches of {EVERY}, in {counted.height:,} rows")
        return pl.concat([PAGE_VIEWS.empty(), counted.drop("weight")], how="diagonal")

    @cached_property
    def measured(self) -> Measured:
        """The vitals as something to reduce: of many, histograms come home."""
        return Measured(self) if self.store.warehouse_of("vitals") is None else MeasuredElsewhere(self)

    @cached_property
    def _met(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Which event is of which bug, and the events; of many, counts of them."""
        if not self.is_big("events"):
            return super()._met
        counted = count_hits(self)
        return counted.select("event_id", "bug_id"), counted

    @cached_property
    def funnel(self) -> pl.DataFrame:
        """Raw errors to bugs that hit users; of many, those after noise by what their representatives stand for."""
        if not self.is_big("events"):
            return super().funnel
        left = self.grouping.events.filter(pl.col("noise_class").is_null()).select("event_id")
        n = {"raw errors": int(self.shapes["n"].sum()), "after noise": int(self._weights(left)["weight"].sum())}
        counted = pl.col("step").replace_strict(n, default=pl.col("n"), return_dtype=pl.Int64)
        return super().funnel.with_columns(n=counted)

    @cached_property
    def noise(self) -> pl.DataFrame:
        """Noise by class; of many errors, by what their representatives stand for."""
        if not self.is_big("events"):
            return super().noise
        of_class = self.grouping.events.filter(pl.col("noise_class").is_not_null()).select("event_id", "noise_class")
        counted = self._weights(of_class).group_by("noise_class").agg(events=pl.col("weight").sum().cast(pl.UInt32))
        return super().noise.update(counted, on="noise_class").sort("events", "noise_class", descending=[True, False])

    def _weights(self, rows: pl.DataFrame) -> pl.DataFrame:
        weight = rate_weight().alias("weight")
        return rows.join(self.events.select("event_id", weight), on="event_id")

    def contrast(self, hit: Sequence[str] | pl.Series, dimensions: Sequence[str]) -> pl.DataFrame:
        """What some sessions have in common that the others have not, the others counted where they lie."""
        if not self.is_big("sessions"):
            return super().contrast(hit, dimensions)
        mine = self.sessions.filter(pl.col("session_id").is_in(list(hit)))
        sides = []
        for counts, name in ((_values(mine, dimensions), "n_hit"), (self._everyone(dimensions), "n_all")):
            value = pl.col("value").fill_null(UNKNOWN)
            sides.append(counts.group_by("dimension", value).agg(pl.col("n").sum().alias(name)))
        counts = (
            sides[1]
            .join(sides[0], on=["dimension", "value"], how="full", coalesce=True)
            .with_columns(pl.col("n_all", "n_hit").fill_null(0))
            .with_columns(n_other=(pl.col("n_all") - pl.col("n_hit")).clip(0))
            .select("dimension", "value", "n_hit", "n_other")
            .sort("dimension", "value")
        )
        everyone = int(self.sessions["stands_for"].fill_null(1).sum())
        return judge_counts(counts, mine.height, everyone - mine.height)

    def _everyone(self, dimensions: Sequence[str]) -> pl.DataFrame:
        """Count each dimension over all sessions of people; what only their user agents tell is told from those."""
        rows = self.people("sessions")
        have = rows.collect_schema().names()
        counts = [reduce.dimension_counts(rows, [name for name in dimensions if name in have])]
        parsed = [name for name in dimensions if name not in have and name in TOLD_BY_AGENT]
        if parsed and "user_agent" in have:
            agents = reduce.dimension_counts(rows, ["user_agent"]).select(pl.col("value").alias("user_agent"), "n")
            told = with_agents(agents.with_columns(pl.lit(None, pl.String).alias(name) for name in parsed))
            counts += [
                told.select(pl.lit(name).alias("dimension"), pl.col(name).alias("value"), "n") for name in parsed
            ]
        return pl.concat([one.select("dimension", "value", "n") for one in counts])

    @cached_property
    def recordings(self) -> pl.DataFrame:
        """The recordings' events in one slice: of all, or of as many as can be looked at, with an error first."""
        if self.store.warehouse_of("replay_events") is None:
            return super().recordings
        ids = self.replays["replay_id"].sort()
        if len(ids) > MOST_RECORDINGS and self.is_big("replay_events"):
            met = self.replays.filter(pl.col("session_id").is_in(self.events["session_id"].drop_nulls().implode()))
            said = f"{MOST_RECORDINGS} of {len(ids):,} recordings were looked at, those of sessions with an error first"
            ids = pl.concat([met["replay_id"].sort(), ids]).unique(maintain_order=True).head(MOST_RECORDINGS)
            self.evidence.remark("replays", said)
        if ids.is_empty():
            return REPLAY_EVENTS.empty()
        return self.store.slice("replay_events", {"replay_id": ids.to_list()}).sort(
            "replay_id", "at", maintain_order=True
        )

    @property
    def extent(self) -> tuple[datetime, datetime] | None:
        """From when to when the whole source holds errors, whatever the window; None when it holds none."""
        if self.store.warehouse_of("events") is None:
            return super().extent if self.store.has("events") else None
        ends = self.store.rows("events", Window()).select(first=nw.col("at").min(), last=nw.col("at").max())
        first, last = bring_home(ends).row(0)
        return None if first is None else (first, last)

    def find(self, any_id: str) -> pl.DataFrame:
        """Everything that happened around an id; only its rows come home. `ParameterError` if there are none."""
        return find(self, around_id(self, any_id), any_id)

    def _stayed(self, name: str, said: str) -> None:
        n = self.store.count(name, self.window)
        self.evidence.counted(name)
        self.evidence.remark(name, f"{n:,} {name.replace('_', ' ')} stay where they are; {said}")


def _by_hour(sessions: nw.LazyFrame[Any], by: Sequence[str]) -> pl.DataFrame:
    """Count sessions by the hours in which they began and ended, and by release."""
    have = sessions.collect_schema().names()
    ended = "ended_at" if "ended_at" in have else "started_at"
    release = nw.col("release").cast(nw.String) if "release" in have else nw.lit(None, dtype=nw.String)
    counted = (
        sessions.select(
            nw.col("started_at").dt.truncate("1h").alias("started_at"),
            nw.col(ended).dt.truncate("1h").alias("ended_at"),
            release.alias("release"),
        )
        .group_by(*by)
        .agg(n=nw.len().cast(nw.Int64))
    )
    home = bring_home(counted)
    return home.with_columns(pl.col("started_at", "ended_at").cast(SESSIONS.schema["started_at"])).sort(by)


def _values(sessions: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    return reduce.dimension_counts(sessions, dimensions).select("dimension", "value", "n")
