"""The traces room, slow and obvious: one trace at a time, by recursion, on dictionaries."""

from __future__ import annotations


def parent_of(span, spans):
    """The span's parent among `spans`, None for roots and orphans."""
    return next((other for other in spans if other["span_id"] == span["parent_span_id"]), None)


def ancestors(span, spans):
    parent = parent_of(span, spans)
    return [] if parent is None else [parent, *ancestors(parent, spans)]


def failed(span):
    return span["status"] == "error" or ((span["http_status"] or 0) >= 500 and span["status"] != "ok")


def root_causes(spans):
    """Failing backend spans with no failing backend span below, deepest first, then earliest."""
    wrong = [span for span in spans if failed(span) and span["side"] == "backend"]
    leaves = [span for span in wrong if not any(span in ancestors(other, spans) for other in wrong)]
    return sorted(leaves, key=lambda span: (-len(ancestors(span, spans)), span["started_at"]))


def swallowed_by(span, spans):
    """The span_id of the nearest ancestor that answered well, beyond those that only passed the error on."""
    line = []
    for ancestor in ancestors(span, spans):
        if ancestor["side"] == "browser":
            break
        line.append(ancestor)
        if 200 <= (ancestor["http_status"] or 0) < 400 and not failed(ancestor):
            break
    bad = [n for n, ancestor in enumerate(line) if failed(ancestor) or (ancestor["http_status"] or 0) >= 400]
    beyond = line[max(bad) + 1 :] if bad else line
    return beyond[0]["span_id"] if beyond else None


def depth_first(spans, parent=None):
    """(span_id, depth) in the order of a tree whose children stand by start."""
    if parent is None:
        tops = [span for span in spans if parent_of(span, spans) is None]
        return [row for top in sorted(tops, key=lambda span: span["started_at"]) for row in _below(top, spans, 0)]
    return _below(parent, spans, 0)


def _below(span, spans, depth):
    children = [other for other in spans if other["parent_span_id"] == span["span_id"]]
    rows = [(span["span_id"], depth)]
    for child in sorted(children, key=lambda child: child["started_at"]):
        rows += _below(child, spans, depth + 1)
    return rows
