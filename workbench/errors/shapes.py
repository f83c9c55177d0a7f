"""Shapes: errors whose canonical message and normalised stack are equal; and where in our code an error shows."""

from __future__ import annotations

import polars as pl
import polars_hash  # noqa: F401  registers the namespace `chash`

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


def frame_places(frames: pl.DataFrame) -> pl.DataFrame:
    """Say of each frame where it stands: file, function, whether a source map knew it, whether it is ours.

    Parameters
    ----------
    frames
        Frames of distinct errors as `distinct_errors` gives them.

    Returns
    -------
    `error_id`, `exception_index`, `frame_index`, `file` (source path or bundle), `place_function`, `spot` (line in the
    source, or line and column in the bundle), `mapped`, `ours`.
    """
    places = frames.lazy().select(
        "error_id", "exception_index", "frame_index", "url", "function", "line", "column", "source", "source_function",
        "source_line", "in_app", "first_party",
    )  # fmt: skip
    mapped = pl.col("source").is_not_null()
    is_place = pl.col("url").is_not_null() & (pl.col("line").is_not_null() | pl.col("function").is_not_null())
    source = pl.col("source").str.replace(r"[?#].*$", "").str.replace(_SOURCE_PREFIX, "")
    return places.select(
        "error_id",
        "exception_index",
        "frame_index",
        file=pl.when(mapped).then(source).otherwise(file_of(pl.col("url"))),
        place_function=short_function(pl.when(mapped).then("source_function").otherwise("function")),
        spot=pl.when(mapped)
        .then(pl.col("source_line").cast(pl.String))
        .otherwise(pl.concat_str("line", "column", separator=":", ignore_nulls=True)),
        mapped=mapped,
        ours=pl.col("in_app") & (mapped | (pl.col("first_party").fill_null(True) & is_place)),
    ).collect()


def top_places(places: pl.DataFrame) -> pl.DataFrame:
    """Return the first frame of ours of each error (of the error shown, else of its causes), one row an error.

    Returns
    -------
    `error_id`, `top_file`, `top_function`, `top_spot`, `top_mapped`.
    """
    return (
        places.lazy()
        .filter("ours")
        .sort("error_id", "exception_index", "frame_index")
        .unique("error_id", keep="first", maintain_order=True)
        .select("error_id", top_file="file", top_function="place_function", top_spot="spot", top_mapped="mapped")
        .collect()
    )


def shape_ids(messages: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Give each distinct error its shape.

    Parameters
    ----------
    messages
        `error_id`, `canonical_type`, `canonical`.
    places
        From `frame_places`.

    Returns
    -------
    `error_id`, `shape_id`: 16 hex digits, equal where type, canonical message and normalised stack are equal.
    """
    stacks = (
        places.lazy()
        .sort("error_id", "exception_index", "frame_index")
        .select(
            "error_id",
            place=pl.concat_str(pl.col("file", "place_function", "spot").fill_null("?"), separator=" "),
        )
        .group_by("error_id", maintain_order=True)
        .agg(stack_text=pl.col("place").str.join("\n"))
    )
    return (
        messages.lazy()
        .select("error_id", "canonical_type", "canonical")
        .join(stacks, on="error_id", how="left", maintain_order="left")
        .select("error_id", shape_id=stable_id(pl.col("canonical_type"), pl.col("canonical"), pl.col("stack_text")))
        .collect()
        .sort("error_id")
    )
