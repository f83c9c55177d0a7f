"""What the source maps of a case come to: the headline, and the verdicts on all frames."""

from __future__ import annotations

import polars as pl

from workbench.case import Case
from workbench.charts.labels import count, plural, release_name, share
from workbench.charts.verdicts import verdicts_chart
from workbench.panels.headline import HeadlineView, Kpi
from workbench.panels.incident.words import listed
from workbench.panels.section import Picture, SectionView

REASONS = {
    "no_maps": "its source maps were never uploaded",
    "missing_maps": "some of its bundles have no source map",
    "dist_mismatch": "its source maps were uploaded for another dist",
    "debug_id_mismatch": "its source maps are of another build",
    "invalid_map": "its source maps break the standard's rules",
    "expired": "its source maps have expired",
}


def headline_view(case: Case) -> HeadlineView:
    """Say whether every stack can be read, and whose fault it is when not."""
    audit, frames = case.map_audit, _scripts(case)
    bad = audit.filter(pl.col("severity") == "bad").sort("events", descending=True)
    doubtful = audit.filter(pl.col("severity") == "partial")
    found = frames.filter(pl.col("source").is_not_null()).height
    noisy = case.grouping.events.filter(pl.col("noise_class").is_not_null()).select("event_id")
    kpis = (
        Kpi(share(found / max(frames.height, 1)), f"of {count(frames.height)} frames of our scripts have their source"),
        Kpi(count(frames.height - found), "frames wait for a map that fits"),
        Kpi(count(audit["release"].n_unique()), "releases in stacks"),
        Kpi(count(bad["release"].n_unique()), "of them cannot be read"),
    )  # fmt: skip
    if audit.is_empty():
        return HeadlineView("No stack names a bundle", "There is nothing that needs a source map.")
    signal = 0
    if bad.is_empty():
        title = f"Every stack of {plural(audit['release'].n_unique(), 'release')} can be read"
    else:
        first = bad.row(0, named=True)
        of = case.events.filter(pl.col("release").eq_missing(pl.lit(first["release"], dtype=pl.String)))
        signal = _unread(case, of.join(noisy, on="event_id", how="anti"))
        n = _unread(case, of)
        name = f"release `{release_name(first['release'])}`" if first["release"] else "no release"
        what = f"{plural(n, 'error')} of {name} cannot be read" if n else f"Stacks of {name} cannot be read"
        title = f"{what}: {REASONS.get(first['verdict'], first['detail'])}"
    ways = bad["way_out"].to_list() or doubtful["way_out"].unique(maintain_order=True).to_list()
    others = [f"`{release_name(row['release'])}` ({row['verdict'].replace('_', ' ')})" for row in doubtful.to_dicts()]
    ways = [f"{count(signal)} of them are not noise." if signal else "", *ways]
    sub = " ".join(way for way in ways[:3] if way) + (f" Look at {listed(others)}, too." if others else "")
    return HeadlineView(title, sub or "Nothing is to be done.", kpis)


def verdicts_view(case: Case) -> SectionView:
    """Count the verdicts on all frames, release by release."""
    deployed = case.deploys.group_by("release").agg(pl.col("deployed_at").min())
    order = case.map_audit.select("release").unique(maintain_order=True).with_row_index("order")
    counts = (
        case.frames.group_by(pl.col("release", "map_status").cast(pl.String))
        .agg(pl.len().cast(pl.Int64).alias("frames"))
        .join(deployed, on="release", how="left")
        .join(order, on="release", how="left", nulls_equal=True)
        .sort("order", "release", "frames", descending=[False, False, True], nulls_last=True)
    )
    frames, found = _scripts(case), _scripts(case).filter(pl.col("source").is_not_null()).height
    said = (
        f"{count(found)} of {count(frames.height)} frames that stand in a script of ours have file, line and function."
        if frames.height
        else "No frame stands in a script of ours."
    )
    method = (
        "One verdict a frame. Blue has its source (the paler part without the source's text, as for packages whose "
        "text is left out of maps), red has none, amber is doubtful, grey is no script of ours: extensions, engines, "
        "pages."
    )
    return SectionView(said, (Picture(verdicts_chart(counts)),), method)


def _scripts(case: Case) -> pl.DataFrame:
    return case.frames.filter(pl.col("map_status") != "not_javascript")


def _unread(case: Case, events: pl.DataFrame) -> int:
    """Count those of `events` that throw in a script of ours at a place whose source is not known."""
    throwing = case.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
    waiting = (pl.col("map_status") != "not_javascript") & pl.col("source").is_null()
    return throwing.filter(waiting).join(events, on="event_id", how="semi")["event_id"].n_unique()
