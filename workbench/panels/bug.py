"""One bug on a card: where it throws, why its issues are one, who is hit, the trace behind the 200 OK, the replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from markupsafe import Markup

from workbench.charts.contrast import contrast_chart
from workbench.charts.labels import count, milliseconds, plural, release_name, shorten
from workbench.charts.timeline import timeline_chart
from workbench.charts.waterfall import waterfall_chart
from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.choosing import Choosing
from workbench.panels.markup import Column, join, prose, table, tag
from workbench.panels.recording import Mark


@dataclass(frozen=True)
class ThrowView:
    """One place where a bug throws.

    Attributes
    ----------
    location
        "CartDrawer.tsx:11:52", or the minified position when it is not mapped.
    lines
        line, text, is_hit; empty when there is no source.
    function, function_from, mapped_from
        The enclosing function, how its name is known, and the minified position it was mapped from.
    problem
        Why there is no source, one sentence; None when there is.
    stack
        function, location, in_app: the whole stack, newest first. Optional.
    """

    location: str
    lines: pl.DataFrame
    function: str | None = None
    function_from: str | None = None
    mapped_from: str | None = None
    problem: str | None = None
    stack: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class TraceView:
    """The backend's side: a caption of one or two sentences, and the tree of `workbench.traces.tree.trace_tree`."""

    caption: str
    tree: pl.DataFrame


@dataclass(frozen=True)
class ReplayView:
    """The user's side: packed rrweb events, where to open them (ms after the first), moments to jump to, a caption."""

    events: bytes
    at: int
    marks: tuple[Mark, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class BugView:
    """Everything that a bug's card says; `back-ticked` words in texts are set as code.

    Attributes
    ----------
    bug_id, title, summary
        "B1", the finding in a few words, and one or two sentences more ("" for none).
    priority, n_events, n_sessions
        0 to 100, and counts.
    release
        Since which release, None when unknown.
    throws
        Places where it throws, most events first; the first is shown open.
    issues
        title, n_events, n_sessions, rule (which rule or default made it), optionally top_source and mechanism (which
        version of the grouping).
    evidence
        weight, text: why these issues are one bug, heaviest first; negative weights speak against.
    contrast
        As `workbench.contrast.contrast` gives it.
    trace, trace_missing
        The trace, or why there is none.
    replay, replay_missing
        The replay, or why there is none.
    timeline
        As `workbench.traces.timeline.timeline` gives it, of the session shown.
    """

    bug_id: str
    title: str
    priority: float | None
    n_events: int
    n_sessions: int
    throws: tuple[ThrowView, ...]
    issues: pl.DataFrame
    evidence: pl.DataFrame
    contrast: pl.DataFrame
    summary: str = ""
    release: str | None = None
    trace: TraceView | None = None
    trace_missing: str = "No trace: the events of this bug carry no trace id."
    replay: ReplayView | None = None
    replay_missing: str = "No replay: none of the sessions that were hit was recorded."
    timeline: pl.DataFrame = field(default_factory=pl.DataFrame)


class Bug(Panel[BugView | Sequence[BugView]]):
    """One card a bug: the one that is picked, or each of them in turn."""

    name = "bug"

    def __init__(
        self,
        view: BugView | Sequence[BugView] | Callable[..., BugView | Sequence[BugView]],
        *,
        header: Choosing[Any] | None = None,
    ) -> None:
        super().__init__(view, header=header)

    def static_html(self, result: BugView | Sequence[BugView]) -> Markup:
        """Return the card or cards as HTML."""
        views = [result] if isinstance(result, BugView) else list(result)
        if not views:
            return tag("p", "No bug hit anybody in this window.", cls="bs-empty")
        return join([_card(view) for view in views])


def _card(view: BugView) -> Markup:
    tags = [
        tag("span", f"priority {count(view.priority)}", cls="bs-tag bs-tag-bad") if view.priority is not None else None,
        tag("span", f"{plural(view.issues.height, 'issue')} · {plural(view.n_events, 'event')} · "
            f"{plural(view.n_sessions, 'session')}", cls="bs-tag"),
    ]  # fmt: skip
    if view.release:
        since = f"since {shorten(release_name(view.release), 20)}"
        tags.append(tag("span", since, cls="bs-tag", title=view.release))
    head = tag("header", tag("h3", tag("b", view.bug_id), " ", prose(view.title)), *tags)
    sections = [
        tag("p", prose(view.summary), cls="bs-summary") if view.summary else None,
        tag("div", _throws(view), _why(view), cls="bs-two"),
        _issues(view),
        _part("What the hit sessions have in common", embed.chart(contrast_chart(view.contrast))),
        _part(_backend_title(view), _trace(view)),
        _part("What the user saw", _replay(view)),
        _part("What happened, in order", _timeline(view)) if not view.timeline.is_empty() else None,
    ]
    return tag("article", head, tag("div", *sections, cls="bs-in"), cls="bs-card", id=view.bug_id)


def _part(title: str, *content: object) -> Markup:
    return tag("div", tag("h4", title), *content, cls="bs-part")


def _throws(view: BugView) -> Markup:
    if not view.throws:
        return _part("Where it throws", tag("p", "The browser reported no stack.", cls="bs-empty"))
    first, *others = view.throws
    more = [
        tag("details", tag("summary", "also in ", tag("code", other.location), *_in_function(other)), _place(other))
        for other in others
    ]
    return _part("Where it throws", _place(first), *more)


def _in_function(throw: ThrowView) -> list[object]:
    return [" in ", tag("code", throw.function)] if throw.function else []


def _place(throw: ThrowView) -> Markup:
    said = [
        join([tag("span", throw.location, cls="bs-strong"), *_in_function(throw)]),
        f"mapped from {throw.mapped_from}" if throw.mapped_from else None,
        f"function by {throw.function_from}" if throw.function_from else None,
    ]
    caption = tag("p", join(said, " · "), cls="bs-cap bs-wrap")
    problem = tag("p", prose(throw.problem), cls="bs-partial") if throw.problem else None
    return tag("div", caption, problem, _source(throw.lines), _stack(throw.stack))


def _source(lines: pl.DataFrame) -> Markup | None:
    if lines.is_empty():
        return None
    indent = min((len(text) - len(text.lstrip()) for text in lines["text"] if text.strip()), default=0)
    rows = [
        tag("span", tag("i", line), text[indent:] + "\n", cls="hit" if is_hit else None)
        for line, text, is_hit in lines.select("line", "text", "is_hit").iter_rows()
    ]
    return tag("pre", *rows, cls="bs-source", tabindex="0")


def _stack(stack: pl.DataFrame) -> Markup | None:
    if stack.height < 2:
        return None
    rows = [
        tag("li", tag("code", row["function"] or "(anonymous)"), " ", tag("span", row["location"], cls="bs-cap"),
            cls=None if row["in_app"] else "bs-dim")
        for row in stack.iter_rows(named=True)
    ]  # fmt: skip
    return tag(
        "details", tag("summary", f"the whole stack, {plural(stack.height, 'frame')}"), tag("ol", *rows, cls="bs-stack")
    )


def _why(view: BugView) -> Markup:
    n = view.issues.height
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
    title = "What its one issue goes with" if n == 1 else f"Why these {words.get(n, count(n))} issues are one bug"
    rows = [] if view.evidence.is_empty() else view.evidence.select("weight", "text").unique(maintain_order=True).rows()
    heaviest_first = sorted(rows, key=lambda row: (row[0] is None, -(row[0] or 0.0)))
    evidence = [tag("li", tag("b", _signed(weight)), tag("span", prose(text))) for weight, text in heaviest_first]
    none = tag("p", "Nothing links it to other issues.", cls="bs-empty")
    return _part(title, tag("ul", *evidence, cls="bs-evidence") if evidence else none)


def _issues(view: BugView) -> Markup | None:
    rows = [
        [
            tag("div", shorten(str(row["title"]), 100), cls="bs-wrap") + tag("div", _place_and_rule(row), cls="bs-cap"),
            count(row["n_events"]),
            count(row["n_sessions"]),
        ]
        for row in view.issues.iter_rows(named=True)
    ]
    columns = [Column("Issue", wide=True), *(Column(name, number=True) for name in ("Events", "Sessions"))]
    return _part("Its issues", table(columns, rows)) if rows else None


def _place_and_rule(issue: dict[str, object]) -> Markup:
    """Say in which file an issue throws, and by which rule or default it is one."""
    source = issue.get("top_source")
    place = "/".join(str(source).rsplit("/", 2)[-2:]) if source else None
    rule = tag("span", f"grouped by {issue['rule']}", title=issue.get("mechanism")) if issue.get("rule") else None
    return join([place, rule], " · ")


def _signed(weight: float | None) -> str:
    """Write a weight with its sign; a remark that weighs nothing gets a dot."""
    return "·" if weight is None else f"{'+' if weight >= 0 else '−'}{abs(weight):.1f}"


def _backend_title(view: BugView) -> str:
    failed = (
        view.trace is not None and "is_root_cause" in view.trace.tree.columns and view.trace.tree["is_root_cause"].any()
    )
    return "Behind the 200 OK" if failed else "The backend's side"


def _trace(view: BugView) -> Markup:
    if view.trace is None:
        return tag("p", prose(view.trace_missing), cls="bs-empty")
    return tag("p", prose(view.trace.caption), cls="bs-cap") + embed.chart(waterfall_chart(view.trace.tree))


def _replay(view: BugView) -> Markup:
    if view.replay is None:
        return tag("p", prose(view.replay_missing), cls="bs-empty")
    caption = tag("p", prose(view.replay.caption), cls="bs-cap") if view.replay.caption else Markup("")
    return caption + embed.replay(view.replay.events, at=view.replay.at, marks=view.replay.marks)


def _timeline(view: BugView) -> Markup:
    known = view.timeline.filter(pl.col("offset_ms").is_not_null())
    near = known.with_columns(pl.col("offset_ms").abs().alias("_far")).sort("_far").head(14).sort("offset_ms")
    rows = [
        [
            tag(
                "span", f"{'+' if row['offset_ms'] >= 0 else '−'}{milliseconds(abs(row['offset_ms']))}", cls="bs-nowrap"
            ),
            str(row["kind"]),
            tag("div", str(row["title"]), cls="bs-wrap bs-bad" if row["severity"] == "error" else "bs-wrap"),
            tag("div", shorten(str(row["detail"] or ""), 90), cls="bs-wrap bs-cap"),
        ]
        for row in near.iter_rows(named=True)
    ]
    columns = [Column("From the error", number=True), "Kind", "What", "Detail"]
    nearest = tag("details", tag("summary", f"the {len(rows)} nearest to the error, as a table"), table(columns, rows))
    return embed.chart(timeline_chart(known)) + nearest
