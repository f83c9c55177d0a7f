"""Simulated days of a shop's errors with known causes, to measure grouping on something that no rule was made for.

A day has causes of several sorts: a field missing from one endpoint's answer that breaks several components, the same
message from two endpoints, wrong types, failing endpoints, errors of code alone. Names of endpoints, fields, components
and functions are drawn anew for each seed. Visitors use Chrome, Safari and Firefox, so that one error has several
wordings; pages call several endpoints at once, and one endpoint serves several pages; some bundles have no source maps;
some sessions send no breadcrumbs; and one deploy may start everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

DAY = datetime(2026, 5, 4, tzinfo=UTC)
SITE = "https://www.bazaar.example"
AGENTS = {
    "Chrome": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
    " Safari/537.36",
    "Safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.1 Safari/605.1.15",
    "Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
NOUNS = [
    "voucher", "wallet", "parcel", "basket", "invoice", "coupon", "address", "courier", "refund", "rating", "bundle",
    "tariff", "stock", "depot", "locker", "quota", "seat", "ticket", "badge", "ledger", "pledge", "locale", "region",
    "shelf", "slot", "gift", "bonus", "budget", "claim",
]  # fmt: skip
MEMBERS = [
    "total", "label", "amount", "code", "rate", "limit", "price", "count", "title", "status", "name", "id", "length",
    "currency", "weight", "owner", "expiry", "score", "level",
]  # fmt: skip
EVERYWHERE = ("GET /api/me", "GET /api/flags", "POST /api/metrics")
COMPONENTS = [
    "Panel", "Drawer", "Form", "Card", "List", "Summary", "Modal", "Row", "Badge", "Header", "Chart", "Picker",
    "Table", "Widget", "Tile",
]  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One place in the code where a cause shows itself."""

    file: str
    function: str
    minified: tuple[str, str]
    column: int
    line: int
    page: int


@dataclass(frozen=True)
class Cause:
    """One root cause: its sort, what it is about, where it shows, when it lives, and how often."""

    name: str
    sort: str
    endpoints: tuple[str, ...]
    noun: str
    members: tuple[str, ...]
    sites: tuple[Site, ...]
    begins: datetime
    ends: datetime
    weight: float


@dataclass(frozen=True)
class SimulatedDay:
    """Canonical tables of a day, and `labels`: `event_id`, `cause` (null: noise), `site`."""

    events: pl.DataFrame
    frames: pl.DataFrame | None
    requests: pl.DataFrame
    releases: pl.DataFrame
    labels: pl.DataFrame


SORTS = (
    "field", "field", "field", "field", "twin", "twin", "type", "type", "status", "json", "code", "code", "custom",
    "iterable", "date",
)  # fmt: skip


def simulate(
    seed: int,
    *,
    n_events: int = 4000,
    n_causes: int = 12,
    capture: float = 1.0,
    one_deploy: bool = False,
    mapped: float = 0.7,
    raw_stacks: bool = False,
) -> SimulatedDay:
    """Draw a day.

    Parameters
    ----------
    capture
        Share of the sessions that send breadcrumbs of their requests.
    one_deploy
        All causes begin with one deploy at 10:00, within half an hour.
    mapped
        Share of the events whose frames source maps know (per release and bundle it is all or nothing in life; here a
        draw per session and cause makes it harder).
    raw_stacks
        Give `stack` texts and no frames.
    """
    rng = np.random.default_rng(seed)
    deploy = DAY + timedelta(hours=10)
    pages = _pages(rng)
    causes = _causes(rng, n_causes, one_deploy, deploy, pages)
    weights = np.array([cause.weight for cause in causes])
    n_noise = int(n_events * 0.35)
    counts = rng.multinomial(n_events - n_noise, weights / weights.sum())
    out = _Out(rng, _Sessions(rng, capture), pages, deploy, mapped, raw_stacks)
    for cause, count in zip(causes, counts, strict=True):
        for _ in range(count):
            _emit(out, _moment(rng, cause.begins, cause.ends), cause)
    for _ in range(n_noise):
        _emit_noise(out, _moment(rng, DAY, DAY + timedelta(hours=24)))
    return _tables(out)


class _Sessions:
    """Visitors: each has a browser and sends breadcrumbs or not; one comes back for several errors at times."""

    def __init__(self, rng: np.random.Generator, capture: float) -> None:
        self.rng, self.capture, self.open = rng, capture, {}

    def pick(self, at: datetime) -> dict:
        quarter = int((at - DAY) / timedelta(minutes=15))
        near = self.open.setdefault(quarter, [])
        if near and self.rng.random() < 0.25:
            return near[self.rng.integers(len(near))]
        session = {
            "id": self.rng.bytes(8).hex(),
            "browser": str(self.rng.choice(["Chrome", "Safari", "Firefox"], p=[0.6, 0.25, 0.15])),
            "captures": self.rng.random() < self.capture,
        }
        near.append(session)
        return session


def _pages(rng: np.random.Generator) -> list[tuple[str, list[str]]]:
    """Routes and the endpoints that each calls at once; one endpoint serves several pages."""
    nouns = rng.choice(list(NOUNS), 18, replace=False)
    endpoints = [f"GET /api/{noun}" + ("/:id" if rng.random() < 0.4 else "s") for noun in nouns[:10]]
    return [
        (f"/{noun}/:id", list(rng.choice(endpoints, int(rng.integers(1, 5)), replace=False))) for noun in nouns[10:]
    ]


def _causes(rng: np.random.Generator, n: int, one_deploy: bool, deploy: datetime, pages: list) -> list[Cause]:
    sorts = [SORTS[at] for at in sorted(rng.choice(len(SORTS), n, replace=False))]
    nouns = list(rng.permutation(list(NOUNS)))
    twin_member = str(rng.choice(MEMBERS))
    served = sorted({endpoint for _, called in pages for endpoint in called})
    twin_endpoints = list(rng.choice(served, 2, replace=False))
    causes = []
    for at, sort in enumerate(sorts):
        own = str(nouns.pop())
        noun = str(rng.choice(["item", "data", own])) if sort == "twin" else own
        members = (twin_member,) if sort == "twin" else tuple(str(m) for m in rng.choice(MEMBERS, 2, replace=False))
        n_sites = {"field": int(rng.integers(2, 5)), "type": 2, "status": 2, "json": 2, "custom": 2}.get(sort, 1)
        endpoint = twin_endpoints.pop() if sort == "twin" else str(rng.choice(served))
        fitting = (
            list(range(len(pages)))
            if sort == "code"
            else [k for k, (_, called) in enumerate(pages) if endpoint in called]
        )
        begins, ends = _life(rng, one_deploy, deploy)
        sites = tuple(_site(rng, own, at, place, int(rng.choice(fitting))) for place in range(n_sites))
        endpoints = () if sort == "code" else (endpoint,)
        causes.append(
            Cause(f"{sort}-{at}", sort, endpoints, noun, members, sites, begins, ends, float(rng.pareto(1.5) + 0.3))
        )
    return causes


def _life(rng: np.random.Generator, one_deploy: bool, deploy: datetime) -> tuple[datetime, datetime]:
    midnight = DAY + timedelta(hours=24)
    if one_deploy:
        return deploy + timedelta(minutes=float(rng.uniform(0, 30))), midnight
    begins = DAY + timedelta(hours=float(rng.choice([0.0, rng.uniform(1, 18)])))
    return begins, midnight if rng.random() < 0.6 else min(
        begins + timedelta(hours=float(rng.uniform(3, 12))), midnight
    )


def _site(rng: np.random.Generator, noun: str, at: int, place: int, page: int) -> Site:
    part = COMPONENTS[(at * 3 + place * 5 + int(rng.integers(3))) % len(COMPONENTS)]
    name = f"{noun.capitalize()}{part}"
    return Site(
        file=f"src/{noun}/{name}{place or ''}.tsx",
        function=str(rng.choice([name, f"render{name}", f"format{noun.capitalize()}", f"use{name}"])),
        minified=(_minified(rng), _minified(rng)),
        column=int(rng.integers(1000, 250_000)),
        line=int(rng.integers(8, 240)),
        page=page,
    )


def _minified(rng: np.random.Generator) -> str:
    """One or two letters, drawn anew for each build."""
    return "".join(chr(97 + int(rng.integers(26))) for _ in range(1 + int(rng.random() < 0.5)))


def _moment(rng: np.random.Generator, begins: datetime, ends: datetime) -> datetime:
    """More traffic by day than by night."""
    while True:
        at = begins + (ends - begins) * float(rng.random())
        hour = at.hour + at.minute / 60
        if rng.random() < 0.25 + 0.75 * np.exp(-(((hour - 15) / 5) ** 2)):
            return at


def _wording(rng: np.random.Generator, cause: Cause, site: Site, browser: str) -> tuple[str, str]:
    """What an engine says; minified locals are single letters, properties keep their names."""
    m = cause.members[cause.sites.index(site) % len(cause.members)]
    local = "abcdenrtuo"[int(rng.integers(10))]
    of = f"{local}.{cause.noun}"
    match cause.sort:
        case "field" | "twin":
            return "TypeError", {
                "Chrome": f"Cannot read properties of undefined (reading '{m}')",
                "Safari": f"undefined is not an object (evaluating '{of}.{m}')",
                "Firefox": f'can\'t access property "{m}", {of} is undefined'
                if rng.random() < 0.7
                else f"{of} is undefined",
            }[browser]
        case "type":
            return "TypeError", {
                "Chrome": f"{local}.{m}.map is not a function",
                "Safari": f"{local}.{m}.map is not a function. (In '{local}.{m}.map({local}=>{local}.id)',"
                f" '{local}.{m}.map' is undefined)",
                "Firefox": f"{local}.{m}.map is not a function",
            }[browser]
        case "status":
            return "Error", f"Request failed with status code {503 if cause.name[-1] in '02468' else 500}"
        case "json":
            return "SyntaxError", {
                "Chrome": "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
                "Safari": "JSON Parse error: Unrecognized token '<'",
                "Firefox": "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
            }[browser]
        case "code":
            return "ReferenceError", {
                "Chrome": f"{cause.noun}Queue is not defined",
                "Safari": f"Can't find variable: {cause.noun}Queue",
                "Firefox": f"{cause.noun}Queue is not defined",
            }[browser]
        case "custom":
            return "Error", f"No {cause.noun} for order {int(rng.integers(10_000, 99_999))} ({rng.bytes(8).hex()})"
        case "iterable":
            return "TypeError", {
                "Chrome": f"{local}.{m} is not iterable",
                "Safari": f"undefined is not a function (near '...{local}.{m}...')",
                "Firefox": f"{local}.{m} is not iterable",
            }[browser]
        case "date":
            return "RangeError", {"Chrome": "Invalid time value", "Safari": "Invalid Date", "Firefox": "invalid date"}[
                browser
            ]
    raise ValueError(cause.sort)


def _stack(browser: str, places: list[tuple[str, str, int, int]], type_: str, message: str) -> str:
    if browser == "Chrome":
        return f"{type_}: {message}\n" + "\n".join(f"    at {f} ({u}:{line}:{column})" for f, u, line, column in places)
    shift = 4 if browser == "Safari" else 1
    return "\n".join(f"{f}@{u}:{line}:{column + shift}" for f, u, line, column in places)


class _Out:
    """Rows as they are made, and what all of them need."""

    def __init__(self, rng, sessions, pages, deploy, mapped, raw) -> None:
        self.rng, self.sessions, self.pages, self.deploy, self.mapped, self.raw = (
            rng,
            sessions,
            pages,
            deploy,
            mapped,
            raw,
        )
        self.rows, self.frames, self.requests = [], [], []

    def release(self, at: datetime) -> str:
        return "2.0.0" if at >= self.deploy else "1.9.3"

    def page_calls(self, event_id: str, session: dict, at: datetime, page: int, answer: tuple[str, int] | None) -> None:
        """A page asks for everything at once; the answer that broke it was often, not always, the last to come."""
        if not session["captures"]:
            return
        rng = self.rng
        wait = float(rng.exponential(0.5)) if rng.random() < 0.7 else float(rng.uniform(2, 25))
        for endpoint in [*self.pages[page][1], str(rng.choice(EVERYWHERE))]:
            if answer and endpoint == answer[0]:
                continue
            before = wait + float(rng.uniform(-0.3, 1.2))
            self.requests.append((event_id, session["id"], at - timedelta(seconds=max(before, 0.01)), endpoint, 200))
        if answer and rng.random() < 0.95:
            self.requests.append((event_id, session["id"], at - timedelta(seconds=wait), *answer))
        if rng.random() < 0.3:
            poll = at - timedelta(seconds=float(rng.uniform(0, 5)))
            self.requests.append((event_id, session["id"], poll, str(rng.choice(EVERYWHERE)), 200))


def _emit(out: _Out, at: datetime, cause: Cause) -> None:
    rng = out.rng
    session = out.sessions.pick(at)
    site = cause.sites[rng.integers(len(cause.sites))] if rng.random() < 0.6 else cause.sites[0]
    event_id = rng.bytes(16).hex()
    type_, message = _wording(rng, cause, site, session["browser"])
    shift = 0 if at >= out.deploy else 37
    bundle = f"{SITE}/assets/app-{'5f3a9c21' if at >= out.deploy else 'a81b07de'}.js"
    places = [
        (site.minified[at >= out.deploy], bundle, 1, site.column + shift),
        ("Xe", bundle, 1, 9000 + shift),
        ("Qn", bundle, 1, 9400 + shift),
    ]
    knows = rng.random() < out.mapped and not out.raw
    for index, (function, url, line, column) in enumerate(places):
        library = ("node_modules/react-dom/client.js", 100 + index, function)
        shown = (None, None, None) if not knows else (site.file, site.line, site.function) if index == 0 else library
        out.frames.append((event_id, 0, index, url, function, line, column, not (knows and index > 0), *shown))
    answer = (cause.endpoints[0], 503 if cause.sort == "status" else 200) if cause.endpoints else None
    out.page_calls(event_id, session, at, site.page, answer)
    stack = _stack(session["browser"], places, type_, message)
    out.rows.append(
        (event_id, at, out.release(at), type_, message, stack, session, out.pages[site.page][0], cause.name, site.file)
    )


def _emit_noise(out: _Out, at: datetime) -> None:
    rng = out.rng
    session = out.sessions.pick(at)
    event_id = rng.bytes(16).hex()
    extension = "chrome-extension://gighmmpiobklfepjocnamgkkbiglidom/content.js"
    kinds = [
        ("Error", "Script error.", []),
        ("TypeError", "Cannot read properties of null (reading 'dataset')", [("scan", extension, 1, 900)]),
        ("Error", "ResizeObserver loop completed with undelivered notifications.", []),
        ("AbortError", "The user aborted a request.", []),
        ("ReferenceError", "fbq is not defined", [("track", "https://tags.partner.example/t.js", 1, 40)]),
    ]
    type_, message, places = kinds[int(rng.integers(len(kinds)))]
    for index, (function, url, line, column) in enumerate(places):
        out.frames.append((event_id, 0, index, url, function, line, column, True, None, None, None))
    page = int(rng.integers(len(out.pages)))
    out.page_calls(event_id, session, at, page, None)
    stack = _stack(session["browser"], places, type_, message) if places else None
    out.rows.append((event_id, at, out.release(at), type_, message, stack, session, out.pages[page][0], None, None))


def _tables(out: _Out) -> SimulatedDay:
    rows, raw, deploy = out.rows, out.raw, out.deploy
    events = pl.DataFrame(
        {
            "event_id": [r[0] for r in rows],
            "at": [r[1] for r in rows],
            "release": [r[2] for r in rows],
            "type": [r[3] for r in rows],
            "message": [r[4] for r in rows],
            "stack": [r[5] if raw else None for r in rows],
            "session_id": [r[6]["id"] for r in rows],
            "browser": [r[6]["browser"] for r in rows],
            "user_agent": [AGENTS[r[6]["browser"]] for r in rows],
            "route": [r[7] for r in rows],
            "page_url": [SITE + r[7].replace(":id", "17") for r in rows],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "stack": pl.String},
    )
    labels = pl.DataFrame({"event_id": events["event_id"], "cause": [r[8] for r in rows], "site": [r[9] for r in rows]})
    names = [
        "event_id", "exception_index", "frame_index", "url", "function", "line", "column", "in_app",
        "source", "source_line", "source_function",
    ]  # fmt: skip
    table = pl.DataFrame(out.frames, schema=dict.fromkeys(names), orient="row", infer_schema_length=None).with_columns(
        pl.col("source", "source_function").cast(pl.String), pl.col("source_line").cast(pl.Int64)
    )
    asked = pl.DataFrame(
        out.requests,
        schema={
            "event_id": pl.String,
            "session_id": pl.String,
            "at": pl.Datetime("us", "UTC"),
            "endpoint": pl.String,
            "status": pl.Int64,
        },
        orient="row",
    ).with_columns(
        method=pl.col("endpoint").str.extract(r"^(\w+)"), url=SITE + pl.col("endpoint").str.extract(r" (.*)$")
    )
    releases = pl.DataFrame({"release": ["1.9.3", "2.0.0"], "deployed_at": [DAY - timedelta(days=3), deploy]})
    shuffled = events.sample(fraction=1.0, shuffle=True, seed=1)
    return SimulatedDay(shuffled, None if raw else table, asked, releases, labels)
