"""How alike two issues are by themselves: the words of their messages, the places in the code, the engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

# Engines by browser family: what is seen in one engine only may read differently in another.
_JAVASCRIPTCORE = r"(?i)^(?:mobile )?safari|ios|webkit"
_SPIDERMONKEY = r"(?i)firefox"
_SHORT_MESSAGE = 8

Codes = np.ndarray


def words_alike(issues: pl.DataFrame, rules: dict[str, Any]) -> dict[str, np.ndarray]:
    """Compare what was missing, what was read of it, and messages that name neither.

    Parameters
    ----------
    issues
        One row an issue: `receiver`, `property`, `canonical`, `kind`.
    rules
        `rules/grouping/bugs`, the table `field`.

    Returns
    -------
    Matrices of weights: `receiver`, `property`, `message`, `own fault`.
    """
    generic, factor = rules["generic_names"], rules["generic_factor"]
    # `items is not iterable` names the value that is wrong, as `items` is the receiver in `items.length`.
    value_kinds = pl.col("kind").is_in(rules["value_kinds"])
    names = issues.select(
        receiver=pl.coalesce("receiver", pl.when(value_kinds).then("property")),
        property="property",
    )
    same_r, both_r = equal_names(names["receiver"])
    same_p, both_p = equal_names(names["property"])
    same_m, _ = equal_names(issues["canonical"])
    r_plain, p_plain = (_among(names[name], generic) for name in ("receiver", "property"))
    # The number of a status is no name of ours.
    status = _among(issues["kind"], rules["status_kinds"])
    p_plain |= status
    one_status = np.not_equal.outer(status, status)
    # `current.scrollTop` is two plain names, not two signs.
    both_plain = np.where(r_plain & p_plain, factor, 1.0)
    r_rare = np.where(r_plain, factor, 1.0) * both_plain
    p_rare = np.where(p_plain, factor, 1.0) * both_plain
    # What an engine says without a name, it says of everybody's mistakes alike; own words say more.
    vague = issues["kind"].is_not_null().to_numpy() | (issues["canonical"].str.len_chars() < _SHORT_MESSAGE).to_numpy()
    says = np.where(vague, factor, 1.0)
    nameless = issues["property"].is_null().to_numpy()
    # A name that exists nowhere, or a syntax error, is the code's own fault: no answer of a server makes it.
    own_fault = _among(issues["kind"], rules["own_fault_kinds"])
    unlike = ~same_m & np.logical_or.outer(own_fault, own_fault)
    return {
        "own fault": np.where(unlike, rules["own_fault"], 0.0),
        "receiver": np.where(
            same_r,
            rules["same_receiver"] * np.minimum.outer(r_rare, r_rare),
            np.where(both_r, rules["other_receiver"], 0.0),
        ),
        "property": np.where(
            same_p,
            rules["same_property"] * np.minimum.outer(p_rare, p_rare),
            np.where(both_p & ~same_r & ~one_status, rules["other_property"], 0.0),
        ),
        "message": np.where(
            same_m & np.logical_and.outer(nameless, nameless), rules["same_message"] * np.minimum.outer(says, says), 0.0
        ),
    }


def places_alike(
    issues: pl.DataFrame, events: pl.DataFrame, conflict: np.ndarray, rules: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Compare where in the code issues show themselves, and what having no source map hides of it.

    Parameters
    ----------
    issues
        One row an issue: `top_file`, `top_function`, `top_area` (neighbourhood in the bundle), `top_mapped`,
        `top_shared`, `top_caller`, `request`, `canonical`, `kind`, `property`.
    events
        Events that are not noise: `issue`, `browser`, `release`.
    conflict
        Pairs that follow different endpoints: there the same message alone says nothing.
    rules
        `rules/grouping/bugs`, the table `place`.

    Returns
    -------
    Matrices of weights: `place`, `engines`, `no map`.
    """
    n = len(issues)
    mapped = issues["top_mapped"].fill_null(False).to_numpy()
    both_mapped, neither = np.logical_and.outer(mapped, mapped), np.logical_and.outer(~mapped, ~mapped)
    same_file, _ = equal_names(issues["top_file"])
    same_function, _ = equal_names(issues["top_function"])
    same_area, _ = equal_names(issues["top_area"])
    same_canonical, _ = equal_names(issues["canonical"])
    releases = incidence(events, "release", n).toarray() > 0
    no_release_shared = releases.astype(int) @ releases.T.astype(int) == 0
    # A bundle holds everything: in it only the neighbourhood says something, and only within one release.
    same_place = same_file & same_function & (both_mapped | (neither & same_area & ~no_release_shared))
    # Of code that everybody calls only the caller is a place, and where that is not known there is none.
    same_caller, _ = equal_names(issues["top_caller"])
    shared = issues["top_shared"].fill_null(False).to_numpy()
    is_shared = np.logical_or.outer(shared, shared)
    same_top = same_file & same_function
    same_place &= ~is_shared | same_caller
    same_file &= ~is_shared | same_caller
    # The one wrapper around `fetch` throws for all endpoints, also where no source map names it.
    wrapped = _among(issues["kind"], rules["wrapper_kinds"])
    own = np.where(np.logical_or.outer(wrapped, wrapped) & ~same_caller, rules["wrapper_factor"], 1.0)
    codes = issues["canonical"].rank("dense").to_numpy() - 1
    mapped_places = np.bincount(codes, weights=mapped.astype(float), minlength=n)[codes]
    twin = ~conflict & same_canonical & np.not_equal.outer(mapped, mapped) & (mapped_places <= 1)[:, None]
    cut_off = ~conflict & same_canonical & same_top & _less_known(issues)
    took_over = same_canonical & ~both_mapped & no_release_shared
    moved = same_canonical & neither & same_file & same_function & no_release_shared
    engines = incidence(events.with_columns(engine=_engine()), "engine", n).toarray()
    enough = engines.sum(axis=1) >= 2
    apart = ((engines > 0).astype(int) @ (engines > 0).T.astype(int) == 0) & np.logical_and.outer(enough, enough)
    same_kind, _ = equal_names(issues["kind"])
    same_property, both_property = equal_names(issues["property"])
    like = (same_kind & (same_property | ~both_property)) | same_place
    return {
        "place": own
        * np.where(same_place, rules["same_function"], np.where(same_file & both_mapped, rules["same_file"], 0.0)),
        "engines": np.where(apart & like, rules["engines_apart"], 0.0),
        "no map": np.select(
            [cut_off, moved, twin, took_over],
            [rules["cut_off"], rules["moved"], rules["unmapped_twin"], rules["took_over"]],
            0.0,
        ),
    }


def _less_known(issues: pl.DataFrame) -> np.ndarray:
    """Pairs of which one lacks what tells issues of one place apart, the caller or the request, and only one is known.

    WebKit cuts asynchronous callers off, and not every session records its requests.
    """
    less, same = [], []
    for name in ("top_caller", "request"):
        known = issues[name].is_not_null().to_numpy()
        n_known = pl.col(name).drop_nulls().n_unique().over("canonical", "top_file", "top_function")
        equal, _ = equal_names(issues[name])
        less.append(np.not_equal.outer(known, known) & (issues.select(n_known)[name].to_numpy() <= 1)[:, None])
        same.append(equal | ~np.logical_or.outer(known, known))
    return (less[0] & (less[1] | same[1])) | (less[1] & same[0])


def incidence(events: pl.DataFrame, column: str, n: int) -> sparse.csr_matrix:
    """Count events by issue and value of a column."""
    pairs = (
        events.select("issue", code=pl.col(column).cast(pl.String).rank("dense"))
        .drop_nulls()
        .group_by("issue", "code")
        .agg(k=pl.len())
    )
    if pairs.is_empty():
        return sparse.csr_matrix((n, 1))
    return sparse.csr_matrix(
        (
            pairs["k"].to_numpy().astype(float),
            (pairs["issue"].to_numpy(), pairs["code"].to_numpy().astype(np.int64) - 1),
        ),
        shape=(n, int(pairs["code"].max())),
    )


def equal_names(names: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Whether two issues have the same name, and whether both have one."""
    codes = names.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    known = codes > 0
    both = np.logical_and.outer(known, known)
    return np.equal.outer(codes, codes) & both, both


def _among(names: pl.Series, listed: list[str]) -> np.ndarray:
    return names.is_in(listed).fill_null(False).to_numpy()


def _engine() -> pl.Expr:
    browser = pl.col("browser").cast(pl.String)
    return (
        pl.when(browser.is_null())
        .then(None)
        .when(browser.str.contains(_JAVASCRIPTCORE))
        .then(pl.lit("javascriptcore"))
        .when(browser.str.contains(_SPIDERMONKEY))
        .then(pl.lit("spidermonkey"))
        .otherwise(pl.lit("v8"))
    )
