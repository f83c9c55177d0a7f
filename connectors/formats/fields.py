"""One meaning, many spellings: the fields of beacons and page views as teams name them.

`web-vitals` names its own fields (name, value, rating, id, navigationType, attribution); everything around them is a
team's own. A line's keys are looked at once for each distinct set of keys, not once a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "at": ("ts", "at", "timestamp", "time", "sent_at", "sentAt", "date"),
    "received_at": ("received_at", "receivedAt", "server_time", "serverTime"),
    "session_id": ("session_id", "sessionId", "session", "sid"),
    "page_view_id": (
        "page_view_id", "pageViewId", "pageview_id", "pageviewId", "page_id", "pageId", "view_id", "viewId",
    ),
    "user_id": ("user_id", "userId", "uid"),
    "release": ("release", "version", "app_version", "appVersion"),
    "environment": ("environment", "env"),
    "page_url": ("url", "page_url", "pageUrl", "href", "location", "page"),
    "route": ("route", "page_route", "pageRoute", "path_template"),
    "region": ("region", "geo_region", "geoRegion", "country", "country_code", "countryCode"),
    "device_class": ("device_class", "deviceClass", "device_type", "deviceType", "form_factor", "device"),
    "user_agent": ("user_agent", "userAgent", "ua"),
    "navigation_type": ("navigationType", "navigation_type"),
    "connection": ("connection", "effectiveType", "effective_type", "effectiveConnectionType"),
    "trace_id": ("trace_id", "traceId"),
    "sample_rate": ("sample_rate", "sampleRate"),
    "metric": ("name", "metric", "metric_name", "metricName"),
    "value": ("value", "metric_value", "metricValue"),
    "rating": ("rating",),
    "id": ("id", "metric_id", "metricId"),
    "attribution": ("attribution",),
    "kept": ("kept",),
    "kept_because": ("kept_because", "keptBecause"),
    "dropped_because": ("dropped_because", "droppedBecause"),
    "replay_id": ("replay_id", "replayId"),
    "started_at": ("started_at", "startedAt"),
    "ended_at": ("ended_at", "endedAt", "finished_at", "finishedAt"),
    "segment_count": ("segment_count", "segments", "count_segments"),
    "event_count": ("event_count", "events"),
    "bytes": ("bytes", "size"),
    "deployed_at": ("deployed_at", "deployedAt", "date_released", "dateReleased", "released_at", "releasedAt"),
    "previous_release": ("previous_release", "previousRelease", "previous"),
    "commit": ("commit", "commit_sha", "commitSha", "sha"),
}  # fmt: skip


class Fields:
    """Reads the wanted fields of an object, whichever of their spellings it uses; the first that is there counts.

    Examples
    --------
    >>> fields = Fields(("session_id", "page_url"))
    >>> fields.of({"sessionId": "s1", "href": "/cart"}), fields.of({"url": "/", "sid": "s2", "colour": "red"})
    (('s1', '/cart'), ('s2', '/'))
    >>> fields.of({"colour": "red"})
    (None, None)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._plans: dict[tuple[str, ...], tuple[str | None, ...]] = {}

    def of(self, line: Mapping[str, Any]) -> tuple[Any, ...]:
        """Give the values of the wanted fields, in order; None for what is not there."""
        keys = tuple(line)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plans[keys] = tuple(
                next((spelling for spelling in SPELLINGS[name] if spelling in line), None) for name in self.names
            )
        return tuple(None if spelling is None else line[spelling] for spelling in plan)
