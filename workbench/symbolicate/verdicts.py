"""From answers by position to one row a frame: whose name, whose word, put together once for each distinct combination.

Beside its position a frame brings its own function name, whether the SDK took it for the team's code, the name that its
caller's mapping carries, and what was read there. Few of these combinations are distinct, so texts are put together for
those and then handed out.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workbench.rules.loader import load
from workbench.symbolicate.distinct import encode
from workbench.symbolicate.numbering import Rows, in_blocks, number_together
from workbench.symbolicate.positions import Answers

ADDED = [
    "source", "source_line", "source_column", "source_function", "function_from", "in_app", "map_status", "map_detail",
    "map_location", "receiver", "property",
]  # fmt: skip
_STACK = ["event_id", "exception_index", "frame_index"]


def throwing_reads(given: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Rows of throwing frames with their positions and what their messages say was read."""
    throwing = (given["frame_index"] == 0).arg_true().to_numpy().astype(np.int64)
    expected = given["message_property"]
    if expected.null_count() == expected.len():
        expected = pl.Series([None], dtype=pl.String).new_from_index(0, throwing.size)
    else:
        expected = expected.gather(throwing).cast(pl.String)
    return pl.DataFrame({"row": throwing, "position": rows[throwing]}).with_columns(expected.alias("expected"))


def distinct_reads(throwing: pl.DataFrame) -> pl.DataFrame:
    """The distinct positions and expectations of `throwing_reads`."""
    codes, texts = encode(throwing, ["expected"])
    if not throwing.height:
        return throwing.select("position", "expected")
    many = int(throwing["position"].max()) + 1  # type: ignore[arg-type]
    position, expected = number_together([(codes, texts.height), (throwing["position"].to_numpy(), many)]).parts[::-1]
    return pl.DataFrame({"position": position}).with_columns(texts["expected"].gather(expected))


def verdicts(given: pl.DataFrame, rows: Rows, answers: Answers, throwing: pl.DataFrame) -> pl.DataFrame:
    """The columns of `ADDED`, one row a frame.

    Parameters
    ----------
    given
        The frames, with `function` and `in_app`.
    rows
        Number of each frame's position in `answers.positions`.
    throwing
        As `throwing_reads` gave it.
    """
    own, functions = encode(given, ["function"])
    sdk = given["in_app"].cast(pl.Int8).fill_null(-1).to_numpy() + np.int8(1)
    tokens, token = np.unique(np.append(answers.tokens, -1), return_inverse=True)  # the first is "none"
    bare = answers.positions.select(pl.col("source").is_not_null() & pl.col("source_function").is_null()).to_series()
    longest = load("symbolicate", "functions").data["mangled"]
    last = pl.col("function").str.replace(r"^.*[.\s]", "")
    mangled = functions.select(pl.col("function").is_null() | (last.str.len_chars() <= longest)).to_series()
    unnamed, short = bare.to_numpy(), mangled.to_numpy()
    wanted = in_blocks(lambda part: np.flatnonzero(unnamed[rows[part]] & short[own[part]]) + part.start, given.height)
    caller = _callers(given, rows, np.concatenate(wanted or [np.zeros(0, np.int64)]))
    said = np.append(token, 0)[caller]  # no caller is -1, the entry behind the last
    read = _read_numbers(throwing, answers.reads, given.height)

    numbers, (position, name, word, mention, reading) = number_together(
        [(rows, max(answers.positions.height, 1)), (own, functions.height), (sdk, 3), (said, tokens.size),
         (read, answers.reads.height + 1)]
    )  # fmt: skip
    names = {number: answers.token_text(int(tokens[number])) for number in np.unique(mention).tolist()}
    reads = answers.reads.select("receiver", "property")
    together = answers.positions[position].with_columns(
        functions["function"].gather(name).alias("own"),
        pl.Series("token", [names[number] for number in mention.tolist()], dtype=pl.String),
        pl.Series("sdk", word),
        *pl.concat([reads.clear(1), reads])[reading],
    )
    return _handed_out(together.select(*_told()), numbers)


def _handed_out(told: pl.DataFrame, numbers: Rows) -> pl.DataFrame:
    """Rows by number; a column that says one thing throughout is not copied row by row."""
    alike = [column.name for column in told if column.n_unique() == 1]
    rows = told.drop(alike)[numbers]
    same = [told[name].new_from_index(0, len(numbers)) for name in alike]
    return rows.with_columns(same).select(told.columns) if rows.width else pl.DataFrame(same).select(told.columns)


def _told() -> list[pl.Expr]:
    parsed, token, own = (pl.col(name) for name in ("source_function", "token", "own"))
    origin = (
        pl.when(parsed.is_not_null()).then(pl.lit("tree-sitter")).when(token.is_not_null()).then(pl.lit("name"))
        .when(own.is_not_null()).then(pl.lit("minified"))
    )  # fmt: skip
    by_sdk = pl.when(pl.col("sdk") > 0).then(pl.col("sdk") == 2)
    made = {
        "source_function": pl.coalesce(parsed, token, own),
        "function_from": origin,
        "in_app": pl.coalesce("source_in_app", by_sdk),
    }
    return [made.get(name, pl.col(name)).alias(name) for name in ADDED]


def _read_numbers(throwing: pl.DataFrame, known: pl.DataFrame, height: int) -> NDArray[np.int32]:
    """For each frame one more than its number in `known`, 0 where nothing was read."""
    numbered = known.with_row_index("read", offset=1)
    answered = throwing.join(numbered, on=["position", "expected"], how="inner", nulls_equal=True)
    out = np.zeros(height, np.int32)
    out[answered["row"].to_numpy()] = answered["read"].to_numpy()
    return out


def _callers(given: pl.DataFrame, rows: Rows, wanted: Rows) -> NDArray[np.int64]:
    """Position of the caller of each frame in `wanted`, -1 for all others and where there is none.

    A call's mapping names what is called. The caller is the next row where stacks stand in order; where they don't, it
    is looked for.
    """
    out = np.full(given.height, -1, np.int64)
    if not len(wanted):
        return out
    stack = given.select(_STACK)
    if _in_order(stack["frame_index"].to_numpy()):
        event, exception, index = (pl.col(name) for name in _STACK)
        beside = (event == event.shift(-1)) & (exception == exception.shift(-1)) & (index + 1 == index.shift(-1))
        called = wanted[stack.select(beside.fill_null(False)).to_series().to_numpy()[wanted]]
        out[called] = rows[called + 1]
    else:
        callers = stack.with_columns(pl.col("frame_index") - 1, pl.Series("caller", rows.astype(np.int64)))
        callers = callers.unique(_STACK, keep="first")
        found = stack[wanted].join(callers, on=_STACK, how="left", maintain_order="left")
        out[wanted] = found["caller"].fill_null(-1).to_numpy()
    return out


def _in_order(index: NDArray[np.int64]) -> bool:
    """Whether every frame is the first of a stack or follows the one before it."""

    def follow(part: slice) -> bool:
        here, next_one = index[part.start : part.stop], index[part.start + 1 : part.stop + 1]
        return bool(((next_one == 0) | (next_one == here[: next_one.size] + 1)).all())

    return bool(index[0] == 0 and all(in_blocks(follow, index.size)))
