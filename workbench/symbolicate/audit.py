"""Could every stack of every release be mapped, and if not, whose fault is it and what is to be done?

One function a question, each a frame of findings; `audit_maps` puts them together, one row a release and finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from connectors.tables import ARTIFACTS, RELEASES, require
from workbench.rules.loader import load
from workbench.symbolicate.leaks import find_leaks
from workbench.symbolicate.matching import address_of, release_format, same_release

FINDING = {
    "release": pl.String(),
    "severity": pl.String(),
    "verdict": pl.String(),
    "detail": pl.String(),
    "way_out": pl.String(),
    "events": pl.Int64(),
    "frames": pl.Int64(),
}
SEVERITIES = ("bad", "partial", "good")
_COUNTS = (pl.col("event_id").n_unique().cast(pl.Int64).alias("events"), pl.len().cast(pl.Int64).alias("frames"))
_WAYS_OUT = {
    "dist_mismatch": "Give the upload and the SDK the same dist, or none; then symbolicate again.",
    "debug_id_mismatch": "The maps are of another build than the bundles: upload those made with what is deployed.",
    "invalid_map": "Build the map again with a current bundler and upload it; no tool can be trusted with this one.",
    "expired": "Build the release again from its commit and upload its maps, or keep maps longer than your events.",
    "outside_map": "The map does not reach these positions: something changed the bundle after the map was made.",
}


def audit_maps(
    frames: pl.DataFrame,
    artifacts: pl.DataFrame,
    releases: pl.DataFrame,
    *,
    first_party: Sequence[str] = (),
    now: datetime | None = None,
    bundles: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say for each release whether its stacks could be mapped, what was wrong, and the way out.

    Parameters
    ----------
    frames
        Frames as `symbolicate` gave them, with the event's `release`; with `at` where it is known.
    artifacts, releases
        The canonical tables.
    first_party
        Hosts that serve the team's own bundles; without them, the hosts from which anything was mapped.
    now
        The day for the question how long maps will be kept; the newest event's time when not given.
    bundles
        The bundles as they are served, where somebody fetched them: `release`, `url`, `code`, `source_map_header` (of
        the response), `map_answers` (whether `<bundle>.map` is served).

    Returns
    -------
    `release` (as the events name it), `severity` (`bad`, `partial`, `good`), `verdict`, `detail`, `way_out`, and how
    many `events` and `frames` it concerns. Verdicts: `complete`; `no_maps`, `missing_maps`; `uploaded_late`;
    `name_changed`; `retention_ends`; `map_given_away`; and `dist_mismatch`, `debug_id_mismatch`, `invalid_map`,
    `expired`, `outside_map` as in the frames. Releases stand in order of deploy, then of severity.

    Examples
    --------
    >>> frames = pl.DataFrame({"event_id": ["e1"], "release": "1f2e3d4", "url": "https://shop.example/app.js",
    ...     "map_status": "no_artifact", "map_location": None})
    >>> audit_maps(frames, ARTIFACTS.empty(), RELEASES.empty()).select("release", "verdict", "events").rows()
    [('1f2e3d4', 'no_maps', 1)]
    """
    require(artifacts, ARTIFACTS, ["release", "map_location", "uploaded_at", "debug_id"])
    require(releases, RELEASES, ["release", "deployed_at"])
    deployed = releases.group_by("release").agg(pl.col("deployed_at").min())
    ours = of_our_bundles(frames, first_party).join(
        artifacts.select(
            pl.col("map_location"), pl.col("release").alias("stored_release"), pl.col("uploaded_at")
        ).unique("map_location", keep="first"),
        on="map_location", how="left",
    )  # fmt: skip
    names = _known_as(ours["release"], deployed)
    ours = ours.join(names, on="release", how="left", nulls_equal=True)
    day = now if now is not None else ours["at"].max() if "at" in ours.columns else None
    found = pl.concat(
        [
            _without_maps(ours),
            *(_with_status(ours, status) for status in _WAYS_OUT),
            _late(ours),
            _renamed(ours),
            *([_ending(ours, day)] if isinstance(day, datetime) else []),
            *([_given_away(ours, bundles)] if bundles is not None else []),
        ]
    )
    fine = _complete(ours.filter(~pl.col("release").is_in(_named(found, "bad", "partial"), nulls_equal=True)))
    order = names.select("release", "deployed_at")
    return (
        pl.concat([found, fine])
        .join(order, on="release", how="left", nulls_equal=True)
        .with_columns(pl.col("severity").replace_strict(dict(zip(SEVERITIES, range(3), strict=True))).alias("rank"))
        .sort("deployed_at", "release", "rank", "verdict", nulls_last=True)
        .select(*FINDING)
    )


def of_our_bundles(frames: pl.DataFrame, first_party: Sequence[str]) -> pl.DataFrame:
    """Frames that name a script of the team's own hosts, with `host` and `path` of its address."""
    scripts = frames.filter((pl.col("map_status") != "not_javascript") & pl.col("url").is_not_null()).with_columns(
        pl.col("map_location", "release").cast(pl.String)
    )
    urls = scripts.select("url").unique()
    addresses = [address_of(url) for url in urls["url"].cast(pl.String)]
    named = urls.with_columns(
        pl.Series("host", [address.host for address in addresses], dtype=pl.String),
        pl.Series("path", [address.path for address in addresses], dtype=pl.String),
    )
    placed = scripts.join(named, on="url", how="left")
    hosts = pl.Series([host.lower() for host in first_party], dtype=pl.String)
    if not len(hosts):
        hosts = placed.filter(pl.col("map_location").is_not_null())["host"].unique().drop_nulls()
    if not len(hosts):
        return placed
    host = pl.col("host").str.replace(r":\d+$", "")
    bare = hosts.str.replace(r":\d+$", "").to_list()
    mine = pl.any_horizontal(*((host == name) | host.str.ends_with(f".{name}") for name in bare))
    return placed.filter(pl.col("host").is_null() | mine | pl.col("map_location").is_not_null())


def _known_as(names: pl.Series, deployed: pl.DataFrame) -> pl.DataFrame:
    """When each release was deployed, also under another name for the same commit, and what came before it."""
    stored = dict(deployed.iter_rows())
    rows = []
    for name in names.unique():
        twins = [other for other in stored if name is not None and (other == name or same_release(name, other))]
        rows.append({"release": name, "deployed_at": stored[twins[0]] if len(twins) == 1 else stored.get(name)})
    known = pl.DataFrame(rows, schema={"release": pl.String, "deployed_at": deployed.schema["deployed_at"]})
    return known.sort("deployed_at", nulls_last=True).with_columns(pl.col("release").shift(1).alias("before"))


def _without_maps(ours: pl.DataFrame) -> pl.DataFrame:
    missing = ours.filter(pl.col("map_status") == "no_artifact")
    bundles = ours.group_by("release").agg(
        pl.col("path").n_unique().alias("bundles"), pl.col("map_location").is_not_null().any().alias("some")
    )
    named = pl.col("path").unique().sort().str.replace("^.*/", "")
    short = named.head(4).str.join(", ") + pl.when(named.len() > 4).then(pl.lit(", ...")).otherwise(pl.lit(""))
    return (
        missing.group_by("release")
        .agg(*_COUNTS, short.alias("named"), pl.col("path").n_unique().alias("lost"), *_why(missing))
        .join(bundles, on="release", how="left", nulls_equal=True)
        .select(
            "release",
            pl.lit("bad").alias("severity"),
            pl.when("some").then(pl.lit("missing_maps")).otherwise(pl.lit("no_maps")).alias("verdict"),
            pl.format("{} of {} bundles in stacks have no map: {}; {}", "lost", "bundles", "named", "why")
            .alias("detail"),
            pl.when(pl.col("release").is_null())
            .then(pl.lit("Set the SDK's release to the deployed commit, or inject debug IDs into bundle and map."))
            .otherwise(
                pl.format("Upload the maps of {} and symbolicate again: old events are mapped, too.", "release")
            )
            .alias("way_out"),
            "events",
            "frames",
        )
    )  # fmt: skip


def _why(frames: pl.DataFrame) -> list[pl.Expr]:
    if "map_detail" not in frames.columns:
        return [pl.lit("nothing uploaded").alias("why")]
    return [pl.col("map_detail").drop_nulls().mode().sort().first().fill_null("nothing uploaded").alias("why")]


def _with_status(ours: pl.DataFrame, status: str) -> pl.DataFrame:
    rows = ours.filter(pl.col("map_status") == status)
    total = ours.group_by("release").agg(pl.len().alias("all"))
    return (
        rows.group_by("release")
        .agg(*_COUNTS, *_why(rows))
        .join(total, on="release", how="left", nulls_equal=True)
        .select(
            "release",
            pl.lit("partial" if status == "outside_map" else "bad").alias("severity"),
            pl.lit(status).alias("verdict"),
            pl.format("{} of {} frames: {}", "frames", "all", "why").alias("detail"),
            pl.lit(_WAYS_OUT[status]).alias("way_out"),
            "events",
            "frames",
        )
    )


def _late(ours: pl.DataFrame) -> pl.DataFrame:
    """Maps that came after the deploy: a tracker that maps on arrival has left the events before them as they are."""
    hours = (pl.col("uploaded_at") - pl.col("deployed_at")).dt.total_minutes() / 60
    return (
        ours.filter(pl.col("uploaded_at") > pl.col("deployed_at"))
        .group_by("release")
        .agg(*_COUNTS, hours.max().round(1).alias("hours"))
        .select(
            "release",
            pl.lit("partial").alias("severity"),
            pl.lit("uploaded_late").alias("verdict"),
            pl.format("maps were uploaded up to {} h after the deploy", "hours").alias("detail"),
            pl.lit("Upload before the deploy and let a failed upload fail it: workbench check-maps.").alias("way_out"),
            "events",
            "frames",
        )
    )


def _renamed(ours: pl.DataFrame) -> pl.DataFrame:
    """Releases whose events use another name than the upload, or another format than the release before."""
    rows = []
    counted = ours.group_by("release", "before").agg(*_COUNTS, pl.col("stored_release").drop_nulls().unique().sort())
    for release, before, events, frames, stored in counted.iter_rows():
        if release is None:
            continue
        others = [name for name in stored if name != release and same_release(name, release)]
        was, now = release_format(before) if before else None, release_format(release)
        if not others and (was is None or was == now):
            continue
        said = f"events say {release!r}"
        said += f", maps are stored under {others[0]!r}" if others else ""
        said += f"; the release before was named {before!r} ({was}, now {now})" if was and was != now else ""
        rows.append(
            {"release": release, "severity": "partial", "verdict": "name_changed", "detail": said,
             "way_out": f"Name it in the SDK exactly as in the upload, e.g. {others[0] if others else before!r}.",
             "events": events, "frames": frames}
        )  # fmt: skip
    return pl.DataFrame(rows, schema=FINDING)


def _ending(ours: pl.DataFrame, day: datetime) -> pl.DataFrame:
    """Maps that will soon be removed, while events of their release still come in."""
    rules = load("symbolicate", "releases").data
    left = rules["retention_days"] - (pl.lit(day) - pl.col("uploaded_at")).dt.total_days()
    return (
        ours.filter(pl.col("uploaded_at").is_not_null())
        .group_by("release")
        .agg(*_COUNTS, left.min().alias("left"))
        .filter(pl.col("left").is_between(0, rules["warn_days"]))
        .select(
            "release",
            pl.lit("partial").alias("severity"),
            pl.lit("retention_ends").alias("verdict"),
            pl.format("maps will be removed in {} days, after {}", "left", rules["retention_days"]).alias("detail"),
            pl.lit("Upload them again, or deploy: a release in use should not outlive its maps.").alias("way_out"),
            "events",
            "frames",
        )
    )


def _given_away(ours: pl.DataFrame, bundles: pl.DataFrame) -> pl.DataFrame:
    """Bundles that lead everybody to their map, and with it to the team's source."""
    rows = []
    hit = {release: (events, frames) for release, events, frames in ours.group_by("release").agg(*_COUNTS).iter_rows()}
    for (release,), served in bundles.partition_by("release", as_dict=True, maintain_order=True).items():
        ways = []
        for row in served.iter_rows(named=True):
            name = address_of(row["url"]).path.rpartition("/")[2]
            header = {"SourceMap": row["source_map_header"]} if row.get("source_map_header") else {}
            ways += [f"{name} by {leak.kind} ({leak.address})" for leak in find_leaks(row["code"] or "", header)]
            ways += [f"{name} by its address ({name}.map answers)"] if row.get("map_answers") else []
        if ways:
            events, frames = hit.get(release, (0, 0))
            rows.append(
                {"release": release, "severity": "partial", "verdict": "map_given_away", "detail": "; ".join(ways),
                 "way_out": "Upload maps to the store only; deploy neither them nor the comments that name them.",
                 "events": events, "frames": frames}
            )  # fmt: skip
    return pl.DataFrame(rows, schema=FINDING)


def _complete(ours: pl.DataFrame) -> pl.DataFrame:
    return ours.group_by("release").agg(*_COUNTS, pl.col("path").n_unique().alias("bundles")).select(
        "release",
        pl.lit("good").alias("severity"),
        pl.lit("complete").alias("verdict"),
        pl.format("every one of {} bundles in stacks has its map", "bundles").alias("detail"),
        pl.lit(None, dtype=pl.String).alias("way_out"),
        "events",
        "frames",
    )  # fmt: skip


def _named(found: pl.DataFrame, *severities: str) -> list[str | None]:
    return found.filter(pl.col("severity").is_in(severities))["release"].to_list()
