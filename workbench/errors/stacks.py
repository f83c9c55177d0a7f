"""Raw `stack` strings of every engine to canonical frames: each distinct line is parsed once.

Two families write a frame a line: V8's `    at name (address)` (Chrome, Edge, Node, Hermes, old IE) and `name@address`
(Firefox, Safari, React Native's JavaScriptCore, old Opera). Two old Operas write sentences. A line that fits none is no
frame; a line between two frames that reads like an error's first line begins the cause or the next of an aggregate.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from connectors.tables import FRAMES
from workbench.rules.loader import load

# `url:12:34`, `url:12`, `url`; a Windows drive (`C:\x.js:1:2`) keeps its colon because only trailing digits are taken.
_PLACE = r"^(?<url>.*?)(?::(?<line>\d+))?(?::(?<column>\d+))?$"
# `async fn (`, `new Fn (`, `fn [as alias] (`: the first " (" ends the name, addresses hold no blanks.
_V8 = r"^\s*at\s+(?:async\s+)?(?:(?<function>[^\s(][^(]*?(?:\([^()]*\)[^(]*?)?)\s+)?\((?<place>.*)\)[\s,{]*$"
_V8_BARE = (
    r"^\s*at\s+(?:async\s+)?(?<place>\S+?:(?:\d+|0x[0-9a-f]+)(?::\d+)?|<anonymous>|native"
    r"|(?:[a-zA-Z]:\\|\\\\|/|[a-z][\w+.-]*://).*:\d+:\d+)[\s,{]*$"
)
# React Native on old Androids writes no blank before the address.
_V8_TIGHT = r"^\s*at\s+(?:async\s+)?(?<function>[^\s(]+)\((?<place>[^()\s]+:\d+)\)[\s,{]*$"
_V8_NAMED_ONLY = r"^\s*at\s+(?:(?:async|new)\s+)*(?<function>[^\s(:]+)\s*$"
# What can stand in V8's brackets: an address, or the engine's word for its own code. Prose in brackets is a message's.
_V8_PLACE = r"[:/\\]|^(?:<anonymous>|native|native code|unknown|index \d+|\[[\w ]+\]|[\w.-]+\.\w+)$"
# The innermost `(address:line:column)` of nested evals is the text that called eval: where a person can look.
_EVAL_ORIGIN = r"\((?<place>(?:[a-zA-Z][\w+.-]*:|/)[^()\s]+:\d+:\d+)\)"
# Firefox puts `async*`, `promise callback*`, `setTimeout handler*` before a name that was scheduled.
# An @ in quotes belongs to the name of a member (`rates["a@b"]`).
_AT_SIGN = r"^(?:[^@/]*\*)?(?<function>(?:[^@\"]|\"[^\"]*\")*?)(?:\([^()@]*\))?@(?<place>.*)$"
# What follows the @ of a frame: an address that ends in a line, or one that is written without. Not an email's host.
_AT_SIGN_PLACE = (
    r"(?::\d+|:0x[0-9a-fA-F]+)$|^\d+:\d+$| line \d+ > |^\[(?:native|wasm) code\]$"
    r"|^(?:[a-z-]+-extension|webkit-masked-url|blob|data|file|about|resource|chrome|app|capacitor|ionic):"
)
_BARE_ADDRESS = r"^\s*(?<place>(?:[a-z][\w+.-]*://|/)\S+:\d+(?::\d+)?)\s*$"
_OPERA_10 = (
    r"^\s*(?:\.\.\.\s+)?Line (?<line>\d+) of (?:linked|inline#\d+|function|eval)? ?script(?: in)? "
    r"(?<url>\S+?)(?::? In function (?<function>\S+))?:?\s*$"
)
_OPERA_11 = (
    r"^\s*(?:Error [a-z ]+ at|called .*?(?:from|at)) line (?<line>\d+), column (?<column>\d+) in "
    r"(?:(?:<anonymous function(?:: (?<anonymous>[^>]+))?>|(?<function>[^\s(]+))\([^)]*\) in )?(?<url>\S+?):?\s*$"
)
_FIREFOX_EVAL = r"^(?<url>.*?) line (?<line>\d+) > (?:eval|Function|injectedScript|debugger|WebAssembly).*$"
_WASM = r"^(?:(?<url>.*?):)?wasm-function\[(?<index>\d+)\](?::0x(?<offset>[0-9a-fA-F]+))?$"
_ERROR_LINE = r"^\s*(?:\[?(?:cause|errors)\]?:|Caused by:|\{?\s*\[?\w*(?:Error|Exception)\b.*)"
# `Error: no account for maya@example.org` is the line above the frames, whatever stands in it.
_HEADER = r"^(?:Uncaught )?\w*(?:Error|Exception)(?:: |$)"
_NOT_A_NAME = ["", "<anonymous>", "Anonymous function", "anonymous", "?", "<unknown>", "<anonymous function>"]


def parse_stacks(events: pl.DataFrame) -> pl.DataFrame:
    """Parse raw stacks into canonical frames, throwing frame first.

    Parameters
    ----------
    events
        `event_id` and `stack`; events without a stack give no frames.

    Returns
    -------
    Canonical `frames`. Columns are the engine's own, 1-based. Frames of an eval carry the address of the code that called
    it. Frames of WebAssembly have line 1 and the byte offset (plus one) as column, which is how their source maps count.
    A stack with causes gives them as `exception_index` 1, 2, ... `in_app` is false for frames that the rules
    (`rules/in_app`) say are not ours; with source maps `symbolicate` decides again.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a"], "stack": ["TypeError: x\\n    at Cart.total (https://shop.example/app.js:1:234)"]})
    >>> parse_stacks(events).select("function", "url", "line", "column").row(0)
    ('Cart.total', 'https://shop.example/app.js', 1, 234)
    """  # noqa: E501
    given = events.select("event_id", "stack").drop_nulls()
    distinct = given.select(stack=pl.col("stack").unique(maintain_order=True)).with_row_index("stack_id")
    frames, places = parse_distinct_stacks(distinct)
    ids = given.join(distinct, on="stack").select("event_id", "stack_id")
    return (
        ids.join(frames.join(places, on="place_id"), on="stack_id")
        .sort("event_id", "exception_index", "frame_index")
        .select(
            pl.lit(None, dtype).alias(name) if name == "debug_id" else pl.col(name).cast(dtype)
            for name, dtype in FRAMES.schema.items()
        )
    )


def parse_distinct_stacks(stacks: pl.DataFrame, *, as_of: date | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parse stacks that are already distinct, each distinct line once.

    Parameters
    ----------
    stacks
        `stack_id`, `stack`.
    as_of
        By the rules (`rules/in_app`) of that day; the newest when not given.

    Returns
    -------
    Frames: `stack_id`, `exception_index`, `frame_index`, `place_id`. Places, one row a distinct line: `place_id`,
    `function`, `url`, `line`, `column`, `in_app`.

    Examples
    --------
    >>> stacks = pl.DataFrame({"stack_id": [7], "stack": ["f@https://a.example/x.js:1:2\\n@https://a.example/x.js:3:4"]})
    >>> frames, places = parse_distinct_stacks(stacks)
    >>> frames.drop("place_id").rows()
    [(7, 0, 0), (7, 0, 1)]
    >>> sorted(places.drop("place_id").rows(), key=lambda row: row[2])
    [('f', 'https://a.example/x.js', 1, 2, True), (None, 'https://a.example/x.js', 3, 4, True)]
    """
    lines = (
        stacks.select("stack_id", line_text=pl.col("stack").str.split("\n"))
        .explode("line_text")
        .with_columns(place_id=pl.col("line_text").hash())
    )
    vocabulary = _parse_lines(
        lines.select("place_id", "line_text").unique("place_id", keep="first", maintain_order=True), as_of
    )
    worth = vocabulary.filter(pl.col("is_frame") | pl.col("is_error_line"))
    marked = lines.select("stack_id", "place_id").join(
        worth.select("place_id", "is_frame"), on="place_id", how="inner", maintain_order="left"
    )
    # The rows of a stack stand together, so what a window would count is a difference from the stack's first row.
    new_stack = (pl.col("stack_id") != pl.col("stack_id").shift(1)).fill_null(True)
    seen = pl.col("is_frame").cum_sum() - pl.col("is_frame")
    after_header = ~pl.col("is_frame").shift(1, fill_value=True) & ~new_stack
    frames = (
        marked.with_columns(new_stack=new_stack, frames_before=seen - _at_start(seen, new_stack))
        .with_columns(begins=after_header & pl.col("is_frame") & (pl.col("frames_before") > 0))
        .filter("is_frame")
    )
    new_stack = (pl.col("stack_id") != pl.col("stack_id").shift(1)).fill_null(True)
    begun, row = pl.col("begins").cum_sum(), pl.int_range(pl.len())
    return (
        frames.select(
            "stack_id",
            exception_index=(begun - _at_start(begun, new_stack)).cast(pl.Int64),
            frame_index=row - _at_start(row, new_stack | pl.col("begins")),
            place_id="place_id",
        ),
        worth.filter("is_frame").select("place_id", "function", "url", "line", "column", "in_app"),
    )


def _at_start(value: pl.Expr, starts: pl.Expr) -> pl.Expr:
    return pl.when(starts).then(value).forward_fill()


def is_foreign(url: pl.Expr, *, as_of: date | None = None) -> pl.Expr:
    """Whether an address is a library's, an extension's or the engine's, by the rules in `rules/in_app`; null is not.

    Examples
    --------
    >>> urls = ["https://shop.example/app.js", "https://unpkg.com/react.js", "<anonymous>"]
    >>> pl.DataFrame({"url": urls}).select(foreign=is_foreign(pl.col("url")))["foreign"].to_list()
    [False, True, True]
    """
    rules = load("in_app", "frames", as_of=as_of).data["not_in_app"]
    return url.fill_null("").str.contains("|".join(f"(?:{rule['url']})" for rule in rules))


def _parse_lines(vocabulary: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """Parse distinct lines by the family each belongs to: the frame's columns, `is_frame`, `is_error_line`."""
    text = pl.col("line_text")
    families = vocabulary.with_columns(text.str.strip_chars_end("\r")).with_columns(
        family=pl.when(text.str.contains(r"^\s*at\s"))
        .then(pl.lit("v8"))
        .when(
            text.str.contains(r"^[^\s@(][^@\s(]*(?: [^@\s]+)*(?:\([^@]*\))?@\S|^(?:\([^@]*\))?@\S")
            & ~text.str.contains(_HEADER)
        )
        .then(pl.lit("at_sign"))
        .when(text.str.contains(_BARE_ADDRESS))
        .then(pl.lit("bare"))
        .when(text.str.contains(r"^\s*(?:(?:\.\.\.\s+)?Line \d+ of|Error [a-z ]+ at line|called )"))
        .then(pl.lit("opera"))
        .otherwise(pl.lit("none"))
    )
    parts = [
        _v8(families.filter(pl.col("family") == "v8")),
        _at_sign(families.filter(pl.col("family") == "at_sign")),
        _bare(families.filter(pl.col("family") == "bare")),
        _opera(families.filter(pl.col("family") == "opera")),
    ]
    is_frame = pl.any_horizontal(pl.col("url", "function", "line").is_not_null())
    return (
        families.select("place_id", is_error_line=text.str.contains(_ERROR_LINE))
        .join(_finish(pl.concat(parts), as_of), on="place_id", how="left")
        .with_columns(is_frame=is_frame)
    )


def _v8(lines: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("line_text")
    full, bare, tight, named = (text.str.extract_groups(form) for form in (_V8, _V8_BARE, _V8_TIGHT, _V8_NAMED_ONLY))
    told = full.struct["place"]
    told = pl.when(told.str.contains(_V8_PLACE)).then(told)
    place = pl.coalesce(told, bare.struct["place"], tight.struct["place"])
    function = pl.coalesce(
        pl.when(told.is_not_null()).then(full.struct["function"]),
        tight.struct["function"],
        pl.when(place.is_null()).then(named.struct["function"]),
    )
    place = (
        pl.when(place.str.contains("eval at ", literal=True))
        .then(pl.coalesce(place.str.extract_groups(_EVAL_ORIGIN).struct["place"], place))
        .otherwise(place)
    )
    # Hermes writes `(address at index.android.bundle:1:2)`.
    return _take_apart(lines.select("place_id", place=place.str.strip_prefix("address at "), function=function))


def _bare(lines: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("line_text").str.extract(_BARE_ADDRESS, 1)
    return _take_apart(lines.select("place_id", place=place, function=pl.lit(None, pl.String)))


def _at_sign(lines: pl.DataFrame) -> pl.DataFrame:
    found = pl.col("line_text").str.extract_groups(_AT_SIGN)
    place = found.struct["place"]
    frames = lines.select("place_id", place=place, function=found.struct["function"])
    return _take_apart(frames.filter(pl.col("place").str.contains(_AT_SIGN_PLACE)))


def _take_apart(lines: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("place")
    # React Native's JavaScriptCore drops the address of its only bundle: `fn@12:34`.
    without_address = place.str.contains(r"^\d+:\d+$")
    usual = pl.when(without_address).then(":" + place).otherwise(place).str.extract_groups(_PLACE)
    firefox_eval = place.str.extract_groups(_FIREFOX_EVAL)
    wasm = place.str.extract_groups(_WASM)
    is_eval = firefox_eval.struct["url"].is_not_null()
    is_wasm = wasm.struct["index"].is_not_null() & ~is_eval
    column = pl.when(is_eval).then(None).otherwise(usual.struct["column"].cast(pl.Int64, strict=False))
    offset = wasm.struct["offset"].str.to_integer(base=16, dtype=pl.Int64, strict=False) + 1
    return lines.select(
        "place_id",
        function=pl.coalesce(
            pl.when(pl.col("function") != "").then("function"), "wasm-function[" + wasm.struct["index"] + "]"
        ),
        url=pl.when(is_wasm)
        .then(wasm.struct["url"])
        .otherwise(pl.coalesce(firefox_eval.struct["url"], usual.struct["url"])),
        line=pl.when(is_wasm)
        .then(pl.lit(1))
        .otherwise(pl.coalesce(firefox_eval.struct["line"], usual.struct["line"]).cast(pl.Int64, strict=False)),
        column=pl.when(is_wasm).then(offset).otherwise(column),
    )


def _opera(lines: pl.DataFrame) -> pl.DataFrame:
    ten, eleven = pl.col("line_text").str.extract_groups(_OPERA_10), pl.col("line_text").str.extract_groups(_OPERA_11)
    return lines.select(
        "place_id",
        function=pl.coalesce(ten.struct["function"], eleven.struct["function"], eleven.struct["anonymous"]),
        url=pl.coalesce(ten.struct["url"], eleven.struct["url"]).str.strip_suffix(":"),
        line=pl.coalesce(ten.struct["line"], eleven.struct["line"]).cast(pl.Int64, strict=False),
        column=eleven.struct["column"].cast(pl.Int64, strict=False),
    )


def _finish(frames: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    function = (
        pl.col("function")
        .str.strip_chars()
        .str.replace(r"\s*\[as [^\]]*\]$", "")
        .str.replace(r"^<anonymous function: (.*)>$", "$1")
    )
    # `(index 0)` of Promise.all and V8's `(<anonymous>)` are the engine's own code.
    url = pl.col("url").str.replace(r"^index \d+$", "<anonymous>").replace("", None)
    return frames.select(
        "place_id",
        function=pl.when(function.is_in(_NOT_A_NAME)).then(None).otherwise(function),
        url=url,
        line=pl.when(pl.col("line") > 0).then(pl.col("line")),
        column=pl.when(pl.col("column") > 0).then(pl.col("column")),
        in_app=url.is_not_null() & ~is_foreign(url, as_of=as_of),
    )
