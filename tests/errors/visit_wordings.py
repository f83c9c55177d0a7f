"""How V8, JavaScriptCore and SpiderMonkey word the errors of `simulate_visits`; each wording as the engine gives it."""

from __future__ import annotations

import numpy as np


def say(kind: str, engine: str, *, thing: str, member: str, local: str, rng: np.random.Generator) -> tuple[str, str]:
    """Type and message of an error.

    `local` is a minified name, `thing` what the answer lacks, `member` what is read of it.
    """
    number = int(rng.integers(100, 99_999))
    of, nothing = f"{local}.{thing}", "null" if kind == "missing-wide" else "undefined"
    if kind.startswith("missing"):
        return "TypeError", {
            "v8": f"Cannot read properties of {nothing} (reading '{member}')",
            "jsc": f"{nothing} is not an object (evaluating '{of}.{member}')",
            "moz": f"{of} is {nothing}"
            if rng.random() < 0.35
            else f'can\'t access property "{member}", {of} is {nothing}',
        }[engine]
    said = {
        "not-array": (
            "TypeError", f"({of} || []).filter is not a function",
            f"({of} || []).filter is not a function. (In '({of} || []).filter({local}=>{local}.id)',"
            f" '({of} || []).filter' is undefined)",
            f"({of} || []).filter is not a function",
        ),
        "destructure": (
            "TypeError", f"Cannot destructure property '{member}' of '{of}' as it is undefined.",
            f"undefined is not an object (evaluating '{of}.{member}')",
            f"{of} is undefined",
        ),
        "status": ("AxiosError", *[f"Request failed with status code {502}"] * 3),
        "timeout": ("TimeoutError", *[f"Timeout of {8000}ms exceeded loading {thing} {number}/{number * 3}"] * 3),
        "currency": (
            "RangeError", f"Invalid currency code : {thing.upper()[:4]}",
            "currency is not a well-formed currency code",
            f"invalid currency code in NumberFormat(): {thing.upper()[:4]}",
        ),
        "old-code": (
            "ReferenceError", f"{thing}Legacy is not defined", f"Can't find variable: {thing}Legacy",
            f"{thing}Legacy is not defined",
        ),
        "safari-only": (
            "TypeError", *[f"undefined is not a constructor (evaluating 'new {thing.title()}Observer')"] * 3,
        ),
        "write-null": (
            "TypeError", "Cannot set properties of null (setting 'innerHTML')",
            f"null is not an object (evaluating '{local}.innerHTML=t')",
            f'can\'t access property "innerHTML", {local} is null',
        ),
        "html-answer": (
            "SyntaxError", "Unexpected token '<', \"<html><hea\"... is not valid JSON",
            "JSON Parse error: Unrecognized token '<'",
            "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
        ),
        "quote": ("Error", *[f"{thing} {rng.bytes(4).hex()}{number} expired at 2026-09-17T1{number % 10}:00:27Z"] * 3),
    }[kind]  # fmt: skip
    return said[0], said[{"v8": 1, "jsc": 2, "moz": 3}[engine]]
