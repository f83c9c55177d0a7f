"""All that fingerprints and evidence look at, beside each distinct error."""

from __future__ import annotations

from datetime import date

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.errors.messages import canonical_messages
from workbench.errors.shapes import name_places, shape_ids, top_places


def describe_errors(
    distinct: Distinct, messages: pl.DataFrame | None = None, *, as_of: date | None = None
) -> pl.DataFrame:
    """Put beside each distinct error all that fingerprints look at.

    Parameters
    ----------
    distinct
        The distinct errors.
    messages
        From `distinct_messages`, where the caller has them: stack-trace rules change frames and no message.
    as_of
        By the rules of that day; the newest when not given.

    Returns
    -------
    `error_id`, `type`, `message`, `canonical`, `canonical_type`, `kind`, `property`, `receiver`, `shape_id`,
    `top_file`, `top_function`, `top_spot`, `top_mapped`, `top_shared`, `top_caller`, `request`, in order of `error_id`.
    """
    messages = distinct_messages(distinct, as_of=as_of) if messages is None else messages
    read = distinct.places.filter(pl.col("receiver").is_not_null() | pl.col("property").is_not_null())
    throwing = (
        distinct.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
        .join(read.select("place_id", read_from="receiver", read="property"), on="place_id")
        .select("stack_id", "read_from", "read")
    )
    errors = (
        distinct.errors.join(messages, on=["type", "message"], how="left", nulls_equal=True, maintain_order="left")
        .join(throwing, on="stack_id", how="left", maintain_order="left")
        # Firefox's short form does not say what was read; the source at the throwing position does.
        .with_columns(
            canonical=pl.when(
                (pl.col("kind") == "nullish-read") & pl.col("property").is_null() & pl.col("read").is_not_null()
            )
            .then("nullish-read:" + pl.col("read"))
            .otherwise("canonical"),
            property=pl.when(pl.col("kind") == "nullish-read")
            .then(pl.coalesce("property", "read"))
            .otherwise("property"),
            receiver=pl.when(pl.col("kind").str.starts_with("nullish")).then(pl.coalesce("read_from", "receiver")),
        )
        .drop("read_from", "read")
    )
    named = name_places(distinct.places)
    return (
        errors.join(shape_ids(errors, distinct.frames, named), on="error_id", how="left", maintain_order="left")
        .join(top_places(distinct.frames, named, as_of=as_of), on="stack_id", how="left", maintain_order="left")
        .drop("stack_id")
    )


def distinct_messages(distinct: Distinct, *, as_of: date | None = None) -> pl.DataFrame:
    """Give each distinct pair of type and message its canonical message, by the rules of a day."""
    return canonical_messages(distinct.errors.select("type", "message").unique(maintain_order=True), as_of=as_of)
