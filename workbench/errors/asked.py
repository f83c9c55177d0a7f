"""What one wrapper throws for every endpoint alike is told apart by the request that was answered so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.rules.loader import load


def by_request(
    distinct: Distinct, errors: pl.DataFrame, before: pl.DataFrame, *, as_of: date | None = None
) -> tuple[Distinct, pl.DataFrame]:
    """Make errors of their own of those that one place throws for several endpoints.

    Only kinds that `rules/grouping/shared` names, thrown by shared code, with no frame of ours, or where no source map
    says which it is: elsewhere the place says more. The requests before an event belong to it, so that its fingerprint still needs no other event.

    Parameters
    ----------
    distinct
        The distinct errors.
    errors
        From `describe.describe_errors`.
    before
        From `network.requests_before`.
    as_of
        By the rules of that day; the newest when not given.

    Returns
    -------
    Both tables with an error for each such endpoint, named in `request`; all others as they were.

    Examples
    --------
    >>> from workbench.errors.describe import describe_errors
    >>> from workbench.errors.distinct import distinct_errors
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": "AxiosError", "message": "Request failed with status code 500"})
    >>> found = distinct_errors(events, None, ["shop.example"])
    >>> asked = {"event_id": ["a", "b"], "endpoint": ["GET /cart", "GET /user"], "status": 500, "recency": 1.0}
    >>> told, errors = by_request(found, describe_errors(found), pl.DataFrame(asked))
    >>> errors["request"].to_list(), told.of_event["error_id"].to_list()
    ([None, 'GET /cart', 'GET /user'], [1, 2])
    """  # noqa: E501
    kinds = load("grouping", "shared", as_of=as_of).data["kinds"]
    nobody = pl.col("top_shared").fill_null(True) | ~pl.col("top_mapped")
    thrown = errors.filter(pl.col("kind").is_in(kinds) & nobody).select(
        "error_id", status=pl.col("property").cast(pl.Int64, strict=False)
    )
    if thrown.is_empty() or before.is_empty():
        return distinct, errors
    asked = (
        distinct.of_event.join(thrown, on="error_id")
        .join(before.select("event_id", "status", "endpoint", "recency"), on=["event_id", "status"])
        .sort("recency", "endpoint", descending=[True, False])
        .unique("event_id", keep="first", maintain_order=True)
        .select("event_id", "error_id", request="endpoint")
    )
    new = asked.select("error_id", "request").unique().sort("error_id", "request")
    new = new.with_columns(
        new_id=pl.int_range(pl.len(), dtype=distinct.errors.schema["error_id"]) + pl.lit(len(distinct.errors))
    ).cast({"new_id": distinct.errors.schema["error_id"]})
    of_event = (
        distinct.of_event.join(
            asked.join(new, on=["error_id", "request"]).select("event_id", "new_id"),
            on="event_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(error_id=pl.coalesce("new_id", "error_id"))
        .drop("new_id")
    )

    def with_new(table: pl.DataFrame) -> pl.DataFrame:
        more = new.join(table.drop("request"), on="error_id", how="left", maintain_order="left")
        more = more.with_columns(error_id="new_id").select(table.columns)
        return pl.concat([table, more])

    return replace(distinct, errors=with_new(distinct.errors), of_event=of_event), with_new(errors)
