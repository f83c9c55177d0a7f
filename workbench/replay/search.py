"""Recordings by what they show: a text on the page, clicks in rage, clicks that nothing answered."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from connectors.exceptions import ParameterError
from connectors.tables import INT, REPLAY_EVENTS, REQUESTS, TEXT, TIME, require
from workbench.replay.recording import streams
from workbench.replay.rrweb import (
    FULL_SNAPSHOT,
    INCREMENTAL,
    INPUT,
    META,
    MUTATION,
    SCROLL,
    STYLE_DECLARATION,
    STYLE_SHEET_RULE,
    Mutation,
    Snapshot,
)
from workbench.replay.text import visible_text

FOUND_TEXT = {
    "replay_id": TEXT,
    "page_view_id": TEXT,
    "page_url": TEXT,
    "shown_from": TIME,
    "shown_to": TIME,
    "until_end": pl.Boolean(),
    "line": TEXT,
}
# an answer to a click that a user can see or will see
ANSWERS = (MUTATION, INPUT, SCROLL, STYLE_SHEET_RULE, STYLE_DECLARATION)


def find_text(replay_events: pl.DataFrame, text: str, *, case_sensitive: bool = False) -> pl.DataFrame:
    """Find which recordings showed a text, from when to when.

    Only what a user could read counts: text of the page as drawn, from one element to the next within a line
    ("Order <b>1002</b>" holds "order 1002"), not what is hidden, not what stands in scripts. A word that is itself cut
    in two by an element is not found.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of any number of recordings.
    text
        What to look for; white space counts as one space.
    case_sensitive
        Whether upper and lower case differ.

    Returns
    -------
    One row a stretch: replay_id, page_view_id, page_url, shown_from, shown_to (the end of the page's recording where
    `until_end`), and the first line that holds the text.

    Raises
    ------
    ParameterError
        The text is empty.

    Examples
    --------
    >>> page = '{"node":{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"button","attributes":{},"childNodes":[{"type":3,"id":3,"textContent":"Pay"}]}]}}'
    >>> times = pl.Series([0]).cast(pl.Datetime("ms", "UTC"))
    >>> recording = pl.DataFrame({"replay_id": "r1", "at": times, "type": [2], "data": [page]})
    >>> find_text(recording, "pay").select("replay_id", "until_end", "line").rows()
    [('r1', True, 'Pay')]
    """  # noqa: E501
    wanted = _plain(text, case_sensitive)
    if not wanted:
        raise ParameterError("nothing to look for: give a text of at least one letter")
    rows = []
    for stream in streams(_with_words(replay_events, wanted)):
        shown_from, line = None, ""
        for step in stream.play():
            if not isinstance(step.change, Snapshot | Mutation) or stream.mirror.root is None:
                continue
            lines = visible_text(stream.mirror.root).split("\n")
            found = next((said for said in lines if wanted in _plain(said, case_sensitive)), None)
            if found is not None and shown_from is None:
                shown_from, line = step.at, found
            elif found is None and shown_from is not None:
                rows.append((stream.replay_id, stream.page_view_id, stream.href, shown_from, step.at, False, line))
                shown_from = None
        if shown_from is not None:
            rows.append((stream.replay_id, stream.page_view_id, stream.href, shown_from, stream.ends_at, True, line))
    return pl.DataFrame(rows, schema=FOUND_TEXT, orient="row")


def _plain(text: str, case_sensitive: bool) -> str:
    text = " ".join(text.split())
    return text if case_sensitive else text.lower()


def _with_words(replay_events: pl.DataFrame, wanted: str) -> pl.DataFrame:
    """Keep the page views that hold every word somewhere; the others cannot show the text."""
    require(replay_events, REPLAY_EVENTS, ["replay_id", "data"])
    keys = [key for key in ("replay_id", "page_view_id") if key in replay_events.columns]
    # JSON may escape what is not ASCII: such words rule nothing out
    words = sorted((word for word in wanted.split() if word.isascii() and word.isalnum()), key=len)[-1:]
    lowered = pl.col("data").str.to_lowercase()
    hit = replay_events.filter(
        pl.all_horizontal(pl.lit(True), *(lowered.str.contains(w.lower(), literal=True) for w in words))
    )
    return replay_events.join(hit.select(keys).unique(), on=keys, how="semi", nulls_equal=True)


def rage_clicks(marks: pl.DataFrame, *, clicks: int = 3, within: timedelta = timedelta(seconds=1)) -> pl.DataFrame:
    """Find bursts of clicks on one thing: a user who expected something to happen.

    Parameters
    ----------
    marks
        From `replay_marks`.
    clicks, within
        How many clicks on one element in how short a time; three in one second is Datadog's definition
        (docs.datadoghq.com, "Frustration signals").

    Returns
    -------
    One row a burst: replay_id, page_view_id, target, label, `from`, `to`, `clicks`.

    Examples
    --------
    >>> times = pl.Series([0, 300, 600]).cast(pl.Datetime("ms", "UTC"))
    >>> marks = pl.DataFrame({"replay_id": "r1", "page_view_id": "p1", "at": times, "kind": "click", "label": "button Pay", "target": "button", "interactive": True})
    >>> rage_clicks(marks).select("label", "clicks").rows()
    [('button Pay', 3)]
    """  # noqa: E501
    key = ["replay_id", "page_view_id", "target"]
    burst = (pl.col("at") - pl.col("at").shift(clicks - 1).over(key)) <= within
    ends = pl.any_horizontal(*(pl.col("burst").shift(-n).over(key).fill_null(False) for n in range(clicks)))
    gap = ((pl.col("at") - pl.col("at").shift(1).over(key)) > within).fill_null(True)
    return (
        marks.filter(pl.col("kind") == "click", pl.col("target").is_not_null())
        .sort("at", maintain_order=True)
        .with_columns(burst.fill_null(False).alias("burst"))
        .with_columns(ends.alias("raging"), gap.cum_sum().over(key).alias("series"))
        .filter("raging")
        .group_by(*key, "series", maintain_order=True)
        .agg(
            pl.col("label").first(),
            pl.col("at").min().alias("from"),
            pl.col("at").max().alias("to"),
            pl.len().cast(INT).alias("clicks"),
        )
        .drop("series")
        .sort("replay_id", "from", maintain_order=True)
    )


def dead_clicks(
    marks: pl.DataFrame,
    replay_events: pl.DataFrame,
    *,
    requests: pl.DataFrame | None = None,
    within: timedelta = timedelta(seconds=1),
) -> pl.DataFrame:
    """Find clicks on something meant to be clicked that nothing answered.

    An answer is, within `within`: a change of the page, a scroll, a field that changes, a request, another page, or the
    end of the page view. Clicks on plain text or into fields are not looked at.

    Parameters
    ----------
    marks
        From `replay_marks`, of the same recordings.
    replay_events
        Canonical `replay_events`.
    requests
        Canonical `requests`; a click that only asks the backend is answered by that.
    within
        How long a user waits for a sign.

    Returns
    -------
    The marks of such clicks: replay_id, page_view_id, at, label, target.

    Examples
    --------
    >>> times = pl.Series([0, 300, 600]).cast(pl.Datetime("ms", "UTC"))
    >>> marks = pl.DataFrame({"replay_id": "r1", "page_view_id": "p1", "at": times, "kind": "click", "label": "button Pay", "target": "button", "interactive": True})
    >>> times = pl.Series([300, 9000]).cast(pl.Datetime("ms", "UTC"))
    >>> seen = {"replay_id": "r1", "page_view_id": "p1", "session_id": "s1", "at": times, "type": 3, "source": [0, 1]}
    >>> dead_clicks(marks, pl.DataFrame(seen)).select("label", pl.col("at").dt.timestamp("ms")).rows()
    [('button Pay', 600)]
    """  # noqa: E501
    require(replay_events, REPLAY_EVENTS, ["replay_id", "page_view_id", "session_id", "at", "type", "source"])
    shown = pl.col("type").is_in([FULL_SNAPSHOT, META]) | (
        (pl.col("type") == INCREMENTAL) & pl.col("source").is_in(list(ANSWERS))
    )
    answers = [replay_events.filter(shown).select("replay_id", "at")]
    if requests is not None:
        require(requests, REQUESTS, ["session_id", "at", "duration_ms"])
        whose = replay_events.select("replay_id", "session_id").drop_nulls().unique()
        # a breadcrumb is written when the answer came: its request began so much earlier
        began = requests.select("session_id", "at")
        ended = requests.select(
            "session_id", pl.col("at") - pl.duration(microseconds=pl.col("duration_ms").fill_null(0) * 1000)
        )
        answers += [asked.join(whose, on="session_id").select("replay_id", "at") for asked in (began, ended)]
    ends = replay_events.group_by("replay_id", "page_view_id").agg(pl.col("at").max().alias("page_ends_at"))
    clicked = (
        marks.filter(pl.col("kind") == "click", pl.col("interactive"))
        .join(ends, on=["replay_id", "page_view_id"], nulls_equal=True, maintain_order="left")
        .sort("at", maintain_order=True)
    )
    answered = clicked.join_asof(
        pl.concat(answers).with_columns(pl.col("at").alias("answered_at")).sort("at"),
        on="at", by="replay_id", strategy="forward", tolerance=within, check_sortedness=False,
    )  # fmt: skip
    dead = answered.filter(pl.col("answered_at").is_null(), pl.col("page_ends_at") - pl.col("at") > within)
    return dead.sort("replay_id", "at", maintain_order=True).select(
        "replay_id", "page_view_id", "at", "label", "target"
    )
