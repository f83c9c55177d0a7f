"""The same events under other rules, at once: prepare a case once, then try rule after rule.

Events that no rule can tell apart are one cell. A million events are some ten thousand cells, which cost as much to
group anew as ten thousand events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from workbench.errors.changes import changes
from workbench.errors.fingerprints import EVENT_COLUMNS, names_asked
from workbench.errors.grouping import Prepared, fingerprint
from workbench.errors.impact import stands_for
from workbench.errors.known import KnownNoise, ended_entries
from workbench.errors.rule_syntax import REQUEST_KEYS, Rules, parse_rules

_MOST_TITLE = 160


@dataclass(frozen=True)
class Cells:
    """Events that rules cannot tell apart, each by one of them.

    Attributes
    ----------
    prepared
        As `grouping.prepare` gives it, with one event a cell.
    n
        How many events each cell stands for.
    """

    prepared: Prepared
    n: pl.Series


def condense(prepared: Prepared, columns: Sequence[str] = (), *, requests: bool = False, day: bool = False) -> Cells:
    """Put events together that have the same error, verdict of noise, vendor issue, and the same of all that is asked.

    Parameters
    ----------
    prepared
        From `grouping.prepare`.
    columns
        Columns of `events` that rules ask about.
    requests
        Rules ask about the requests before an event.
    day
        Rules end on a day, as a team's list of known noise does.
    """
    events = prepared.events
    wanted = [name for name in dict.fromkeys([*columns, "vendor_issue_id"]) if name in events.columns]
    facts = pl.DataFrame(
        {"error_id": prepared.distinct.of_event["error_id"], "noise": prepared.noise["noise_rule"].cast(pl.Categorical)}
    ).with_columns(events.select(_key(events, name) for name in wanted))
    if day and "at" in events.columns:
        facts = facts.with_columns(day=events["at"].dt.date())
    if requests and len(prepared.before):
        said = prepared.before.select("event_id", h=pl.struct("endpoint", "status", "recency").hash())
        told = events.select("event_id").join(
            said.group_by("event_id").agg(pl.col("h").sum()), on="event_id", how="left", maintain_order="left"
        )
        facts = facts.with_columns(requests=told["h"])
    keys = facts.columns
    cells = (
        facts.with_columns(events.select(__n=stands_for(events).cast(pl.Int64)))
        .with_row_index("row")
        .group_by(keys)
        .agg(pl.col("row").min(), n=pl.col("__n").sum().cast(pl.Int64))
        .sort("row")
    )
    rows = cells["row"]
    return Cells(take(prepared, rows, requests=requests), cells["n"])


def take(prepared: Prepared, rows: pl.Series, *, requests: bool = True) -> Prepared:
    """Keep some of the events, by their row; verdicts of noise stay what all events made them."""
    events = prepared.events[rows]
    before = prepared.before.join(events.select("event_id"), on="event_id", how="semi") if requests else None
    return replace(
        prepared,
        events=events,
        distinct=replace(prepared.distinct, of_event=prepared.distinct.of_event[rows]),
        noise=prepared.noise[rows],
        before=prepared.before.clear() if before is None else before,
    )


def _key(events: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).hash() if isinstance(events.schema[name], pl.List) else pl.col(name)


@dataclass
class Regrouping:
    """The events of a case, grouped anew under whatever rules are asked for.

    Parameters
    ----------
    prepared
        From `grouping.prepare`.

    Examples
    --------
    >>> from workbench.errors.grouping import prepare
    >>> said = ["Order 1 not found", "Order 2 not found", "No rate for EUR"]
    >>> events = pl.DataFrame({"event_id": ["a", "b", "c"], "type": "Error", "message": said})
    >>> trial = Regrouping(prepare(events, None, None, first_party=["shop.example"]))
    >>> trial.diff("", "type:Error -> everything").select("change", "n_events", "n_old", "n_new").rows()
    [('merged', 3, 2, 1)]
    """

    prepared: Prepared
    _cells: dict[tuple, Cells] = field(default_factory=dict, repr=False)

    def under(self, *rules: Rules | str | None, known: Sequence[Sequence[KnownNoise]] = ()) -> list[pl.DataFrame]:
        """Group the events under each of several rules, over the same cells.

        Parameters
        ----------
        rules
            Texts in Sentry's syntax, or parsed.
        known
            For each of them the team's list of known noise; none when not given.

        Returns
        -------
        For each, one row a cell: `cell`, `n` (events), `event_id` (one of them), `error_id`, `shape_id` (before any
        stack-trace rule, so that labels keep to it), `vendor_issue_id`, `noise_class`, `noise_reason`, `issue_id`,
        `rule`, `title`.

        Raises
        ------
        RuleError
            Rules cannot be understood; names line and column.
        """
        parsed = [parse_rules(text) if isinstance(text, str) else text or Rules() for text in rules]
        lists = [*known, *[()] * (len(parsed) - len(known))]
        cells = self._cells_for(parsed, lists)
        shapes = self.prepared.errors.select("error_id", "shape_id")
        has_vendor = "vendor_issue_id" in cells.prepared.events.columns
        base = cells.prepared.events.with_columns(
            pl.col("vendor_issue_id").cast(pl.String)
            if has_vendor
            else pl.lit(None, pl.String).alias("vendor_issue_id")
        ).select("vendor_issue_id")
        out = []
        for one, listed in zip(parsed, lists, strict=True):
            rows, _ = fingerprint(cells.prepared, one, listed)
            rows = rows.drop("shape_id").join(shapes, on="error_id", how="left", maintain_order="left")
            out.append(
                pl.concat([rows, base], how="horizontal")
                .with_columns(n=cells.n)
                .with_row_index("cell")
                .select(
                    "cell", "n", "event_id", "error_id", "shape_id", "vendor_issue_id", "noise_class", "noise_reason",
                    "issue_id", "rule", "title",
                )
            )  # fmt: skip
        return out

    def _cells_for(self, rules: Sequence[Rules], known: Sequence[Sequence[KnownNoise]]) -> Cells:
        names = {name for one in rules for name in names_asked(one)}
        columns = sorted({EVENT_COLUMNS[n] for n in names if n in EVENT_COLUMNS})
        columns += ["tags"] if any(n.startswith("tags.") for n in names) else []
        requests, day = bool(names & REQUEST_KEYS), any(known)
        key = (tuple(columns), requests, day)
        if key not in self._cells:
            self._cells[key] = condense(self.prepared, columns, requests=requests, day=day)
        return self._cells[key]

    def diff(
        self,
        old: Rules | str | None,
        new: Rules | str | None,
        *,
        known_old: Sequence[KnownNoise] = (),
        known_new: Sequence[KnownNoise] = (),
    ) -> pl.DataFrame:
        """Say what splits, merges and moves when `new` takes the place of `old`; see `compare`."""
        return self.compare(*self.under(old, new, known=(known_old, known_new)))

    def compare(self, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
        """Table two groupings of `under`.

        Returns
        -------
        The columns of `changes.changes`, and `n_shapes`, `title` (what most of its events say), `examples` (up to three
        messages, of different new groups where there are such), `rules` (those that made the new groups).
        """
        pairs = before.select("n", "error_id", "shape_id", old="issue_id").with_columns(
            new=after["issue_id"], rule=after["rule"]
        )
        table = changes(pairs, weight="n").with_row_index("change_id")
        if table.is_empty():
            return table.drop("change_id").with_columns(
                n_shapes=pl.lit(0, pl.Int64), title=pl.lit(""), examples=pl.lit([], pl.List(pl.String)),
                rules=pl.lit([], pl.List(pl.String)),
            ).clear()  # fmt: skip
        return table.join(self._about(pairs, table), on="change_id", how="left").sort("change_id").drop("change_id")

    def ended(self, known: Sequence[KnownNoise], rows: pl.DataFrame) -> pl.DataFrame:
        """List the entries of known noise that have ended and whose events count again; `rows` from `under`."""
        if "at" not in self.prepared.events.columns or not known:
            return ended_entries((), rows, rows)
        dated = rows.join(self.prepared.events.select("event_id", "at"), on="event_id", maintain_order="left")
        return ended_entries(known, dated, self.prepared.errors)

    def _about(self, pairs: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
        """Look at all cells that a named old or new group holds; groups beyond those named are told by these."""
        named = [
            table.select("change_id", pl.col(side)).explode(side).drop_nulls().rename({side: "group"})
            for side in ("old", "new")
        ]
        errors = self.prepared.errors.select("error_id", "type", "message")
        said = pl.concat_str(
            pl.col("type").fill_null("Error"), pl.col("message").fill_null("(no message)"), separator=": "
        ).str.slice(0, _MOST_TITLE)
        touched = pl.concat(
            pairs.join(one, left_on=side, right_on="group") for side, one in zip(("old", "new"), named, strict=True)
        ).unique(maintain_order=True)
        told = touched.join(errors, on="error_id", how="left").with_columns(said=said).sort("n", descending=True)
        one_each = told.unique(["change_id", "old", "new"], keep="first", maintain_order=True)
        return (
            told.group_by("change_id")
            .agg(
                n_shapes=pl.col("shape_id").n_unique().cast(pl.Int64),
                title=pl.col("said").first(),
                rules=pl.col("rule").drop_nulls().unique(maintain_order=True).head(3),
            )
            .join(
                one_each.group_by("change_id").agg(examples=pl.col("said").unique(maintain_order=True).head(3)),
                on="change_id",
            )
        )
