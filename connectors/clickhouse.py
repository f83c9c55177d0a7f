"""What the connectors over ClickHouse share: questions with parameters, pages by time, server or embedded engine.

`clickhouse+https://host/database` asks the server over its HTTP interface by GET, which the server holds to be read-
only; `?user=reader` names the user, the password is the secret BLINDSPOT_CLICKHOUSE_TOKEN. `clickhouse+chdb:///path` is
the same engine inside this process, over a folder that it wrote (`?database=` names its database).

Windows and ids are parameters of the statement (`{start:Int64}`), names of tables and columns are checked and quoted.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec
import polars as pl

from connectors.exceptions import AddressError, FetchError, MissingExtra, SourceNotFound
from connectors.http import Http
from connectors.http_pace import Pace
from connectors.redaction import redact
from connectors.remote import Address, RemoteStore
from connectors.secrets import secret_of
from connectors.stores import Window

SYSTEM = "clickhouse"
PAGE = 50_000
IDS = 200
"""How many ids stand in one question: it is an address, and servers take those of 8 kB or more."""

PLAIN = re.compile(r"\w+(?:\.\w+)?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_THERE = re.compile(r"\((UNKNOWN_TABLE|UNKNOWN_DATABASE)\)")
Params = Mapping[str, int | str | Sequence[str]]


class Time(NamedTuple):
    """A column of times as it is stored: its expression, and the ticks in a second (None: a time of the engine)."""

    sql: str
    ticks: int | None = None

    @property
    def as_ticks(self) -> str:
        """The expression for the ticks since 1970 by which pages are told apart."""
        return f"toInt64({self.sql})" if self.ticks else f"toUnixTimestamp64Nano(toDateTime64({self.sql}, 9, 'UTC'))"

    def compared(self, how: str, name: str) -> str:
        """Compare the column itself with a parameter, so that parts of the table can be left out."""
        bound = f"{{{name}:Int64}}"
        return f"{self.sql} {how} {bound if self.ticks else f'fromUnixTimestamp64Nano({bound})'}"

    def of(self, time: datetime) -> int:
        """Give a time in ticks."""
        return (time - EPOCH) // timedelta(microseconds=1) * (self.ticks or 1_000_000_000) // 1_000_000


class Embedded:
    """The engine in this process; it looks to a store as `Http` does, as far as stores look."""

    def __init__(self, path: str) -> None:
        try:
            session = import_module("chdb.session")
        except ModuleNotFoundError as error:
            raise MissingExtra("the embedded engine is not installed: pip install chdb") from error
        self._session = session.Session(path)
        self._lock = threading.Lock()
        self.pace = Pace(SYSTEM, per_second=None, most_wait=0.0)
        self.skew = timedelta()

    def now(self) -> datetime:
        """Say what time it is."""
        return datetime.now(UTC)

    def ask(self, sql: str, params: Mapping[str, str]) -> bytes:
        """Ask a question."""
        question, _, form = sql.rpartition(" FORMAT ")
        try:
            with self._lock:  # one session, and sync reads from several threads
                return self._session.query(question, form, params=dict(params)).bytes()
        except RuntimeError as error:
            said = redact(" ".join(str(error).split()))[:300]
            kind = SourceNotFound if NOT_THERE.search(str(error)) else FetchError
            raise kind(f"{SYSTEM} did not answer: {said}") from error


class ClickHouseStore(RemoteStore):
    """Base of the stores over ClickHouse: they know tables, columns and formats, this knows how to ask."""

    system: ClassVar[str] = SYSTEM
    form: ClassVar[str] = "database*?user"

    def __init__(self, address: str, *, http: Http | None = None) -> None:
        scheme, _, rest = address.partition("://")
        if not scheme.endswith("+chdb"):
            super().__init__(address, http=http)
            return
        path, _, query = rest.partition("?")
        options = dict(parse_qsl(query))
        if not path:
            raise AddressError(f"{redact(address)} names no folder; an address looks like {self.system}+chdb:///path")
        # what every store reads of its address, for an address that has no host
        stand_in = f"{self.system}+http://chdb/{options.pop('database', 'default')}"
        given = "&".join(f"{name}={value}" for name, value in options.items())
        super().__init__(f"{stand_in}?{given}" if given else stand_in, http=Embedded(unquote(path)))  # type: ignore[arg-type]
        self.address = redact(address)

    @property
    def database(self) -> str:
        """The database that is asked."""
        return self.where.parts.get("database", "default")

    def connect(self, where: Address) -> Http:
        """Make the client: user and password go as headers."""
        user, password = where.options.get("user"), secret_of(SYSTEM, where.host)
        return Http(
            where.base_url,
            source=SYSTEM,
            headers={"X-ClickHouse-User": user} if user else None,
            secret_headers={"X-ClickHouse-Key": password} if password else None,
        )

    def ask(self, sql: str, params: Params, form: str) -> bytes:
        """Ask a question, its values as parameters, and give the answer in a format of the engine."""
        said = {f"{name}": encoded(value) for name, value in params.items()}
        if isinstance(self.http, Embedded):
            return self.http.ask(f"{sql} FORMAT {form}", said)
        query = {"query": f"{sql} FORMAT {form}", "database": self.database}
        return self.http.get("", {**query, **{f"param_{name}": value for name, value in said.items()}}).body

    def frame(self, sql: str, params: Params) -> pl.DataFrame:
        """Ask for columns."""
        answer = self.ask(sql, params, "Parquet")
        try:
            return pl.read_parquet(io.BytesIO(answer))
        except pl.exceptions.PolarsError as error:
            said = f"{SYSTEM} answered with {len(answer):,} bytes that cannot be read as Parquet"
            raise FetchError(f"{said}; is {self.where.base_url} its HTTP interface?") from error

    def lines(self, sql: str, params: Params) -> list[msgspec.Raw]:
        """Ask for rows as JSON objects, each as its bytes."""
        answer = self.ask(sql, params, "JSONEachRow")
        return [msgspec.Raw(line) for line in answer.splitlines() if line]

    def table(self, name: str) -> str:
        """Quote the name of a table of the database, or of another if it says so.

        Raises
        ------
        AddressError
            It is no name.
        """
        if not PLAIN.fullmatch(name):
            raise AddressError(f"{name!r} is no name of a table; give table or database.table")
        database, _, table = name.rpartition(".")
        return f"{quote(database or self.database)}.{quote(table)}"

    def paged(self, select: str, table: str, time: Time, window: Window, where: Sequence[str] = (),
              params: Params | None = None) -> Iterator[tuple[str, dict[str, Any]]]:  # fmt: skip
        """Give the questions for a window, a page each, in order of time; the caller sends the last ticks of each back.

        Rows of one moment are never cut apart. Send None when a page had fewer than `PAGE` rows.
        """
        bounds: dict[str, Any] = {**(params or {})}
        conditions = list(where)
        for bound, how, name in ((window.start, ">=", "start"), (window.end, "<", "end")):
            if bound is not None:
                conditions.append(time.compared(how, name))
                bounds[name] = time.of(bound)
        after: list[str] = []
        while True:
            met = " AND ".join([*conditions, *after]) or "1"
            question = f"SELECT {select}, {time.as_ticks} AS _ticks FROM {table} WHERE {met} ORDER BY {time.sql}"
            last = yield f"{question} LIMIT {PAGE} WITH TIES", dict(bounds)
            if last is None:
                return
            after, bounds["after"] = [time.compared(">", "after")], last


def quote(name: str) -> str:
    """Quote a name.

    Examples
    --------
    >>> quote("Events.Name"), quote("a`b")
    ('`Events.Name`', '`a\\\\`b`')
    """
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def encoded(value: int | str | Sequence[str]) -> str:
    """Write a parameter's value as the engine reads it.

    Examples
    --------
    >>> encoded(7), encoded("a"), encoded(["a", "it's"])
    ('7', 'a', "['a','it\\\\'s']")
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    return "[" + ",".join("'" + one.replace("\\", "\\\\").replace("'", "\\'") + "'" for one in value) + "]"
