"""A store of invented vitals, for the panels that show them: as many pages, devices and releases as a test asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import polars as pl

from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import LAB_RUNS, RELEASES, VITALS, Table, conform

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
TYPICAL = {"LCP": 900.0, "INP": 120.0, "CLS": 0.05, "FCP": 1100.0, "TTFB": 400.0}


@dataclass
class Vitals:
    """Two releases, a week each; the second makes INP twice as slow."""

    routes: tuple[str, ...] = ("/", "/cart")
    views: int = 1200
    region: str = "eu"
    target: str = "#buy"
    releases_: tuple[str, str] = ("a" * 40, "b" * 40)
    odd: list[float | None] = field(default_factory=list)
    lab: bool = True
    name: str = "invented"

    def vitals(self, window: Window) -> Fetched:
        chance, rows = np.random.default_rng(7), []
        for i in range(self.views):
            late, device = i % 2, ("mobile", "desktop", "mobile")[i % 3]
            shared = {
                "at": FIRST + timedelta(days=7 * late, minutes=int(chance.integers(0, 7 * 24 * 60))),
                "page_view_id": f"p{i}", "session_id": f"s{i}", "navigation_type": "navigate",
                "route": self.routes[int(len(self.routes) * chance.random() ** 3)], "device_class": device,
                "region": ("us", self.region)[i % 5 == 0], "browser": "Chrome", "connection": "4g",
                "release": self.releases_[late],
            }  # fmt: skip
            for metric, typical in TYPICAL.items():
                worse = 2.0 if metric == "INP" and late else 1.0
                far = 3.0 if metric == "LCP" and i % 5 == 0 else 1.0
                value = typical * worse * far * (1.6 if device == "mobile" else 1) * chance.lognormal(0, 0.4)
                about = {"interactionTarget": self.target, "largestShiftTarget": self.target, "target": self.target,
                         "inputDelay": 20, "processingDuration": 300, "presentationDelay": 40}  # fmt: skip
                rows.append({**shared, "metric": metric, "value": value, "attribution": json.dumps(about)})
        odd = [
            {**rows[0], "page_view_id": f"odd{i}", "metric": "LCP", "value": value} for i, value in enumerate(self.odd)
        ]
        frame = pl.DataFrame([*rows, *odd], infer_schema_length=None)
        return self._answer(VITALS, frame, window)

    def releases(self, window: Window) -> Fetched:
        deploys = {"release": list(self.releases_), "deployed_at": [FIRST, FIRST + timedelta(days=7)],
                   "previous_release": [None, self.releases_[0]]}  # fmt: skip
        return self._answer(RELEASES, pl.DataFrame(deploys), Window())

    def lab_runs(self, window: Window) -> Fetched:
        if not self.lab:
            return self._answer(LAB_RUNS, LAB_RUNS.empty(), window)
        kinds = product(self.releases_, ("mobile", "desktop"), ("LCP", "FCP", "TTFB"), range(3))
        runs = [
            {"run_id": f"{release}{form}{i}", "at": FIRST, "route": self.routes[0], "form_factor": form,
             "metric": metric, "release": release, "value": 0.4 * TYPICAL[metric] + i}
            for release, form, metric, i in kinds
        ]  # fmt: skip
        return self._answer(LAB_RUNS, pl.DataFrame(runs), window)

    def _answer(self, table: Table, frame: pl.DataFrame, window: Window) -> Fetched:
        if table is VITALS:  # a value may be NaN here, as no reader of ours would let through
            known = frame.select(
                pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
                for name, dtype in table.schema.items()
            )
        else:
            known = conform(frame, table)
        known = window.keep(known.lazy()).collect() if table is VITALS else known
        return Fetched(known.lazy(), FetchReport(self.name, table.name, window.describe(), known.height, window))
