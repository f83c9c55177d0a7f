"""Why an event is noise or is not: every rule, and every entry of the team's list, with the condition that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from workbench.errors.known import KnownNoise
from workbench.errors.noise import ERROR_CONDITIONS, fitting_errors, noise_rules

if TYPE_CHECKING:
    from workbench.errors.grouping import Prepared

_NOT_HELD = {
    "text": "type and message do not fit",
    "throwing_url": "the throwing frame's address does not fit",
    "throwing_function": "the throwing function does not fit",
    "any_url": "no frame's address fits",
    "frames": "its frames are others",
    "crawler": "the user agent is no crawler's",
    "user_agent": "the user agent does not fit",
    "page_host": "the page's host does not fit",
    "browser_below": "the browser is not that old",
    "stale_release": "its release was the newest",
    "contextual": "its kind spiked then, or an endpoint of ours failed, so that it counts",
}


class Tried(NamedTuple):
    """A rule that was tried: whether it decided, and why, or why not."""

    rule: str
    fits: bool
    why: str


def tried_noise(one: Prepared) -> list[Tried]:
    """Say of each rule of noise why it fired or did not.

    Parameters
    ----------
    one
        Prepared tables of a single event; its verdict was made with all events around it.
    """
    rules = noise_rules()
    single = [
        rule._replace(rank=at, conditions={name: value})
        for at, (rule, name, value) in enumerate(
            (rule, name, value) for rule in rules for name, value in rule.conditions.items() if name in ERROR_CONDITIONS
        )
    ]
    held = fitting_errors(one.distinct, single)
    failed: dict[str, list[str]] = {}
    for rule in single:
        if not held[str(rule.rank)].item():
            failed.setdefault(rule.name, []).append(next(iter(rule.conditions)))
    verdict = one.noise["noise_rule"].item()
    fired = next((rule.rank for rule in rules if rule.name == verdict), len(rules))
    said = []
    for rule in rules:
        if rule.name == verdict:
            said.append(Tried(rule.name, True, rule.reason))
        elif rule.name in failed:
            said.append(Tried(rule.name, False, "; ".join(_NOT_HELD[name] for name in failed[rule.name])))
        elif rule.rank > fired:
            said.append(Tried(rule.name, False, f"{verdict} was first"))
        else:
            rest = [name for name in rule.conditions if name not in ERROR_CONDITIONS]
            said.append(Tried(rule.name, False, "; ".join(_NOT_HELD[name] for name in rest)))
    return said


def tried_known(entries: Sequence[KnownNoise], one: Prepared, issue_id: str) -> list[Tried]:
    """Say of each entry of the team's list why it holds or does not."""
    error = one.distinct.errors.row(0, named=True)
    text = f"{error['type'] or 'Error'}: {error['message'] or ''}"
    at = one.events["at"].item() if "at" in one.events.columns else None
    said: list[Tried] = []
    for entry in entries:
        if entry.fingerprint is not None:
            fits, why = issue_id == entry.fingerprint, f"its issue is {issue_id}"
        else:
            fits, why = pl.select(pl.lit(text).str.contains(entry.pattern)).item(), "type and message do not fit"
        if fits and at is not None and at >= entry.ends:
            fits, why = False, f"it ended on {entry.expires}"
        elif fits and one.noise["noise_class"].item() is not None:
            fits, why = False, "the event is noise already"
        said.append(Tried(f"known/{entry.id}", fits, entry.said if fits else why))
    return said
