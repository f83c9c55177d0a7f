"""What a merge of pages into a lake must come to, one row after the other in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence

Row = dict[str, object]


class NaiveLake:
    """Events with all that came with them the last time, measurements by their key or by all they say."""

    def __init__(self) -> None:
        self.events: dict[object, Row] = {}
        self.frames: dict[object, list[Row]] = {}
        self.vitals: dict[object, Row] = {}

    def merge(self, pages: Sequence[tuple[list[Row], list[Row], list[Row]]]) -> None:
        for events, frames, vitals in pages:
            for event in events:
                self.events[event["event_id"]] = event
                self.frames[event["event_id"]] = [row for row in frames if row["event_id"] == event["event_id"]]
            for row in vitals:
                has_id = row["page_view_id"] is not None or row["session_id"] is not None
                key = ("page_view_id", "session_id", "metric", "navigation_type") if has_id else tuple(sorted(row))
                self.vitals[(has_id, *(row[name] for name in key))] = row

    def rows(self) -> tuple[list[Row], list[Row], list[Row]]:
        frames = [row for rows in self.frames.values() for row in rows]
        return list(self.events.values()), frames, list(self.vitals.values())
