"""What is usual: which release was current when, and when a class of errors or an endpoint was out of the ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from scipy import special

from workbench.errors.domains import host_of, is_first_party
from workbench.rules.loader import load


def deploys(events: pl.DataFrame, releases: pl.DataFrame | None) -> pl.DataFrame:
    """Return when each release of the events was deployed: as `releases` says, else when it was first seen.

    Releases are matched across their spellings: `shop@b4472428e6f7` is the commit `b4472428e6f7...` of the upload.

    Returns
    -------
    `release` (as the events spell it), `deployed_at`, in order of time.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> at = datetime(2026, 3, 10, 7, 30, tzinfo=UTC)
    >>> events = pl.DataFrame({"release": ["shop@b4472428e6f7"], "at": [at.replace(hour=8)]})
    >>> known = pl.DataFrame({"release": ["b4472428e6f76b88"], "deployed_at": [at]})
    >>> deploys(events, known)["deployed_at"].dt.to_string("%H:%M").to_list()
    ['07:30']
    """
    if not {"release", "at"} <= set(events.columns):
        return pl.DataFrame(schema={"release": pl.String, "deployed_at": pl.Datetime("us", "UTC")})
    seen = (
        events.lazy()
        .select(pl.col("release").cast(pl.String), "at")
        .drop_nulls()
        .group_by("release")
        .agg(first_seen=pl.col("at").min())
        .collect()
    )
    if releases is None or releases.is_empty():
        return seen.rename({"first_seen": "deployed_at"}).sort("deployed_at")
    known = releases.select(known=pl.col("release").cast(pl.String), deployed_at="deployed_at").drop_nulls()
    bare = pl.col("release").str.replace(r"^.*@", "")
    pairs = seen.with_columns(bare=bare).join(
        known.with_columns(bare_known=pl.col("known").str.replace(r"^.*@", "")), how="cross"
    )
    same = (
        pairs.filter(
            (pl.col("release") == pl.col("known"))
            | (pl.col("bare") == pl.col("bare_known"))
            | (
                pl.min_horizontal(pl.col("bare").str.len_chars(), pl.col("bare_known").str.len_chars()).ge(7)
                & (
                    pl.col("bare_known").str.starts_with(pl.col("bare"))
                    | pl.col("bare").str.starts_with(pl.col("bare_known"))
                )
            )
        )
        .group_by("release")
        .agg(pl.col("deployed_at").min())
    )
    unseen = known.join(same, on="deployed_at", how="anti").select(release="known", deployed_at="deployed_at")
    return pl.concat([same.select("release", "deployed_at"), unseen]).sort("deployed_at")


def stale_releases(events: pl.DataFrame, releases: pl.DataFrame | None) -> pl.Series:
    """Say of each event whether a newer release than its own was deployed when it happened.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> day = lambda hour: datetime(2026, 3, 9, hour, tzinfo=UTC)
    >>> events = pl.DataFrame({"release": ["a", "b", "a"], "at": [day(1), day(2), day(3)]})
    >>> stale_releases(events, None).to_list()
    [False, False, True]
    """
    when = deploys(events, releases)
    if when.is_empty():
        return pl.repeat(False, len(events), eager=True)
    skew = timedelta(minutes=load("noise", "contextual").data["deploy"]["skew_minutes"])
    own = events.select(pl.col("release").cast(pl.String), "at").join(
        when, on="release", how="left", maintain_order="left"
    )
    newest = when["deployed_at"].to_numpy()
    at = own.select((pl.col("at") + skew).dt.replace_time_zone(None))["at"].to_numpy()
    current = np.searchsorted(newest.astype("datetime64[us]"), at.astype("datetime64[us]"), side="right") - 1
    latest = when["deployed_at"].gather(np.maximum(current, 0))
    return ((own["deployed_at"] < latest) & pl.Series(current >= 0)).fill_null(False)


def unusual_times(
    rows: pl.DataFrame,
    span: tuple[datetime, datetime] | None,
    requests: pl.DataFrame | None,
    first_party: Sequence[str],
) -> pl.Series:
    """Say of each row whether it happened while its kind spiked or an endpoint of ours failed.

    Parameters
    ----------
    rows
        `at` of the events of one kind.
    span
        First and last time of all events, of this kind or not.
    requests
        Canonical `requests`, or None.
    first_party
        Domains that are ours.

    Notes
    -----
    The usual count is the mean of the calmest buckets; a spike is several times that and would be rare by chance
    (Poisson). Thresholds: `rules/noise/contextual`.
    """
    if span is None or "at" not in rows.columns:
        return pl.repeat(False, len(rows), eager=True)
    rules = load("noise", "contextual").data
    every = f"{rules['usual']['bucket_minutes']}m"
    bucket = rows["at"].dt.truncate(every)
    bad = set(_spikes(bucket, span, rules["usual"]))
    if requests is not None and len(requests):
        bad |= set(_failing(requests, first_party, every, rules["failing_endpoint"]))
    if not bad:
        return pl.repeat(False, len(rows), eager=True)
    return bucket.is_in(pl.Series(sorted(bad), dtype=bucket.dtype).implode()).fill_null(False)


def _spikes(buckets: pl.Series, span: tuple[datetime, datetime], rules: dict) -> list:
    n_buckets = int((span[1] - span[0]) / timedelta(minutes=rules["bucket_minutes"])) + 1
    counts = buckets.drop_nulls().rename("bucket").value_counts(name="n")
    if n_buckets < rules["min_buckets"] or counts.is_empty():
        return []
    calm = np.zeros(max(n_buckets - len(counts), 0), dtype=int)
    every = np.sort(np.concatenate([counts["n"].to_numpy(), calm]))
    usual = max(every[: max(int(n_buckets * rules["calm_share"]), 1)].mean(), 1 / n_buckets)
    n = counts["n"].to_numpy()
    rare = special.pdtrc(n - 1, usual) < rules["max_chance"]  # poisson.sf, without the 2 s that scipy.stats takes
    spike = (n >= rules["min_events"]) & (n >= rules["times_usual"] * usual) & rare
    return counts["bucket"].filter(pl.Series(spike)).to_list()


def _failing(requests: pl.DataFrame, first_party: Sequence[str], every: str, rules: dict) -> list:
    urls = (
        requests.select(pl.col("url").cast(pl.String).unique()).drop_nulls().with_columns(host=host_of(pl.col("url")))
    )
    ours = is_first_party(urls["host"].drop_nulls().unique().to_list(), first_party)
    # An address without a host is relative to our own page.
    foreign = urls.filter(~pl.col("host").replace_strict(ours, default=True, return_dtype=pl.Boolean))["url"]
    return (
        requests.lazy()
        .filter(~pl.col("url").cast(pl.String).fill_null("").is_in(foreign.to_list()) & pl.col("status").is_not_null())
        .group_by("endpoint", bucket=pl.col("at").dt.truncate(every))
        .agg(n=pl.len(), failures=(pl.col("status") >= 500).sum())
        .filter(
            (pl.col("failures") >= rules["min_failures"]) & (pl.col("failures") >= rules["min_share"] * pl.col("n"))
        )
        .select(pl.col("bucket").unique())
        .collect()["bucket"]
        .to_list()
    )
