"""Invented view models for tests: an incident like the real ones, with every panel filled."""

# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from connectors.stores import FetchReport, Refused, Window
from tests.panels.recordings import checkout_goes_blank
from workbench import panels

START = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
END = datetime(2026, 3, 12, 0, 0, tzinfo=UTC)
B = "7f3c2e1d90aa41b2c3d4e5f60718293a4b5c6d7e"
A = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4"

HEADER = panels.HeaderView(
    source="sample-data",
    project="shop",
    environment="production",
    start=START,
    end=END,
    releases=(A, B),
    environments=("production",),
    bugs=(("B1", "discount missing after GET /api/cart"), ("B2", "Hydration crash, blank page after login")),
)

HEADLINE = panels.HeadlineView(
    title="Checkout broke for one shopper in four after release 7f3c2e1, while the backend answered 200 OK",
    sub="One missing field, `discount` in `GET /api/cart`, crashed three components. A second bug blanked the page after"
    " login. Four of five hit sessions saw nothing but 2xx answers.",
    kpis=(
        panels.Kpi("1,284", "sessions hit (24 %, 23–25)"),
        panels.Kpi("1,011", "users hit"),
        panels.Kpi("14:23", "first seen, 3 min after deploy"),
        panels.Kpi("−52 min", "a 5× alert would have led support by"),
        panels.Kpi("81 %", "of hit sessions: every backend answer 2xx"),
    ),
)

COMPLETENESS = panels.CompletenessView(
    (
        "212 errors of release `c0ffee1` could not be mapped (no source map was uploaded);",
        "12 % of errors have no replay (sampled out 9 %, shorter than 5 s 3 %).",
    )
)

FUNNEL = panels.FunnelView(
    stages=pl.DataFrame(
        {
            "stage": ["raw errors", "after noise", "shapes", "issues", "bugs that hit users"],
            "n": [9871, 3310, 418, 12, 3],
        }
    ),
    noise=pl.DataFrame(
        {
            "noise_class": ["bot", "extension", "opaque", "cancelled", "stale_deploy", "local_dev"],
            "n": [3120, 1904, 811, 420, 200, 106],
        }
    ),
)


def rates_view() -> panels.RatesView:
    stretches = [START + timedelta(minutes=30 * i) for i in range(144)]
    onset, fixed = START + timedelta(hours=38.4), START + timedelta(hours=58)
    rates = pl.DataFrame(
        {
            "at": stretches,
            "errors": [
                (7 * i) % 5 + (60 + (13 * i) % 40 if onset <= at < fixed else 0) for i, at in enumerate(stretches)
            ],
            "noise": [20 + (11 * i) % 9 for i in range(144)],
        }
    )
    marks = pl.DataFrame(
        {
            "at": [START, onset, onset + timedelta(minutes=62), START + timedelta(hours=50), fixed],
            "label": ["a1b2c3d deployed", "7f3c2e1 deployed", "first word from support", "c0ffee1 deployed", "d00dfee deployed"],
            "kind": ["deploy", "deploy", "support", "deploy", "deploy"],
        }
    )  # fmt: skip
    return panels.RatesView(rates, marks, "Errors a half hour in red, noise in grey. UTC.")


BUGS = panels.BugsView(
    pl.DataFrame(
        {
            "bug_id": ["B1", "B2", "B3"],
            "title": [
                "`discount` missing after `GET /api/cart`",
                "Hydration crash, blank page after login",
                "Chunk gone after deploy",
            ],
            "where": ["CartDrawer, CheckoutForm, OrderSummary", "AccountPage", None],
            "priority": [94.2, 88.0, 41.0],
            "priority_terms": ["users 50, support 24, blank page 0, spread 20", None, None],
            "sessions": [902, 311, 71],
            "users": [731, 262, 66],
            "first_seen": [START + timedelta(hours=38.4), START + timedelta(hours=38.45), START + timedelta(hours=38)],
            "release": [B, B, A],
            "over_time": [
                [0, 0, 0, 0, 9, 8, 9, 7, 1, 0],
                [0, 0, 0, 0, 4, 5, 3, 4, 0, 0],
                [0, 0, 0, 6, 2, 1, 0, 0, 0, 0],
            ],
        }
    ),
    span="3 days",
)


def contrast() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "dimension": ["release", "cart", "browser", "device_class", "region"],
            "value": [B, "has an outlet item in it", "Chrome", "mobile", "eu-south"],
            "n_hit": [902, 830, 600, 400, 120],
            "n_other": [1400, 880, 2600, 1700, 520],
            "share_hit": [1.0, 0.92, 0.665, 0.443, 0.133],
            "share_other": [0.35, 0.22, 0.65, 0.425, 0.13],
            "ratio": [2.857, 4.18, 1.02, 1.04, 1.02],
            "low": [2.7, 3.9, 0.97, 0.96, 0.86],
            "high": [3.0, 4.5, 1.08, 1.13, 1.22],
            "p": [1e-9, 1e-9, 0.4, 0.3, 0.8],
            "q": [1e-8, 1e-8, 0.6, 0.6, 0.8],
            "differs": [True, True, False, False, False],
        }
    )


def trace() -> pl.DataFrame:
    rows = [
        # service, name, side, offset, duration, depth, status, message, http, on path, cause
        ("browser", "checkout page load", "browser", 0, 600_000, 0, "ok", None, None, False, False),
        ("browser", "GET /api/cart", "browser", 15_000, 560_000, 1, "ok", None, 200, True, False),
        ("shop-web", "GET /api/cart", "backend", 20_000, 520_000, 2, "ok", None, 200, True, False),
        ("shop-web", "POST pricing", "backend", 50_000, 390_000, 3, "error", None, 500, True, False),
        ("pricing", "POST /v2/promotions/active-for-this-very-customer", "backend", 80_000, 300_000, 4, "error", None, 500, True, False),
        ("pricing", "SELECT promo_pct", "backend", 110_000, 210_000, 5, "error", "no such column: promo_pct", None, True, True),
        ("shop-web", "render", "backend", 545_000, 9_000, 3, "unset", None, None, False, False),
    ]  # fmt: skip
    names = [
        "service",
        "name",
        "side",
        "offset_us",
        "duration_us",
        "depth",
        "status",
        "status_message",
        "http_status",
        "on_error_path",
        "is_root_cause",
    ]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    parents = [None, "s0", "s1", "s2", "s3", "s4", "s2"]
    return frame.with_columns(
        pl.Series("swallowed_error", [False, False, True, False, False, False, False]),
        pl.Series("span_id", [f"s{i}" for i in range(len(rows))]),
        pl.Series("parent_span_id", parents),
        pl.Series("db_statement", [None] * 5 + ["SELECT promo_pct FROM promotions WHERE sku = ?", None]),
    )


def timeline() -> pl.DataFrame:
    rows = [
        (-3600.0, "page", "/checkout opened", "navigate", "info"),
        (-2900.0, "request", "GET /api/session", "200 in 41 ms", "info"),
        (-2100.0, "vital", "LCP 1,240 ms", "good", "info"),
        (-400.0, "click", "Apply discount", "button.apply", "info"),
        (-350.0, "request", "GET /api/cart", "200 in 310 ms", "info"),
        (-330.0, "span", "pricing SELECT promo_pct", "no such column: promo_pct", "error"),
        (0.0, "error", "TypeError: Cannot read properties of undefined (reading 'amount')", "CartDrawer.tsx:11:52", "error"),
        (900.0, "error", "TypeError: Cannot read properties of undefined (reading 'amount')", "OrderSummary.tsx:20:8", "error"),
        (4400.0, "support", "contacted support", None, "warning"),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["offset_ms", "kind", "title", "detail", "severity"], orient="row")


def source() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "line": [9, 10, 11, 12],
            "text": [
                "",
                "  export function total(cart: Cart) {",
                "    return money(cart.sum - cart.discount.amount);",
                "  }",
            ],
            "is_hit": [False, False, True, False],
        }
    )


def replay_view(events: list[dict] | None = None) -> panels.ReplayView:
    events = events or checkout_goes_blank()
    marks = (
        panels.Mark(3200, "click", "Apply discount"),
        panels.Mark(3250, "request", "GET /api/cart 200"),
        panels.Mark(3600, "error", "TypeError: Cannot read properties of undefined (reading 'amount')"),
    )
    return panels.ReplayView(panels.pack(events), 3100, marks, "Session 5f1c…09ab, desktop Chrome, eu-west.")


def bug_view(bug_id: str = "B1", replay: panels.ReplayView | None = None) -> panels.BugView:
    if bug_id == "B2":
        return panels.BugView(
            bug_id="B2", title="Hydration crash, blank page after login", priority=88, n_events=311, n_sessions=311,
            release=B, throws=(panels.ThrowView("account-9KQ2.js:2:1872", source().clear(), problem="Release `c0ffee1` has no source map: none was uploaded."),),
            issues=pl.DataFrame({"title": ["Hydration failed"], "n_events": [311], "n_sessions": [311], "rule": ["default"]}),
            evidence=pl.DataFrame({"weight": [], "text": []}, schema={"weight": pl.Float64, "text": pl.String}),
            contrast=contrast().filter(pl.col("dimension") == "browser"),
        )  # fmt: skip
    stack = pl.DataFrame(
        {
            "function": ["total", "CartDrawer", "renderWithHooks", "performWorkOnRoot"],
            "location": ["CartDrawer.tsx:11:52", "CartDrawer.tsx:38:12", "react-dom:4120:20", "react-dom:9120:3"],
            "in_app": [True, True, False, False],
        }
    )
    return panels.BugView(
        bug_id="B1",
        title="`discount` missing after `GET /api/cart`",
        summary="The cart API still answered 200, but without `discount`; three components read it.",
        priority=94.2,
        n_events=2144,
        n_sessions=902,
        release=B,
        throws=(
            panels.ThrowView(
                "CartDrawer.tsx:11:52", source(), "total", "syntax tree", "shop-4KQ2.js:2:872", stack=stack
            ),
            panels.ThrowView("CheckoutForm.tsx:41:17", source(), "payable", "syntax tree", "shop-4KQ2.js:2:2911"),
        ),
        issues=pl.DataFrame(
            {
                "title": [
                    "nullish-read:amount in CartDrawer.tsx",
                    "nullish-read:amount in CheckoutForm.tsx",
                    "nullish-read:amount in OrderSummary.tsx",
                ],
                "n_events": [1204, 640, 300],
                "n_sessions": [800, 411, 240],
                "rule": ["default", "default", "default"],
                "mechanism": ["error boundary", "onerror", "onunhandledrejection"],
            }
        ),
        evidence=pl.DataFrame(
            {
                "weight": [1.4, 1.1, 0.9, -0.2],
                "text": [
                    "all follow `GET /api/cart` (91 % of events, 7 % elsewhere)",
                    "same missing property, rare elsewhere",
                    "38 shared traces",
                    "same onset, but a deploy explains it",
                ],
            }
        ),
        contrast=contrast(),
        trace=panels.TraceView(
            "Trace 5f1c…09ab, one of 701. The cart service answered 200; the error was swallowed two calls deeper.",
            trace(),
        ),
        replay=replay or replay_view(),
        timeline=timeline(),
    )


VITALS = panels.VitalsView(
    finding="INP on phones went from 120 to 740 ms and CLS passed 0.1 with release `7f3c2e1`.",
    changes=pl.DataFrame(
        {
            "metric": ["INP", "CLS", "LCP"],
            "device_class": ["mobile", "desktop", "mobile"],
            "route": ["/product/:id", "/", "/account/orders/:id/invoice/download"],
            "n_before": [410, 900, 210],
            "n_after": [388, 870, 190],
            "p75_before": [120.0, 0.02, 2300.0],
            "p75_before_low": [104.0, 0.015, 2100.0],
            "p75_before_high": [136.0, 0.026, 2600.0],
            "p75_after": [740.0, 0.134, 3900.0],
            "p75_after_low": [660.0, 0.12, 3500.0],
            "p75_after_high": [830.0, 0.15, 4500.0],
        }
    ),
    method="p75 with its 95 % interval over the good, needs-improvement and poor bands. Three of 41 cohorts changed"
    " (false-discovery rate 5 %).",
)

NOISE = panels.NoiseView(
    pl.DataFrame(
        {
            "noise_class": ["bot", "extension", "opaque"],
            "reason": [
                "the user agent is a crawler's",
                "thrown by a browser extension",
                "the browser hides what a script of another origin threw",
            ],
            "rule": ["is-bot", "frame-extension", "script-error"],
            "events": [3120, 1904, 811],
            "sessions": [3000, 402, 380],
            "example": ["TypeError: undefined is not a function", "Extension context invalidated.", "Script error."],
        }
    ),
    raw=9871,
    method="First rule that fits wins; bots win over all.",
)

WINDOW = Window(START, END)
LEDGER = panels.LedgerView(
    fetches=(
        FetchReport("tracker", "events", WINDOW.describe(), 9871, WINDOW, refused=(Refused("000417.envelope", "ends in the middle of an item"),)),
        FetchReport("replays", "replays", WINDOW.describe(), 1902, WINDOW, sampling="all errors, 10 % of the rest"),
        FetchReport("traces", "spans", WINDOW.describe(), 12000, WINDOW, truncated=True, note="the backend gives at most 12,000 spans"),
        FetchReport("lab", "lab_runs", WINDOW.describe(), 0, WINDOW, failed="lab: 503 from the server, three times"),
    ),
    joins=pl.DataFrame(
        {
            "what": ["replay", "replay", "backend trace"],
            "reason": ["sampled out", "shorter than 5 s", "unsampled: the header said `-00`"],
            "n": [298, 99, 41],
            "share": [0.09, 0.03, 0.0124],
        }
    ),
    method="Rules of 2026-11-23.",
)  # fmt: skip


def all_panels(replay: panels.ReplayView | None = None) -> list[panels.base.Panel]:  # type: ignore[name-defined]
    """Every panel, in the report's order."""
    return [
        panels.Header(HEADER),
        panels.Headline(HEADLINE),
        panels.Completeness(COMPLETENESS),
        panels.Funnel(FUNNEL),
        panels.Rates(rates_view()),
        panels.BugsTable(BUGS),
        panels.Bug([bug_view("B1", replay), bug_view("B2")]),
        panels.Vitals(VITALS),
        panels.NoiseTable(NOISE),
        panels.Ledger(LEDGER),
    ]


def cards(bug: str | None = None) -> list[panels.BugView]:
    """The card of the picked bug, or all of them: what a case would compute."""
    return [bug_view(name) for name in ("B1", "B2") if bug in (None, name)]


def funnel_of(release: str | None = None) -> panels.FunnelView:
    """Half of everything when one release is picked."""
    part = 1 if release is None else 2
    return panels.FunnelView(FUNNEL.stages.with_columns(pl.col("n") // part), FUNNEL.noise)
