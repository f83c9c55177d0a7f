"""How one message became canonical, step by step."""

from __future__ import annotations

from datetime import date

import polars as pl

from workbench.errors.messages import (
    canonical_messages,
    cleaned_columns,
    fitting_rows,
    known_wordings,
    put_for,
    wordings,
)
from workbench.rules.loader import load

_TEXTS = {"__row": pl.UInt32, "type": pl.String, "message": pl.String}


def message_steps(type_: str | None, message: str | None, *, as_of: date | None = None) -> list[tuple[str, str]]:
    """Say step by step how one message becomes canonical: what was done, and the text after it.

    `as_of`: by the wordings and placeholders of that day; the newest when not given.

    Examples
    --------
    >>> for step in message_steps("Error", "Uncaught (in promise) Error: Order 8123 of maya@example.org not found"):
    ...     print(step)
    ('as reported', 'Error: Uncaught (in promise) Error: Order 8123 of maya@example.org not found')
    ('without what only says how it was caught', 'Error: Order 8123 of maya@example.org not found')
    ('no wording of an engine fits; email', 'Error: Order 8123 of <email> not found')
    ('int', 'Error: Order <int> of <email> not found')
    """
    row = pl.DataFrame({"__row": [0], "type": [type_], "message": [message]}, schema_overrides=_TEXTS)
    cleaned = row.select("__row", *cleaned_columns())
    called = cleaned["clean_type"].item() or "Error"
    steps = [("as reported", f"{type_ or '(no type)'}: {message or ''}")]
    text = cleaned["clean_message"].item()
    steps.append(("without what only says how it was caught", f"{called}: {text}"))
    known = known_wordings(cleaned, as_of=as_of)
    if len(known):
        fits = next(w for w in wordings(as_of) if len(fitting_rows(cleaned, w)))
        slots = [f"{name} {known[name].item()}" for name in ("property", "receiver") if known[name].item()]
        after = canonical_messages(row.select("type", "message"), as_of=as_of)["canonical"].item()
        steps.append((" · ".join([f"an engine's wording, `{fits.template}`", *slots]), after))
    else:
        before = "no wording of an engine fits"
        for placeholder in load("messages", "placeholders", as_of=as_of).data["placeholder"]:
            after = pl.select(pl.lit(text).str.replace_all(placeholder["pattern"], put_for(placeholder))).item()
            if after != text:
                steps.append(
                    (f"{before}; {placeholder['name']}" if before else placeholder["name"], f"{called}: {after}")
                )
                text, before = after, ""
        if before:
            steps.append((f"{before}, and there is nothing in it to take out", f"{called}: {text}"))
    return [step for at, step in enumerate(steps) if at == 0 or at > 1 or step[1] != steps[0][1]]
