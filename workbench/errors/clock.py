"""When issues began and ended, on a clock that runs with the traffic, so that a quiet night is not a silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Lives:
    """When each issue lived. All arrays have one entry an issue; `began`, `ended`, `rate` are in units of traffic."""

    began: np.ndarray
    ended: np.ndarray
    rate: np.ndarray
    total: float
    first: np.ndarray
    last: np.ndarray


def lives(traffic: pl.DataFrame, events: pl.DataFrame, n_issues: int) -> Lives:
    """Place each issue's first and last event on the traffic's own clock.

    Parameters
    ----------
    traffic
        All events there are, noise too: `at`, `session_id` where known. A session counts once every ten minutes.
    events
        `issue` (0 .. n_issues - 1) and `at` of the events that are not noise.
    n_issues
        How many issues there are.

    Returns
    -------
    `rate` is events of the issue a unit of traffic while it lived.
    """
    ticks = traffic.lazy().select(
        "at", session="session_id" if "session_id" in traffic.columns else pl.lit(None, pl.String)
    )
    ticks = (
        ticks.with_columns(bucket=pl.col("at").dt.truncate("10m"), own=pl.int_range(pl.len()).cast(pl.String))
        .group_by(pl.col("session").cast(pl.String).fill_null(pl.col("own")), "bucket")
        .agg(pl.col("at").min())
        .select("at")
        .sort("at")
        .collect()
    )
    moments = ticks["at"].to_physical().to_numpy()
    # One visitor's ten errors in a row are one sign of life.
    by_issue = (
        events.lazy()
        .with_columns(own=pl.int_range(pl.len()).cast(pl.String))
        .group_by("issue")
        .agg(
            first=pl.col("at").min(),
            last=pl.col("at").max(),
            n=pl.struct(
                pl.col("session_id").cast(pl.String).fill_null(pl.col("own")), pl.col("at").dt.truncate("10m")
            ).n_unique(),
        )
        .sort("issue")
        .collect()
    )
    first, last = by_issue["first"].to_physical().to_numpy(), by_issue["last"].to_physical().to_numpy()
    began = np.searchsorted(moments, first, side="left").astype(float)
    ended = np.searchsorted(moments, last, side="right").astype(float)
    n = by_issue["n"].to_numpy().astype(float)
    total = float(len(moments))
    # One event tells no rate; the wait between two tells little. The second term fades with the square of the count.
    rate = (n - 0.5) / (ended - began + 0.25 * total / n**2)
    return Lives(began, ended, rate, total, first, last)


def onset_evidence(
    lives: Lives, deployed_at: np.ndarray, releases: np.ndarray, mapped: np.ndarray, rules: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Compare when issues began and ended, pair by pair.

    Parameters
    ----------
    lives
        From `lives`.
    deployed_at
        Times of deploys in epoch microseconds, sorted.
    releases
        Issue by release, true where the issue has events of the release.
    mapped
        Whether a source map knew the issue's place.
    rules
        `rules/grouping/bugs`, the table `time`.

    Returns
    -------
    Matrices of weights: `onset`, `end`, `disjoint`.

    Notes
    -----
    An onset is known only as well as the issue is frequent: the later of two issues speaks against one cause by the
    chance that it stayed unseen so long (Poisson). An issue that could have been there before the data begin has no
    onset. An onset that many share says little, one that a deploy explains still less.
    """
    began, ended, rate = lives.began, lives.ended, lives.rate
    sharp = np.clip(np.log(np.maximum(rate * lives.total, 1.0)) / np.log(50.0), 0.0, 1.0)
    sharpness = np.minimum.outer(sharp, sharp)
    known_onset, known_end = began * rate > 2.0, (lives.total - ended) * rate > 2.0
    share_release = (releases.astype(np.int64) @ releases.T.astype(np.int64)) > 0
    near = np.abs(np.subtract.outer(lives.first, lives.first)) <= rules["tolerance_minutes"] * 60e6
    at_deploy = _soon_after(lives.first, deployed_at, lives, rules)
    onset = _same_moment(began, rate, known_onset, near, sharpness) * rules["same_onset"]
    onset *= np.where(np.logical_and.outer(at_deploy, at_deploy), rules["onset_at_deploy"], 1.0)
    later = np.maximum.outer(began, began) == began[:, None]
    missed = np.abs(np.subtract.outer(began, began)) * np.where(later, rate[:, None], rate[None, :])
    # A deploy moves everything in a bundle, so that an issue without a map begins anew with each release.
    renamed = at_deploy & ~mapped
    later_renamed = np.where(later, renamed[:, None], renamed[None, :])
    penal = (known_onset[:, None] | known_onset[None, :]) & share_release & ~near & ~later_renamed
    onset += np.where(
        penal, rules["other_onset"] * (1.0 - np.exp(-np.maximum(missed - rules["chance_missed"], 0.0) / 4.0)), 0.0
    )
    near_end = np.abs(np.subtract.outer(lives.last, lives.last)) <= rules["tolerance_minutes"] * 60e6
    end = _same_moment(-ended, rate, known_end, near_end, sharpness) * rules["same_end"]
    gap = np.maximum(np.subtract.outer(began, ended), np.subtract.outer(began, ended).T)
    unseen = np.maximum(gap, 0.0) * np.minimum.outer(rate, rate)
    full = rules["disjoint_missing"]
    disjoint = rules["disjoint"] * np.clip((unseen - full / 3) / (full * 2 / 3), 0.0, 1.0)
    # One that a release without maps took over from another is no newcomer.
    disjoint[~share_release & ~np.logical_and.outer(mapped, mapped)] = 0.0
    return {"onset": onset, "end": end, "disjoint": disjoint}


def _same_moment(began, rate, known, near, sharpness) -> np.ndarray:
    """1 where two onsets fall together, shared out over all issues that begin then."""
    apart = np.abs(np.subtract.outer(began, began))
    together = (apart * np.minimum.outer(rate, rate) < 1.5) & (apart * np.maximum.outer(rate, rate) < 4.0) | near
    together &= np.logical_and.outer(known, known)
    np.fill_diagonal(together, True)
    crowd = together.sum(axis=1)
    shared_by = np.maximum.outer(crowd, crowd)
    return np.where(together, sharpness * 2.0 / np.maximum(shared_by, 2), 0.0)


def _soon_after(first: np.ndarray, deployed_at: np.ndarray, lives: Lives, rules: dict[str, Any]) -> np.ndarray:
    """Whether an issue began when a deploy explains it: soon after, or after the wait that its rate allows."""
    if not len(deployed_at):
        return np.zeros(len(first), dtype=bool)
    last_deploy = np.searchsorted(deployed_at, first + rules["tolerance_minutes"] * 60e6, side="right") - 1
    since = first - deployed_at[np.maximum(last_deploy, 0)]
    life = np.maximum(lives.last - lives.first, 1)
    wait = 3.0 * life / np.maximum(lives.rate * (lives.ended - lives.began), 1.0)
    return (last_deploy >= 0) & (since <= np.maximum(rules["tolerance_minutes"] * 60e6, wait))
