"""Shapes: errors whose canonical message and normalised stack are equal; and where in our code an error shows."""

from __future__ import annotations

from datetime import date

import polars as pl
import polars_hash  # noqa: F401  registers the namespace `chash`

from workbench.rules.loader import load

_ID_LENGTH = 16
# What bundlers put before a path: `webpack:///./src/x.ts`, `webpack://shop/src/x.ts`, `../../src/x.ts`.
_SOURCE_PREFIX = r"^(?:webpack(?:-internal)?:///?(?:[^/]*/)?|vite:/*|file:///|app:///|(?:\.{1,2}/)+|/)+"
_HASHED = (
    r"^(.*?)[-._~]([A-Za-z0-9_]{6,40})"
    r"((?:\.(?:min|chunk|bundle|module|esm|prod))*\.(?:m?js|cjs|css|wasm|bundle|jsbundle))$"
)


def stable_id(*parts: pl.Expr) -> pl.Expr:
    """Hash expressions to 16 hex digits that are equal on every machine, in every run and every version.

    Examples
    --------
    >>> pl.DataFrame({"a": ["x", "x"], "b": [None, "1"]}).select(stable_id(pl.col("a"), pl.col("b")))["a"].to_list()
    ['7a7fac89a92e4965', '5f4c03d55ba8f40f']
    """
    text = pl.concat_str([part.cast(pl.String).fill_null("\x00") for part in parts], separator="\x1f")
    return text.chash.sha2_256().str.slice(0, _ID_LENGTH)


def file_of(url: pl.Expr) -> pl.Expr:
    """Return a bundle's path without host, query and content hash: the same in the next release.

    Examples
    --------
    >>> urls = ["https://shop.example/assets/app-3F2A9C1B.js?v=2", "https://x.example/user-settings.js", "main.bundle"]
    >>> pl.DataFrame({"url": urls}).select(file=file_of(pl.col("url")))["file"].to_list()
    ['/assets/app.js', '/user-settings.js', 'main.bundle']
    """
    path = (
        url.str.replace(r"[?#].*$", "")
        .str.replace(r"^blob:.*$", "<blob>")
        .str.replace(r"^data:.*$", "<data>")
        .str.replace(r"^[a-zA-Z][\w+.-]*://[^/]*", "")
    )
    parts = path.str.extract_groups(_HASHED)
    token = parts.struct["2"]
    mixed = token.str.contains("[a-z]") & token.str.contains("[A-Z]")
    is_hash = token.str.contains(r"\d") | mixed | token.str.contains(r"^[A-Z]{8}$")
    return pl.when(is_hash).then(parts.struct["1"] + parts.struct["3"]).otherwise(path).replace("", "/")


def short_function(function: pl.Expr) -> pl.Expr:
    """Cut a function's name to what all engines agree on: its last dotted part, without `new`, `async`, `/<`.

    Examples
    --------
    >>> names = ["Object.render", "new Cart", "render/<", "async load", "f.b.render/this.x</<", "Anonymous function"]
    >>> pl.DataFrame({"f": names}).select(short=short_function(pl.col("f")))["short"].to_list()
    ['render', 'Cart', 'render', 'load', 'render', None]
    """
    name = (
        function.str.replace(r"^(?:async |new |get |set )+", "")
        .str.replace(r"[/<].*$", "")
        .str.extract(r"([\w$#-]+)(?:\(.*\))?$")
    )
    return pl.when(function.is_in(["Anonymous function", "<anonymous>"]) | (name == "")).then(None).otherwise(name)


def name_places(places: pl.DataFrame) -> pl.DataFrame:
    """Say of each place in the code what to call it, whether a source map knew it, and whether it is ours.

    Parameters
    ----------
    places
        Places of distinct errors as `distinct_errors` gives them.

    Returns
    -------
    `place_id`, `file` (source path or bundle), `place_function`, `spot` (line in the source, or line and column in the
    bundle), `mapped`, `ours`.
    """
    mapped = pl.col("source").is_not_null()
    is_place = pl.col("url").is_not_null() & (pl.col("line").is_not_null() | pl.col("function").is_not_null())
    source = pl.col("source").str.replace(r"[?#].*$", "").str.replace(_SOURCE_PREFIX, "")
    return places.select(
        "place_id",
        file=pl.when(mapped).then(source).otherwise(file_of(pl.col("url"))),
        place_function=short_function(pl.when(mapped).then("source_function").otherwise("function")),
        spot=pl.when(mapped)
        .then(pl.col("source_line").cast(pl.String))
        .otherwise(pl.concat_str("line", "column", separator=":", ignore_nulls=True)),
        mapped=mapped,
        ours=pl.col("in_app") & (mapped | (pl.col("first_party").fill_null(True) & is_place)),
    )


def top_places(frames: pl.DataFrame, named: pl.DataFrame, *, as_of: date | None = None) -> pl.DataFrame:
    """Return the first frame of ours of each stack (of the error shown, else of its causes), one row a stack.

    Parameters
    ----------
    frames
        `stack_id`, `exception_index`, `frame_index`, `place_id`, in this order.
    named
        From `name_places`.
    as_of
        What is shared code, by the rules (`rules/grouping/shared`) of that day; the newest when not given.

    Returns
    -------
    `stack_id`, `top_file`, `top_function`, `top_spot`, `top_mapped`, `top_shared` (code that everybody calls),
    `top_caller` (then: the first file below it that is not).
    """
    shared = pl.col("file").str.contains(load("grouping", "shared", as_of=as_of).data["path"])
    ours = named.filter("ours").select(
        "place_id",
        top_file="file",
        top_function="place_function",
        top_spot="spot",
        top_mapped="mapped",
        top_shared=(pl.col("mapped") & shared).fill_null(False),
    )
    steps = frames.join(ours.select("place_id"), on="place_id", how="semi", maintain_order="left")
    tops = steps.unique("stack_id", keep="first", maintain_order=True).join(ours, on="place_id", maintain_order="left")
    callers = (
        steps.join(tops.filter("top_shared").select("stack_id", "exception_index"), on=["stack_id", "exception_index"])
        .join(ours.filter("top_mapped", ~pl.col("top_shared")).select("place_id", top_caller="top_file"), on="place_id")
        .sort("stack_id", "frame_index")
        .unique("stack_id", keep="first", maintain_order=True)
        .select("stack_id", "top_caller")
    )
    return tops.select("stack_id", *ours.columns[1:]).join(callers, on="stack_id", how="left", maintain_order="left")


def shape_ids(errors: pl.DataFrame, frames: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Give each distinct error its shape.

    Parameters
    ----------
    errors
        `error_id`, `stack_id`, `canonical_type`, `canonical`.
    frames
        As for `top_places`.
    named
        From `name_places`.

    Returns
    -------
    `error_id`, `shape_id`: 16 hex digits, equal where type, canonical message and normalised stack are equal.
    """
    said = named.select(
        "place_id", said=pl.concat_str(pl.col("file", "place_function", "spot").fill_null("?"), separator=" ")
    )
    # Each place is hashed once; a stack's hash is that of its places' hashes, in order.
    said = said.with_columns(said=stable_id(pl.col("said")))
    stacks = (
        frames.join(said, on="place_id", how="left", maintain_order="left")
        .group_by("stack_id", maintain_order=True)
        .agg(pl.col("said").str.join(" "))
        .with_columns(stack_text=stable_id(pl.col("said")))
    )
    keys = errors.select("error_id", "stack_id", "canonical_type", "canonical").join(
        stacks.select("stack_id", "stack_text"), on="stack_id", how="left", maintain_order="left"
    )
    return keys.select(
        "error_id", shape_id=stable_id(pl.col("canonical_type"), pl.col("canonical"), pl.col("stack_text"))
    )
