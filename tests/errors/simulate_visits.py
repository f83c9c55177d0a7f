"""Other days: visits to a bank and to a map, walked page by page. Shares nothing with `simulate`.

Here nothing is drawn per error. A visitor has a browser and a release, walks over pages, each page asks its endpoints,
and what is broken just then throws where its answer is used. So one bug shows on many routes, several bugs hang on one
endpoint, old bugs go on beside new ones, releases overlap for hours, and a bundle has a source map in a release or has
none. `VisitDay` has the tables that `grouping.group` takes, and labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from tests.errors.visit_wordings import say

MIDNIGHT = datetime(2026, 9, 17, tzinfo=UTC)
BROWSERS = (
    ("Chrome", "v8", 0.40), ("Edge", "v8", 0.10), ("Mobile Safari", "jsc", 0.18), ("Safari", "jsc", 0.14),
    ("Firefox", "moz", 0.18),
)  # fmt: skip
APPS = {
    "bank": {
        "site": "https://my.northbank.example",
        "things": ["account", "card", "standingOrder", "payee", "mandate", "statement", "limit", "deposit", "loan",
                   "transfer", "beneficiary", "iban", "mortgage", "advisor"],
        "members": ["balance", "iban", "holder", "currency", "dueDate", "maskedPan", "amount", "status", "id", "label"],
        "verbs": ["List", "Detail", "Wizard", "Tile", "Banner", "Row", "Confirm", "Chart"],
    },
    "map": {
        "site": "https://www.wayfare.example",
        "things": ["route", "place", "tileset", "marker", "stop", "vehicle", "elevation", "review", "photo", "layer",
                   "geofence", "bookmark", "incident", "parking"],
        "members": ["lat", "bounds", "name", "polyline", "eta", "length", "zoom", "color", "rating", "segments"],
        "verbs": ["Panel", "Popup", "Overlay", "Sheet", "Card", "Legend", "Search", "Control"],
    },
}  # fmt: skip
KINDS = (
    "missing", "missing", "missing-wide", "missing-shared", "missing-shared", "not-array", "destructure", "status",
    "timeout", "currency", "old-code", "old-code", "safari-only", "write-null", "html-answer", "quote",
)  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """Where a bug throws: a component's file and function, in a bundle."""

    file: str
    function: str
    bundle: str
    place: int


@dataclass
class Bug:
    """One cause, with the endpoint whose answer breaks it (None: code alone) and its life."""

    name: str
    kind: str
    endpoint: str | None
    thing: str
    member: str
    spots: dict[str, Spot]
    begins: datetime
    ends: datetime
    chance: float


@dataclass
class VisitDay:
    """Canonical tables, and `labels`: `event_id`, `cause` (null: noise)."""

    events: pl.DataFrame
    frames: pl.DataFrame | None
    requests: pl.DataFrame
    releases: pl.DataFrame
    labels: pl.DataFrame


@dataclass
class Site:
    """An app: its pages with the endpoints that each asks, and its bugs."""

    app: dict
    pages: dict[str, list[str]]
    bugs: list[Bug]
    deploy: datetime
    maps: dict[tuple[str, str], bool]
    rows: list = field(default_factory=list)
    frames: list = field(default_factory=list)
    requests: list = field(default_factory=list)


def visits(
    seed: int,
    *,
    app: str = "bank",
    n_visits: int = 2600,
    capture: float = 1.0,
    one_deploy: bool = False,
    mapped: float = 0.7,
    raw: bool = False,
) -> VisitDay:
    """Walk a day of visits.

    Parameters
    ----------
    capture
        Share of the visits whose requests are recorded.
    one_deploy
        Every bug comes with the deploy at 9:30 (the old ones too).
    mapped
        Chance that a bundle of a release has a source map.
    raw
        Stack texts instead of frames.
    """
    rng = np.random.default_rng(seed)
    site = _site(rng, APPS[app], one_deploy, mapped)
    for number in range(n_visits):
        _visit(rng, site, number, rng.random() < capture, raw)
    return _tables(site, raw)


def _site(rng: np.random.Generator, app: dict, one_deploy: bool, mapped: float) -> Site:
    things = [str(thing) for thing in rng.permutation(app["things"])]
    endpoints = [f"{rng.choice(['GET', 'GET', 'POST'])} /v2/{thing.lower()}s" for thing in things[:9]]
    pages = {
        f"/{thing.lower()}" + ("/:id" if rng.random() < 0.5 else ""): [
            str(endpoint) for endpoint in rng.choice(endpoints, int(rng.integers(2, 5)), replace=False)
        ]
        for thing in things[5:]
    }
    deploy = MIDNIGHT + timedelta(hours=9, minutes=30)
    bundles = ["main", *(f"page-{page.split('/')[1]}" for page in pages), "vendor"]
    releases = ("r-0916", "r-0917")
    maps = {
        (release, bundle): bool(rng.random() < mapped) and bundle != "vendor"
        for release in releases
        for bundle in bundles
    }
    site = Site(app, pages, [], deploy, maps)
    shared = str(rng.choice(endpoints))
    kinds = [KINDS[at] for at in sorted(rng.choice(len(KINDS), 11, replace=False))]
    lacking = rng.permutation(app["things"])  # two bugs that lack the same thing of one answer would be one
    for at, kind in enumerate(kinds):
        site.bugs.append(_bug(rng, site, f"{kind}-{at}", kind, str(lacking[at]), endpoints, shared, one_deploy))
    return site


def _bug(rng, site: Site, name: str, kind: str, thing: str, endpoints: list[str], shared: str, one_deploy: bool) -> Bug:
    member = str(rng.choice(site.app["members"]))
    used = [endpoint for endpoint in endpoints if any(endpoint in asked for asked in site.pages.values())]
    endpoint = shared if kind == "missing-shared" and shared in used else str(rng.choice(used))
    if kind in ("old-code", "safari-only", "write-null"):
        endpoint = None
    pages = [page for page, asked in site.pages.items() if endpoint is None or endpoint in asked]
    if kind != "missing-wide":
        pages = list(rng.permutation(pages))[: int(rng.integers(1, 3))]
    spots = {}
    for page in pages:
        verb = str(rng.choice(site.app["verbs"]))
        component = f"{thing[0].upper()}{thing[1:]}{verb}"
        in_main = kind in ("old-code", "safari-only", "quote") or rng.random() < 0.3
        bundle = "main" if in_main else f"page-{page.split('/')[1]}"
        # One helper of the bug's own may throw for all its pages, or each page's component does.
        spots[page] = Spot(
            f"src/features/{thing}/{component}.{'vue' if site.app is APPS['map'] else 'tsx'}",
            str(rng.choice([component, f"load{component}", f"on{verb}", "setup", "render"])),
            bundle,
            int(rng.integers(2_000, 400_000)),
        )
    return Bug(
        name, kind, endpoint, thing, member, spots, *_life(rng, kind, site.deploy, one_deploy), _chance(rng, kind)
    )


def _life(rng, kind: str, deploy: datetime, one_deploy: bool) -> tuple[datetime, datetime]:
    night = MIDNIGHT + timedelta(hours=24)
    if one_deploy:
        return deploy, night
    if kind == "old-code" or rng.random() < 0.2:
        return MIDNIGHT - timedelta(days=9), night
    if rng.random() < 0.4:
        return deploy, night
    begins = MIDNIGHT + timedelta(hours=float(rng.uniform(2, 20)))
    lasts = float(rng.choice([0.5, 2.0, 6.0, 24.0]))
    return begins, min(begins + timedelta(hours=lasts), night)


def _chance(rng, kind: str) -> float:
    return float(rng.uniform(0.02, 0.12)) if kind == "old-code" else float(rng.uniform(0.1, 0.7))


def _visit(rng, site: Site, number: int, captures: bool, raw: bool) -> None:
    hour = float(np.clip(rng.normal(13.5, 4.5), 0.05, 23.5))
    at = MIDNIGHT + timedelta(hours=hour)
    browser, engine, _ = BROWSERS[int(rng.choice(len(BROWSERS), p=[share for *_, share in BROWSERS]))]
    late = timedelta(hours=float(rng.exponential(0.7)))  # an open tab keeps its release for a while
    release = "r-0917" if at >= site.deploy + late else "r-0916"
    visit = {
        "session_id": f"v{number:05}-{rng.bytes(3).hex()}",
        "browser": browser,
        "engine": engine,
        "release": release,
    }
    pages = list(site.pages)
    for _ in range(1 + int(rng.geometric(0.35))):
        page = str(rng.choice(pages))
        trace = rng.bytes(16).hex()
        times = {}
        for endpoint in site.pages[page]:
            times[endpoint] = at + timedelta(seconds=float(rng.gamma(2.0, 0.35)))
        broken = [
            bug for bug in site.bugs if page in bug.spots and bug.begins <= at < bug.ends and _hits(rng, bug, visit)
        ]
        if captures:
            for endpoint, when in times.items():
                failed = any(bug.kind in ("status", "timeout") and bug.endpoint == endpoint for bug in broken)
                site.requests.append((visit["session_id"], when, endpoint, 502 if failed else 200, trace))
            site.requests.append((visit["session_id"], at + timedelta(seconds=0.2), "POST /v2/heartbeat", 204, trace))
        for bug in broken:
            wait = float(rng.gamma(1.5, 0.4)) if bug.endpoint else float(rng.uniform(1, 40))
            when = (times[bug.endpoint] if bug.endpoint else at) + timedelta(seconds=wait)
            _throw(rng, site, visit, bug, page, when, trace)
        if rng.random() < 0.22:
            _noise(rng, site, visit, page, at + timedelta(seconds=float(rng.uniform(0, 30))))
        at += timedelta(seconds=float(rng.gamma(2.0, 25.0)))


def _hits(rng, bug: Bug, visit: dict) -> bool:
    return (bug.kind != "safari-only" or visit["engine"] == "jsc") and rng.random() < bug.chance


def _throw(rng, site: Site, visit: dict, bug: Bug, page: str, at: datetime, trace: str) -> None:
    spot, new = bug.spots[page], visit["release"] == "r-0917"
    local = "abcdefhijklnoprstuvxyz"[int(rng.integers(22)) if rng.random() < 0.15 else (spot.place + new) % 22]
    type_, message = say(bug.kind, visit["engine"], thing=bug.thing, member=bug.member, local=local, rng=rng)
    shift = {"v8": 0, "jsc": 9, "moz": 2}[visit["engine"]]
    own = (spot.bundle, spot.place + (5_113 if new else 0) + shift, _short(spot.place + new), spot)
    vendor = [("vendor", 61_000 + 997 * k + 31 * new + shift, _short(7 * k + new), None) for k in range(3)]
    stack = [vendor[0], own, *vendor[1:]] if bug.kind in ("status", "timeout") else [own, *vendor]
    _keep(rng, site, visit, page, at, type_, message, stack, bug.name, trace)


def _short(number: int) -> str:
    """What a minifier calls it, the same in all of a release."""
    letters = "etnrisaouldfhgmvcbpwkyxqzj"
    return letters[number % 26] + (letters[number // 26 % 26] if number % 3 else "")


def _noise(rng, site: Site, visit: dict, page: str, at: datetime) -> None:
    scheme = {"v8": "chrome-extension://kbfnbcaeplbcioakkpcpgfkobkghlhen", "jsc": "webkit-masked-url://hidden",
              "moz": "moz-extension://0c1a7f0e-5f5a-4f0a-9a2c-3f5c2f9a1d10"}[visit["engine"]]  # fmt: skip
    choices = [
        ("TypeError", "Illegal invocation", [(f"{scheme}/", 880, "q", None)]),
        ("Error", "Script error.", []),
        ("Error", "ResizeObserver loop limit exceeded", []),
        ("AbortError", "Fetch is aborted", []),
        ("ReferenceError", "gtag is not defined" if visit["engine"] != "jsc" else "Can't find variable: gtag", []),
        ("NotAllowedError", "play() failed because the user didn't interact with the document first.", []),
    ]
    type_, message, stack = choices[int(rng.integers(len(choices)))]
    _keep(rng, site, visit, page, at, type_, message, stack, None, None)


def _keep(rng, site: Site, visit: dict, page: str, at: datetime, type_, message, stack, cause, trace) -> None:
    event_id, root = rng.bytes(16).hex(), site.app["site"]
    mark = {"r-0916": "Bx81kQ", "r-0917": "C4zz0p"}[visit["release"]]
    lines = []
    for index, (bundle, column, function, spot) in enumerate(stack):
        known = spot is not None and site.maps[(visit["release"], spot.bundle)]
        url = f"{bundle}content.js" if "://" in bundle else f"{root}/static/{bundle}.{mark}.js"
        source = (spot.file, 11 + spot.place % 190, spot.function) if known else (None, None, None)
        site.frames.append((event_id, 0, index, url, function, 2, column, True, *source))
        lines.append((function, url, 2, column))
    if visit["engine"] == "v8":
        text = f"{type_}: {message}\n" + "\n".join(f"    at {f} ({u}:{ln}:{c})" for f, u, ln, c in lines)
    else:
        text = "\n".join(f"{f}@{u}:{ln}:{c}" for f, u, ln, c in lines)
    site.rows.append(
        (event_id, at, visit["release"], type_, message, text if lines else None, visit["session_id"], visit["browser"],
         page, root + page.replace(":id", str(int(rng.integers(1, 99)))), trace, cause)
    )  # fmt: skip


def _tables(site: Site, raw: bool) -> VisitDay:
    names = ["event_id", "at", "release", "type", "message", "stack", "session_id", "browser", "route", "page_url",
             "trace_id", "cause"]  # fmt: skip
    text = dict.fromkeys(names, pl.String) | {"at": pl.Datetime("us", "UTC")}
    rows = pl.DataFrame(site.rows, schema=text, orient="row").sort("event_id")
    frames = pl.DataFrame(
        site.frames,
        schema={"event_id": pl.String, "exception_index": pl.Int64, "frame_index": pl.Int64, "url": pl.String,
                "function": pl.String, "line": pl.Int64, "column": pl.Int64, "in_app": pl.Boolean, "source": pl.String,
                "source_line": pl.Int64, "source_function": pl.String},
        orient="row",
    )  # fmt: skip
    requests = pl.DataFrame(
        site.requests,
        schema={"session_id": pl.String, "at": pl.Datetime("us", "UTC"), "endpoint": pl.String, "status": pl.Int64,
                "trace_id": pl.String},
        orient="row",
    ).with_columns(url=site.app["site"] + pl.col("endpoint").str.extract(r" (.*)$"))  # fmt: skip
    releases = pl.DataFrame(
        {"release": ["r-0916", "r-0917"], "deployed_at": [MIDNIGHT - timedelta(hours=15), site.deploy]}
    )
    events = rows.drop("cause").with_columns(stack=pl.col("stack") if raw else pl.lit(None, pl.String))
    return VisitDay(events, None if raw else frames, requests, releases, rows.select("event_id", "cause"))
