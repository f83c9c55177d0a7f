"""All that happened around an id, of tables that stay where they are: only its rows come home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from workbench.case.find import FOUND_IN

if TYPE_CHECKING:
    from workbench.case.elsewhere import CaseElsewhere

IDS = ("event_id", "session_id", "replay_id", "page_view_id", "trace_id", "span_id")


def around_id(case: CaseElsewhere, any_id: str) -> dict[str, pl.DataFrame]:
    """Bring home the rows that hold an id, and those of their sessions, traces and errors.

    Parameters
    ----------
    case
        Where to look.
    any_id
        Of an event, a session, a replay, a page view, a trace or a span.

    Returns
    -------
    Canonical tables by name, as `workbench.case.find.find` takes them.
    """
    wanted = list(dict.fromkeys([any_id.strip(), any_id.strip().replace("-", "").lower()]))
    seen = {name: _slice(case, name, dict.fromkeys(IDS, wanted)) for name in FOUND_IN}
    around = {
        column: sorted({value for one in seen.values() if column in one.columns for value in one[column].drop_nulls()})
        for column in ("session_id", "trace_id", "event_id")
    }
    tables = {
        name: pl.concat([rows, _slice(case, name, around)]).unique(maintain_order=True) for name, rows in seen.items()
    }
    # what was noted before an error knows nothing but its error
    of_errors = {"event_id": sorted(tables["events"]["event_id"])}
    for name in ("breadcrumbs", "requests"):
        tables[name] = pl.concat([tables[name], _slice(case, name, of_errors)]).unique(maintain_order=True)
    return tables


def _slice(case: CaseElsewhere, name: str, ids: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    if case.store.warehouse_of(name) is not None:
        return case.store.slice(name, ids, case.window)
    rows = case.evidence.table(name)
    hits = [pl.col(column).is_in(list(some)) for column, some in ids.items() if column in rows.columns and some]
    return rows.filter(pl.any_horizontal(hits)) if hits else rows.head(0)
