"""What no single file says: sessions, page views and requests put together from all that knows of them.

Pure: frames in, frames out. The frames may carry `user_id`, `user_agent`, `url` and `session_id` behind the canonical
columns, as the formats leave them.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import polars_hash as plh

from connectors.formats.routes import endpoint_of, route_of
from connectors.formats.user_agents import with_agents
from connectors.tables import PAGE_VIEWS, REQUESTS, SESSIONS, TEXT, TIME

USER_KEY = "BLINDSPOT_USER_KEY"
"""The environment variable with the key under which users are hashed."""
CHECKED_BEFORE_DEPLOY = "30m"
SIGNS = {
    "session_id": TEXT, "at": TIME, "user_id": TEXT, "release": TEXT, "environment": TEXT,
    "device_class": TEXT, "region": TEXT, "user_agent": TEXT,
}  # fmt: skip


def with_hashed_users(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """Replace `user_id` by 16 hex digits of HMAC-SHA256 under `key`: equal users stay equal, and nobody is named.

    Examples
    --------
    >>> with_hashed_users(pl.DataFrame({"user_id": ["maya", None, "maya"]}), "shop")["user_id"].n_unique()
    2
    """
    users = frame.select(pl.col("user_id").unique().drop_nulls())
    hashed = users.with_columns(plh.col("user_id").chash.hmac_sha256(key=key).str.head(16).alias("__hash"))
    joined = frame.join(hashed, on="user_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("__hash").alias("user_id")).drop("__hash")


def with_routes(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill `route` from `page_url` where the source gave none; each distinct address is looked at once.

    Examples
    --------
    >>> with_routes(pl.DataFrame({"page_url": ["https://shop/p/1", "/"], "route": [None, "home"]}))["route"].to_list()
    ['/p/:id', 'home']
    """
    urls = frame.select(pl.col("page_url").unique().drop_nulls())
    routes = urls.with_columns(route_of(pl.col("page_url")).alias("__route"))
    joined = frame.join(routes, on="page_url", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(pl.col("route").cast(pl.String), "__route").alias("route")).drop("__route")


def with_http_routes(spans: pl.DataFrame) -> pl.DataFrame:
    """Fill `http_route` of HTTP spans from their `url` where the instrumentation gave none.

    Examples
    --------
    >>> spans = {"http_method": ["GET", None], "url": ["/api/cart/7?x=1", "/"], "http_route": [None, None]}
    >>> with_http_routes(pl.DataFrame(spans).cast(pl.String))["http_route"].to_list()
    ['/api/cart/:id', None]
    """
    http = pl.when(pl.col("http_method").is_not_null()).then("url").alias("page_url")
    routed = with_routes(spans.with_columns(http, pl.col("http_route").alias("route")))
    return routed.with_columns(pl.col("route").alias("http_route")).drop("page_url", "route")


def with_releases(runs: pl.DataFrame, releases: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Tell the release of lab runs that name none by their time, and say how many those are.

    A run up to half an hour before a deploy is the check of what is about to go out; any other is of what was live.

    Examples
    --------
    >>> from datetime import datetime
    >>> times = [datetime(2026, 3, 2, 9), datetime(2026, 3, 9, 14)]
    >>> deploys = pl.DataFrame({"release": ["a", "b"], "deployed_at": times})
    >>> runs = pl.DataFrame({"at": [datetime(2026, 3, day, 13, 45) for day in (1, 4, 9)], "run_id": ["x", "y", "z"]})
    >>> told, how_many = with_releases(runs.with_columns(release=pl.lit(None, pl.String)), deploys)
    >>> told["release"].to_list(), how_many
    ([None, 'a', 'b'], 2)
    """
    unnamed = runs.filter(pl.col("release").is_null())["run_id"].n_unique()
    deploys = releases.select(pl.col("release").alias("__release"), "deployed_at").drop_nulls().sort("deployed_at")
    if not unnamed or deploys.is_empty():
        return runs, 0
    near = runs.with_row_index("__row").sort("at")
    for strategy, tolerance, name in (("forward", CHECKED_BEFORE_DEPLOY, "__next"), ("backward", None, "__live")):
        near = near.join_asof(
            deploys.rename({"__release": name, "deployed_at": f"{name}_at"}),
            left_on="at", right_on=f"{name}_at", strategy=strategy, tolerance=tolerance,
        )  # fmt: skip
    told = near.sort("__row").with_columns(pl.coalesce("release", "__next", "__live").alias("release"))
    still = told.filter(pl.col("release").is_null())["run_id"].n_unique()
    return told.select(runs.columns), unnamed - still


def with_replays(events: pl.DataFrame, replays: pl.DataFrame) -> pl.DataFrame:
    """Fill `replay_id` of events that name none from their session's own recording, if it has exactly one.

    Examples
    --------
    >>> events = pl.DataFrame({"session_id": ["s1", "s2"], "replay_id": [None, None]}).cast(pl.String)
    >>> with_replays(events, pl.DataFrame({"session_id": ["s1"], "replay_id": ["r1"]}))["replay_id"].to_list()
    ['r1', None]
    """
    own = _only(replays, "session_id", "replay_id")
    joined = events.join(own, on="session_id", how="left", maintain_order="left", suffix="_own")
    return joined.with_columns(pl.coalesce("replay_id", "replay_id_own").alias("replay_id")).drop("replay_id_own")


def page_views_of(vitals: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Make page views out of the beacons and events that name one, for sources that record none.

    The first sign of a page view gives its time; each column takes the first value that anything said. A metric's own
    id, which stands in where a beacon names no page view, makes no page view.

    Examples
    --------
    >>> from connectors.tables import EVENTS
    >>> from connectors.formats.web_vitals import vital_rows
    >>> events = pl.DataFrame({"page_view_id": ["p1", "p1"], "at": [2, 1], "route": ["/cart", None]})
    >>> events = pl.concat([EVENTS.empty(), events.with_columns(pl.col("at").cast(TIME))], how="diagonal")
    >>> page_views_of(vital_rows().frame(), events).select("page_view_id", "route").rows()
    [('p1', '/cart')]
    """
    wanted = [*PAGE_VIEWS.schema, "user_id", "user_agent"]
    named = vitals.filter(pl.col("page_view_id") != pl.col("id").fill_null(""))
    signs = pl.concat([_columns(named, wanted), _columns(events, wanted)]).filter(pl.col("page_view_id").is_not_null())
    rest = [name for name in wanted if name not in ("page_view_id", "at")]
    return (
        signs.sort("at", maintain_order=True)
        .group_by("page_view_id", maintain_order=True)
        .agg(pl.col("at").min(), *(pl.col(name).drop_nulls().first() for name in rest))
        .select(wanted)
    )


def sessions_of(signs: Sequence[pl.DataFrame], contacts: pl.DataFrame | None) -> pl.DataFrame:
    """Make sessions out of their signs of life: first and last, and the first value that anything said of each column.

    Parameters
    ----------
    signs
        Frames with `session_id` and `at` (page views, vitals, events, ...); rows without a session do not count.
    contacts
        `session_id` and `at` of contacts with support; None when nobody records them, then `contacted_support` is null.

    Examples
    --------
    >>> views = pl.DataFrame({"session_id": ["s1", "s1", "s2"], "at": [1, 5, 3], "release": [None, "a", "b"]})
    >>> views = views.with_columns(pl.col("at").cast(TIME))
    >>> sessions = sessions_of([views], pl.DataFrame({"session_id": ["s2"], "at": [None]}))
    >>> sessions.select("session_id", pl.col("ended_at").to_physical(), "release", "contacted_support").rows()
    [('s1', 5, 'a', False), ('s2', 3, 'b', True)]
    """
    rows = pl.concat([_columns(sign, SIGNS) for sign in signs]).filter(pl.col("session_id").is_not_null())
    said = [name for name in SIGNS if name not in ("session_id", "at")]
    sessions = (
        rows.sort("at", maintain_order=True)
        .group_by("session_id", maintain_order=True)
        .agg(
            pl.col("at").min().alias("started_at"),
            pl.col("at").max().alias("ended_at"),
            *(pl.col(name).drop_nulls().first() for name in said),
        )
    )
    if contacts is None:
        called, first_call = pl.lit(None, pl.Boolean), pl.lit(None, TIME)
    else:
        calls = contacts.group_by("session_id").agg(
            pl.col("at").min().alias("support_at"), pl.lit(True).alias("__called")
        )
        sessions = sessions.join(calls, on="session_id", how="left", maintain_order="left")
        called, first_call = pl.col("__called").fill_null(False), pl.col("support_at").cast(TIME)
    unsaid = ("browser", "browser_version", "os", "sample_rate")
    sessions = sessions.with_columns(
        *(pl.lit(None, SESSIONS.schema[name]).alias(name) for name in unsaid),
        called.alias("contacted_support"),
        first_call.alias("support_at"),
    )
    return with_agents(sessions).select(list(SESSIONS.schema))


def requests_of(crumbs: pl.DataFrame, spans: pl.DataFrame, sessions: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put the requests of breadcrumbs and of the browser's HTTP spans together, with their endpoint.

    Parameters
    ----------
    crumbs
        Requests among breadcrumbs: `event_id` is set.
    spans
        Spans with `url` and `session_id` behind; those of kind client on the browser's side are requests.
    sessions
        Frames with `trace_id` and `session_id`: a span that names no session belongs to the one its trace was seen in.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> crumb = pl.DataFrame({"event_id": ["e1"], "method": ["GET"], "url": ["/api/cart/7?x=1"]})
    >>> crumbs = pl.concat([REQUESTS.empty(), crumb], how="diagonal")
    >>> requests_of(crumbs, span_rows().frame(), []).select("event_id", "endpoint").rows()
    [('e1', 'GET /api/cart/:id')]
    """
    seen = [_columns(frame, {"trace_id": TEXT, "session_id": TEXT}) for frame in sessions]
    of_trace = _only(pl.concat(seen), "trace_id", "session_id") if seen else None
    asked = spans.filter(pl.col("side").cast(TEXT) == "browser", pl.col("kind").cast(TEXT) == "client")
    asked = asked.filter(pl.col("url").is_not_null())
    if of_trace is not None:
        asked = asked.join(of_trace, on="trace_id", how="left", maintain_order="left", suffix="_of_trace")
        asked = asked.with_columns(pl.coalesce("session_id", "session_id_of_trace").alias("session_id"))
    from_spans = asked.select(
        pl.lit(None, TEXT).alias("event_id"),
        "session_id",
        pl.col("started_at").alias("at"),
        pl.col("http_method").fill_null("GET").alias("method"),
        "url",
        pl.lit(None, TEXT).alias("endpoint"),
        pl.col("http_status").alias("status"),
        (pl.col("duration_us") / 1000).alias("duration_ms"),
        "trace_id",
        pl.lit("span").alias("initiator"),
    )
    both = pl.concat([_columns(crumbs, REQUESTS.schema), from_spans])
    distinct = both.select("method", "url").unique()
    named = distinct.with_columns(endpoint_of(pl.col("method"), pl.col("url")).alias("__endpoint"))
    joined = both.join(named, on=["method", "url"], how="left", maintain_order="left", nulls_equal=True)
    return joined.with_columns(pl.coalesce("endpoint", "__endpoint").alias("endpoint")).select(list(REQUESTS.schema))


def _only(frame: pl.DataFrame, key: str, value: str) -> pl.DataFrame:
    """Give the pairs of key and value where the key has one value only: two sessions in one trace tell nothing."""
    pairs = frame.select(key, value).drop_nulls().unique()
    return pairs.filter(pl.len().over(key) == 1)


def _columns(frame: pl.DataFrame, wanted: Sequence[str] | dict[str, pl.DataType]) -> pl.DataFrame:
    types = {**PAGE_VIEWS.schema, **SIGNS, **REQUESTS.schema}
    return frame.select(
        pl.col(name).cast(types[name]) if name in frame.columns else pl.lit(None, types[name]).alias(name)
        for name in wanted
    )
