"""The moments of a recording worth a mark on its time line: pages, clicks, entries, requests, errors."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from connectors.tables import EVENTS, INT, REQUESTS, TEXT, TIME, require
from workbench.replay.recording import Stream, streams
from workbench.replay.rrweb import DOCUMENT, ELEMENT, INPUT, MOUSE_INTERACTION, MUTATION, Input, Meta, Node, Pointer
from workbench.replay.text import visible_text

REPLAY_MARKS = {
    "replay_id": TEXT,
    "page_view_id": TEXT,
    "at": TIME,
    "offset_ms": INT,
    "kind": TEXT,
    "label": TEXT,
    "target": TEXT,
    "interactive": pl.Boolean(),
}
LONGEST_LABEL = 48
INTERACTIVE_TAGS = frozenset(["a", "button", "summary", "option", "area"])
FIELDS = frozenset({"input", "textarea", "select"})
KINDS = {"a": "link", "button": "button", "summary": "button", **dict.fromkeys(FIELDS, "field")}
BUTTON_INPUTS = frozenset({"button", "submit", "reset", "image", "checkbox", "radio"})


def replay_marks(
    replay_events: pl.DataFrame,
    *,
    events: pl.DataFrame | None = None,
    requests: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Mark what happened in recordings: pages, clicks and entries from rrweb, errors and requests from their tables.

    What a user typed is never part of a label. Several entries into one field in a row are one mark, at the first.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of any number of recordings.
    events, requests
        Canonical `events` and `requests`; taken where they belong to a session that is recorded, and lie within it.

    Returns
    -------
    replay_id, page_view_id, at, `offset_ms` from the recording's first event, `kind` (page, click, input, request,
    error), `label` for people, `target` (a CSS-like path of the clicked or filled element) and `interactive` (whether
    a click there is meant to do something), in the order of time.

    Examples
    --------
    >>> page = '{"node":{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"button","attributes":{},"childNodes":[{"type":3,"id":3,"textContent":"Pay"}]}]}}'
    >>> click = '{"source":2,"type":2,"id":3}'
    >>> times = pl.Series([0, 1500]).cast(pl.Datetime("ms", "UTC"))
    >>> recording = pl.DataFrame({"replay_id": "r1", "at": times, "type": [2, 3], "source": [None, 2], "data": [page, click]})
    >>> replay_marks(recording).select("offset_ms", "kind", "label", "interactive").rows()
    [(1500, 'click', 'button Pay', True)]
    """  # noqa: E501
    rows = [
        row for stream in streams(replay_events, sources=(MUTATION, MOUSE_INTERACTION, INPUT)) for row in _own(stream)
    ]
    marks = pl.DataFrame(rows, schema={n: t for n, t in REPLAY_MARKS.items() if n != "offset_ms"}, orient="row")
    spans = replay_events.group_by("replay_id", maintain_order=True).agg(
        pl.col("session_id").drop_nulls().first()
        if "session_id" in replay_events.columns
        else pl.lit(None, TEXT).alias("session_id"),
        starts_at=pl.col("at").min(),
        ends_at=pl.col("at").max(),
    )
    others = []
    if events is not None:
        require(events, EVENTS, ["at", "session_id", "type", "message"])
        label = pl.concat_str(pl.col("type").fill_null("Error"), pl.lit(": "), pl.col("message").fill_null(""))
        others.append(events.select("session_id", "at", _cut(label).alias("label"), kind=pl.lit("error")))
    if requests is not None:
        require(requests, REQUESTS, ["at", "session_id", "method", "url", "status"])
        said = pl.concat_str(
            pl.coalesce("endpoint", pl.concat_str(pl.col("method").fill_null("GET"), pl.lit(" "), "url")),
            pl.lit(" "),
            pl.col("status").cast(TEXT).fill_null("no answer"),
        )
        distinct = requests.unique(["session_id", "at", "method", "url"], maintain_order=True)
        others.append(distinct.select("session_id", "at", _cut(said).alias("label"), kind=pl.lit("request")))
    for other in others:
        # a recording may end a little before the error that ended the page
        within = (pl.col("at") >= pl.col("starts_at")) & (pl.col("at") <= pl.col("ends_at") + pl.duration(seconds=5))
        theirs = (
            other.join(spans, on="session_id", maintain_order="left_right")
            .filter(within)
            .select("replay_id", "at", "kind", "label")
        )
        marks = pl.concat([marks, theirs], how="diagonal")
    return (
        marks.join(spans.select("replay_id", "starts_at"), on="replay_id", maintain_order="left")
        .with_columns(offset_ms=(pl.col("at") - pl.col("starts_at")).dt.total_milliseconds())
        .select(REPLAY_MARKS.keys())
        .sort("replay_id", "at", maintain_order=True)
    )


def _cut(text: pl.Expr) -> pl.Expr:
    longest = 2 * LONGEST_LABEL
    return pl.when(text.str.len_chars() > longest).then(text.str.head(longest - 1) + "…").otherwise(text)


def _own(stream: Stream) -> Iterator[tuple]:
    about = (stream.replay_id, stream.page_view_id)
    filling: int | None = None
    last_page: str | None = None
    holds: dict[int, str] = {}
    for step in stream.play():
        match step.change:
            case Meta(href=href):
                if href != last_page:
                    yield (*about, step.at, "page", href, None, None)
                last_page, filling = href, None
            case Pointer(id=node_id):
                filling = None
                node = stream.mirror.nodes.get(node_id)
                if node is None:
                    yield (*about, step.at, "click", "something the recording lost", None, None)
                else:
                    clicked = actor(node)
                    interactive = clicked is not None
                    yield (*about, step.at, "click", name(clicked or node), path(node), interactive)
            case Input(id=node_id, text=entered, is_checked=checked):
                node = stream.mirror.nodes.get(node_id)
                # recorders repeat what a field holds when a page takes it over: nobody typed that
                said = f"{entered} {checked}"
                changed = holds.get(node_id, " False") != said
                holds[node_id] = said
                if changed and node_id != filling and node is not None:
                    filling = node_id
                    yield (*about, step.at, "input", name(node), path(node), None)


def actor(node: Node) -> Node | None:
    """Give the nearest element at or above `node` that a click is meant for, None when there is none."""
    current: Node | None = node
    while current is not None and current.type != DOCUMENT:
        if current.type == ELEMENT:
            tag, attributes = current.tag_name, current.attributes
            if tag in INTERACTIVE_TAGS or attributes.get("role") in ("button", "link", "tab", "menuitem", "switch"):
                return current
            if tag == "input" and attributes.get("type") in BUTTON_INPUTS:
                return current
        current = current.parent
    return None


def name(node: Node) -> str:
    """Name an element as a person would: its kind and its words; never what was typed into it.

    Examples
    --------
    >>> name(Node(type=ELEMENT, id=1, tag_name="input", attributes={"name": "email", "value": "a@example.org"}))
    'field email'
    """
    if node.type != ELEMENT and node.parent is not None:
        node = node.parent
    attributes, tag = node.attributes, node.tag_name
    is_field = tag in FIELDS
    kind = KINDS.get(tag, str(attributes.get("role") or ""))
    if tag == "input" and attributes.get("type") in BUTTON_INPUTS:
        kind = str(attributes["type"]) if attributes["type"] in ("checkbox", "radio") else "button"
    words = attributes.get("aria-label") or attributes.get("alt") or attributes.get("title")
    if not words and is_field:
        words = attributes.get("name") or attributes.get("id") or attributes.get("placeholder")
    if not words:
        words = visible_text(node).replace("\n", " ") or attributes.get("id") or ("" if kind else tag)
    words = str(words)
    return f"{kind} {words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 1] + '…'}".strip()


def path(node: Node, steps: int = 4) -> str:
    """Give a short CSS-like path of a node, from its nearest ancestor with an id; positions are left out.

    Examples
    --------
    >>> form = Node(type=ELEMENT, id=1, tag_name="form", attributes={"id": "refund"})
    >>> path(Node(type=ELEMENT, id=2, tag_name="input", attributes={"name": "iban"}, parent=form))
    'form#refund > input[name=iban]'
    """
    parts: list[str] = []
    current: Node | None = node if node.type == ELEMENT else node.parent
    while current is not None and current.type == ELEMENT and len(parts) < steps:
        attributes = current.attributes
        part = current.tag_name
        if attributes.get("id"):
            part += f"#{attributes['id']}"
        elif attributes.get("name"):
            part += f"[name={attributes['name']}]"
        elif attributes.get("class"):
            part += "." + ".".join(str(attributes["class"]).split()[:2])
        parts.append(part)
        if attributes.get("id"):
            break
        current = current.parent
    return " > ".join(reversed(parts))
