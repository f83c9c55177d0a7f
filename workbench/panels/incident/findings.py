"""The headline of a case: what users saw, how many, since which release, and what the backend knew of it."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from workbench.alerts.backtest import lead_time
from workbench.alerts.rates import error_rates
from workbench.alerts.rules import known_rules
from workbench.case import Case
from workbench.charts.labels import count, moment, plural, release_name, share
from workbench.errors.impact import stands_for
from workbench.panels.headline import HeadlineView, Kpi
from workbench.panels.incident.words import counted, fraction, listed, offset, page_name, sentence, stretch
from workbench.statistics import wilson_interval

RULE = "errors-5x"
REPORTED = ("vitals", "page_views", "replays", "spans", "lab_runs", "releases", "artifacts")


def headline_view(case: Case) -> HeadlineView:
    """Say the finding of a case in one sentence, what is behind it in a few, and five numbers."""
    failed = [report for report in case.evidence.reports if report.failed and report.table == "events"]
    if failed and case.events.is_empty():
        return HeadlineView("The error tracker could not be read", sentence(failed[0].failed or ""))
    if case.events.is_empty() and not _may_hold(case, "events"):
        return HeadlineView("This source holds no errors at all", _held(case))
    if case.events.is_empty():
        of = f" of release {release_name(case.release)}" if case.release else ""
        return HeadlineView(f"No errors{of} reached the tracker in this window", nothing_here(case))
    hitting = case.hitting
    if hitting.is_empty():
        title = f"{plural(case.events.height, 'error')}, and none of them a bug that hit anybody"
        return HeadlineView(title, "Every error in this window is noise; the classes and their reasons stand below.")
    at_least = "Not all errors could be read, so this is the least that happened. " * bool(failed)
    return HeadlineView(_title(case, hitting), at_least + _sub(case, hitting), _kpis(case, hitting))


def _may_hold(case: Case, table: str) -> bool:
    return bool(case.store.has(table)) if hasattr(case.store, "has") else True


def _held(case: Case) -> str:
    """Say what a source without an error tracker has instead."""
    tables = [name for name in REPORTED if _may_hold(case, name)]
    held = f"It holds {listed([name.replace('_', ' ') for name in tables])}." if tables else ""
    report = " `workbench report vitals` shows its vitals." if "vitals" in tables else ""
    return f"Nothing that was looked through is an error tracker's. {held}{report}".strip()


def nothing_here(case: Case) -> str:
    """Say what was looked for and why it may be empty."""
    views = int(case.page_views.select(stands_for(case.page_views)).sum().item() or 0)
    seen = (
        f"{plural(views, 'page view')} in the same window say that the site was in use."
        if views
        else "There are no page views either: the window may lie outside what the source holds."
    )
    whole = case.extent
    held = f" The source holds errors from {moment(whole[0])} to {moment(whole[1])} UTC." if whole else ""
    filters = [f"release {case.release}" if case.release else None, case.window.environment, case.window.project]
    looked = ", ".join(word for word in filters if word)
    held += _releases_held(case) if case.release else ""
    return f"Looked for: {case.window.describe()}{f' ({looked})' if looked else ''}. {seen}{held}"


def _releases_held(case: Case) -> str:
    """Say which releases there are, where one that was asked for has no errors: it may be a slip."""
    named = case.evidence.table("events")["release"].drop_nulls().unique().sort().to_list()
    return f" Errors of this window name {listed([release_name(name) for name in named])}." if named else ""


def exposed(case: Case, hitting: pl.DataFrame) -> int | None:
    """How many sessions of people there were on the releases that the bugs occur in; None when nobody knows."""
    if case.sessions.is_empty() or case.hit["session_id"].drop_nulls().is_empty():
        return None
    releases = case.events.join(
        case.grouping.events.filter(pl.col("bug_id").is_in(hitting["bug_id"].implode())), on="event_id", how="semi"
    )["release"]
    shown = case.sessions.filter(pl.col("release").is_in(releases.drop_nulls().unique().implode()))
    n = int(shown.select(stands_for(shown)).sum().item() or 0)
    return max(n, case.hit["session_id"].n_unique())


def deployed_at(case: Case, release: str | None) -> datetime | None:
    """When a release was deployed, None when nobody says."""
    times = case.deploys.filter(pl.col("release") == release)["deployed_at"] if release else []
    return times[0] if len(times) else None


def all_answers_2xx(case: Case) -> float | None:
    """The share of hit sessions in which every backend answer was 2xx, None where no answer is known."""
    known = case.answers["all_2xx"].drop_nulls()
    return known.mean() if len(known) else None  # type: ignore[return-value]


def _title(case: Case, hitting: pl.DataFrame) -> str:
    worst = hitting.row(0, named=True)
    routes = hitting.sort("sessions", descending=True).explode("routes")["routes"].drop_nulls()
    pages = listed(list(dict.fromkeys(page_name(route) for route in routes)), most=4)
    subject = f"{pages[0].upper()}{pages[1:]} pages" if pages else "Pages"
    since = f" after release {release_name(worst['release'])}" if worst["release"] else ""
    answered = all_answers_2xx(case)
    green = ", while the backend answered 200 OK" if answered is not None and answered >= 0.5 else ""
    return f"{subject} broke{_how_many(case, hitting)}{since}{green}"


def _how_many(case: Case, hitting: pl.DataFrame) -> str:
    """A share where the sessions are known, else what can be counted."""
    n, out_of = case.hit["session_id"].drop_nulls().n_unique(), exposed(case, hitting)
    if out_of:
        return f" for {fraction(n / out_of)}"
    return f" for {counted(n, 'session')}" if n else f" in {plural(int(hitting['events'].sum()), 'error')}"


def _sub(case: Case, hitting: pl.DataFrame) -> str:
    said = [_bug_sentence(row, first=i == 0) for i, row in enumerate(hitting.head(3).iter_rows(named=True))]
    if hitting.height > 3:
        said.append(sentence(f"{counted(hitting.height - 3, 'more bug')} hit fewer"))
    answered = all_answers_2xx(case)
    if answered is not None:
        said.append(f"{share(answered)} of hit sessions saw nothing but 2xx answers.")
    return " ".join(said)


def _bug_sentence(row: dict[str, object], *, first: bool) -> str:
    lead = "" if first else "Another bug: "
    n, events = int(row["sessions"]), int(row["events"])  # type: ignore[call-overload]
    return lead + sentence(f"{row['title']}, {counted(n, 'session') if n else plural(events, 'error')}")


def _kpis(case: Case, hitting: pl.DataFrame) -> tuple[Kpi, ...]:
    worst = hitting.row(0, named=True)
    n, out_of = case.hit["session_id"].drop_nulls().n_unique(), exposed(case, hitting)
    users = case.sessions.join(case.hit.select("session_id").unique(), on="session_id", how="semi")["user_id"]
    first_seen = hitting.filter(pl.col("release").eq_missing(worst["release"]))["first_seen"].min()
    answered = all_answers_2xx(case)
    return (
        Kpi(count(n) if n else "–", _of_sessions(n, out_of)),
        Kpi(count(users.n_unique()) if users.null_count() < len(users) else "–", "users hit"),
        Kpi(f"{first_seen:%H:%M}", f"first seen {first_seen.day} {first_seen:%b}, "
            f"{offset(first_seen, deployed_at(case, worst['release']))}"),
        _lead_kpi(case, worst),
        Kpi(share(answered), "of hit sessions: every backend answer 2xx"),
    )  # fmt: skip


def _of_sessions(n: int, out_of: int | None) -> str:
    if not out_of:
        return "sessions hit (of how many is not known)"
    low, high = wilson_interval(n, out_of)
    return f"sessions hit ({share(n / out_of)}, {100 * float(low):.0f}–{100 * float(high):.0f})"


def _lead_kpi(case: Case, worst: dict[str, object]) -> Kpi:
    rule = known_rules()[RULE]
    signal = case.errors_over_time(rule.every).filter(pl.col("errors") > 0).select("at", stands_for="errors")
    support_at = case.sessions["support_at"].min()
    rates = error_rates(signal, case.page_views, every=rule.every)
    found = lead_time(rule, rates, support_at, incident_at=deployed_at(case, worst["release"]))  # type: ignore[arg-type]
    if found.lead is None:
        why = (
            "no support contact is known"
            if support_at is None
            else f"an alert at {rule.times:.0f}× would not have fired"
        )
        return Kpi("–", why)
    ahead = found.lead.total_seconds() >= 0
    said = f"an alert at {rule.times:.0f}× the usual would have {'led' if ahead else 'followed'} support by"
    return Kpi(("−" if ahead else "+") + stretch(found.lead), said)
