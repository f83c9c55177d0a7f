"""A team's own tables under our names, on every engine: columns, units, windows, partitions, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import workbench as wb
from connectors.exceptions import AddressError, FetchError, MissingExtra, SourceError, SourceNotFound, TableError
from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import EVENTS, REPLAYS, SESSIONS, VITALS, conform
from connectors.testing import assert_conforms
from connectors.warehouse import Warehouse
from connectors.warehouse_answers import OF_EACH_SHAPE

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
MAPPED = {
    "at": {"column": "ts", "unit": "ms"},
    "metric": {"column": "name", "values": {"largest_contentful_paint": "LCP", "layout_shift": "CLS"}},
    "value": {"column": "took", "unit": "s"},
    "route": "page_template",
    "region": {"column": "attributes", "key": "geo.region"},
    "session_id": "sid",
    "attribution": {"column": "payload", "json": ["debug", "target"]},
    "environment": {"constant": "production"},
    "device_class": {"sql": "CASE WHEN is_mobile THEN 'mobile' ELSE 'desktop' END"},
}
MAPPING = {"tables": {"vitals": {"table": "web_vitals", "where": "app = 'shop'", "columns": MAPPED}}}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Path:
    """Vitals as a team might keep them: epoch, seconds, a map, a JSON text, another app's rows among them."""
    pa = pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    import pyarrow.parquet as pq

    ms = int(NOON.timestamp() * 1000)
    table = pa.table(
        {
            "ts": [ms, ms + 1000, ms + 3_600_000, ms],
            "name": ["largest_contentful_paint", "layout_shift", "INP", "INP"],
            "took": [2.5, 0.1, 0.2, 9.0],
            "page_template": ["/cart", "/cart", None, "/"],
            "sid": [1, 1, 2, 3],
            "is_mobile": [True, False, True, True],
            "app": ["shop", "shop", "shop", "blog"],
            "payload": ['{"debug":{"target":"img.hero"}}', "{}", None, None],
            "attributes": pa.array(
                [[("geo.region", "eu")], [], [("geo.region", "us"), ("x", "y")], []],
                pa.map_(pa.string(), pa.string()),
            ),
        }
    )
    path = tmp_path_factory.mktemp("theirs") / "web_vitals.parquet"
    pq.write_table(table, path)
    return path


def warehouse(native) -> Warehouse:
    """Map their vitals; an Ibis table has no SQL to be mapped by, its own expressions say the same."""
    if not type(native).__module__.startswith("ibis"):
        return Warehouse({"vitals": native}, MAPPING)
    own = native.filter(native.app == "shop").mutate(device_class=native.is_mobile.ifelse("mobile", "desktop"))
    columns = {name: said for name, said in MAPPED.items() if name != "device_class"}
    return Warehouse({"vitals": own}, {"tables": {"vitals": {"table": "web_vitals", "columns": columns}}})


def test_their_columns_become_ours(reader, theirs):
    store = warehouse(reader(theirs))
    rows = store.vitals(Window()).frame.collect()
    assert dict(rows.schema) == dict(VITALS.schema)
    wanted = ["at", "metric", "value", "route", "region", "session_id", "attribution", "environment", "device_class"]
    assert rows.select(wanted).sort("value").rows() == [
        (NOON + timedelta(seconds=1), "CLS", 0.1, "/cart", None, "1", None, "production", "desktop"),
        (NOON + timedelta(hours=1), "INP", 200.0, None, "us", "2", None, "production", "mobile"),
        (NOON, "LCP", 2500.0, "/cart", "eu", "1", "img.hero", "production", "mobile"),
    ]


def test_a_window_is_asked_for_where_the_rows_are(reader, theirs):
    store = warehouse(reader(theirs))
    assert store.count("vitals", Window(NOON, NOON + timedelta(hours=1))) == 2
    assert store.count("vitals", Window(NOON + timedelta(hours=1))) == 1
    assert store.count("vitals", Window(environment="staging")) == 0
    report = store.vitals(Window(NOON, NOON + timedelta(seconds=1))).report
    assert (report.rows, report.complete) == (1, True)


def test_sessions_are_told_where_none_are_kept(reader, theirs):
    store = warehouse(reader(theirs))
    fetched = store.sessions(Window())
    told = fetched.frame.collect()
    assert told.select("session_id", "started_at", "ended_at").rows() == [
        ("1", NOON, NOON + timedelta(seconds=1)),
        ("2", NOON + timedelta(hours=1), NOON + timedelta(hours=1)),
    ]
    assert "no table of sessions" in fetched.report.note


def test_vitals_that_name_no_session_are_a_case_too():
    at = [NOON + timedelta(seconds=i) for i in range(120)]
    vitals = {"at": at, "metric": "INP", "value": [100.0, 300.0] * 60, "release": ["a", "b"] * 60}
    store = Warehouse({"vitals": pl.DataFrame(vitals)}, {"most_rows": 100})
    case = wb.open_case(store)
    assert not store.has("sessions")
    assert case.measured.change("a", "b", ["metric"])["verdict"].to_list() == ["regression"]
    [said] = case.ledger.filter(table="vitals").to_dicts()
    assert said["query"] == "counted where it lies, everything there is"
    assert said["note"].startswith("120 vitals stay where they are; histograms of them came home")


def test_a_column_that_is_not_there_is_named_with_those_that_are(reader, theirs):
    columns = {"at": MAPPED["at"], "metric": "name", "value": {"column": "duration", "unit": "s"}}
    store = Warehouse({"vitals": reader(theirs)}, {"tables": {"vitals": {"table": "web_vitals", "columns": columns}}})
    with pytest.raises(TableError, match=r"web_vitals: vitals.value is mapped to the column duration, which is not ther"
                                         r"e; there are: ts, name, took, page_template, sid"):  # fmt: skip
        store.vitals(Window())
    with pytest.raises(TableError, match=r"no column is called or mapped to vitals.at; there are: ts, name"):
        Warehouse({"vitals": reader(theirs)}).vitals(Window())
    number = {"tables": {"vitals": {"columns": {"at": "ts", "metric": "name"}}}}
    with pytest.raises(
        TableError, match=r"vitals.at is Int64, not a time; say its unit in the mapping: at = \{ column"
    ):
        Warehouse({"vitals": reader(theirs)}, number).vitals(Window())


def test_an_ibis_table_has_no_sql(theirs):
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    ibis = pytest.importorskip("ibis", reason="uv sync --group heavy")
    store = Warehouse({"vitals": ibis.duckdb.connect().read_parquet(str(theirs))}, MAPPING)
    with pytest.raises(SourceError, match=r"device_class, where: an Ibis table is not mapped by SQL; .* table.mutate"):
        store.vitals(Window())


def test_a_case_says_so_and_goes_on(reader, theirs):
    bad = {"tables": {"vitals": {"table": "web_vitals", "columns": {**MAPPED, "value": "duration"}}}}
    case = wb.open_case(Warehouse({"vitals": reader(theirs)}, bad))
    assert case.events.is_empty()
    assert case.evidence.table("vitals").is_empty()
    [said] = case.ledger.filter(pl.col("table") == "vitals")["note"]
    assert "duration" in said
    assert "there are: ts, name" in said


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "iso"])
def test_times_in_any_unit(engine, unit):
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    when = NOON.isoformat() if unit == "iso" else int(NOON.timestamp()) * ticks[unit]
    frame = engine(pl.DataFrame({"t": [when], "event_id": ["e"]}))
    store = Warehouse({"events": frame}, {"tables": {"events": {"columns": {"at": {"column": "t", "unit": unit}}}}})
    assert store.events(Window(NOON, NOON + timedelta(seconds=1))).frame.collect()["at"].to_list() == [NOON]
    assert store.count("events", Window(end=NOON)) == 0


def test_times_without_a_zone_are_utc(engine):
    frame = engine(pl.DataFrame({"at": [NOON.replace(tzinfo=None)], "event_id": ["e"]}))
    store = Warehouse({"events": frame})
    assert store.events(Window(NOON)).frame.collect()["at"].to_list() == [NOON]


def test_only_the_partitions_of_a_window_are_opened(reader, tmp_path):
    """A day that is not asked for may even be damaged: nobody opens it."""
    for day in (date(2026, 3, 1), date(2026, 3, 9)):
        folder = tmp_path / "vitals" / f"day={day}"
        folder.mkdir(parents=True)
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        pl.DataFrame({"at": [at], "metric": ["LCP"], "value": [1.0]}).write_parquet(folder / "rows.parquet")
    store = Warehouse({"vitals": reader(tmp_path / "vitals")})
    first = sorted((tmp_path / "vitals").glob("*/*.parquet"))[0]
    size = first.stat().st_size
    raw = bytearray(first.read_bytes())
    raw[4 : size - 8 - int.from_bytes(raw[-8:-4], "little")] = bytes(size - 12 - int.from_bytes(raw[-8:-4], "little"))
    first.write_bytes(raw)
    rows = store.vitals(Window(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))).frame.collect()
    assert rows["value"].to_list() == [1.0]


def _errors(n: int) -> dict[str, pl.DataFrame]:
    """`n` errors of one shape and one of another; each session has one; half of the sessions met none."""
    at = [NOON + timedelta(seconds=i) for i in range(n)]
    events = pl.DataFrame(
        {
            "event_id": [f"e{i:04d}" for i in range(n)] + ["z"],
            "at": [*at, NOON],
            "type": ["TypeError"] * n + ["RangeError"],
            "message": ["x is undefined"] * n + [None],
            "session_id": [f"s{i:04d}" for i in range(n)] + [None],
        }
    )
    sessions = pl.DataFrame({"session_id": [f"s{i:04d}" for i in range(2 * n)], "started_at": [NOON] * (2 * n)})
    frames = events.select("event_id", exception_index=0, frame_index=0, line=7)
    return {"events": events, "sessions": sessions, "frames": frames}


def test_of_too_many_errors_representatives_come_home(engine):
    n = 3 * OF_EACH_SHAPE
    store = Warehouse({name: engine(frame) for name, frame in _errors(n).items()}, {"most_rows": 100})
    events, report = store.events(Window())
    rows = events.collect()
    assert rows.height == OF_EACH_SHAPE + 1
    assert (1 / rows["sample_rate"]).sum() == pytest.approx(n + 1)
    assert f"of {n + 1}" in report.sampling
    frames = store.frames(Window()).frame.collect()
    assert set(frames["event_id"]) == set(rows["event_id"])
    sessions = store.sessions(Window())
    assert sessions.report.rows == OF_EACH_SHAPE
    assert sessions.report.query.startswith(f"{2 * n} rows, of these those of {OF_EACH_SHAPE} sessions with an error")


def test_a_slice_is_of_any_of_some_ids(engine):
    store = Warehouse({name: engine(frame) for name, frame in _errors(5).items()})
    assert store.slice("events", {"session_id": ["s0001"], "event_id": ["z"], "trace_id": ["t"]}).height == 2
    assert store.slice("events", {"trace_id": ["t"]}).is_empty()
    assert store.slice("spans", {"trace_id": ["t"]}).is_empty()


def test_rows_that_cannot_be_ours_are_set_aside_and_said(engine):
    at = [NOON, None, NOON]
    vitals = {"at": at, "metric": ["LCP", "LCP", None], "value": [float("inf"), 1.0, 2.0]}
    fetched = Warehouse({"vitals": engine(pl.DataFrame(vitals))}).vitals(Window())
    assert fetched.frame.collect()["value"].to_list() == [None]
    assert [refused.reason for refused in fetched.report.refused] == [
        "1 of 3 rows have no at", "1 of 3 rows have no metric",
    ]  # fmt: skip
    assert "1 value of value is no finite number" in fetched.report.note


def test_users_are_nobody_s_name(engine):
    events = pl.DataFrame({"event_id": ["e"], "at": [NOON], "user_id": ["maya@shop.example"]})
    [user] = Warehouse({"events": engine(events)}).events(Window()).frame.collect()["user_id"]
    assert len(user) == 16
    assert "maya" not in user


def test_tables_of_two_engines_belong_together(reader, tmp_path):
    """A few deploys in memory beside a warehouse, or errors in one engine and sessions in another."""
    tables = _errors(150)
    tables["events"].write_parquet(tmp_path / "events.parquet")
    store = Warehouse(
        {"events": reader(tmp_path / "events.parquet"), "sessions": tables["sessions"]}, {"most_rows": 99}
    )
    assert store.sessions(Window()).report.rows == OF_EACH_SHAPE


def test_a_warehouse_keeps_the_contract(engine):
    at = [NOON + timedelta(minutes=i) for i in range(4)]
    events = conform(pl.DataFrame({"event_id": list("abcd"), "at": at, "session_id": list("ssts")}), EVENTS)
    sessions = pl.DataFrame({"session_id": ["s", "t"], "started_at": at[:2], "ended_at": [at[3], at[2]]})
    replays = pl.DataFrame({"replay_id": ["r"], "session_id": "s", "started_at": [at[0]], "event_count": [2]})
    recorded = pl.DataFrame({"replay_id": ["r", "r"], "at": [at[1], at[0]], "type": [3, 2]})
    spans = pl.DataFrame({"trace_id": ["t1", "t2"], "span_id": ["1", "2"], "started_at": at[:2]})
    plain = events.drop("tags", "client_fingerprint")
    assert_conforms(
        Warehouse(
            {
                "events": engine(plain),
                "sessions": engine(conform(sessions, SESSIONS)),
                "replays": engine(conform(replays, REPLAYS)),
                "replay_events": engine(recorded),
                "spans": engine(spans),
            }
        )
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"tables": {"vitls": {}}}, "no table is called vitls; there are: events, frames"),
        ({"tables": {"vitals": {"columns": {"valu": "x"}}}}, "vitals has no column valu; it has: at, page_view_id"),
        ({"tables": {"vitals": {"columns": {"value": {"unit": "s"}}}}}, "vitals.value says 0 of column, sql"),
        ({"tables": {"vitals": {"columns": {"value": {"column": "a", "unit": "min"}}}}}, "'min' is no unit of it"),
        ({"tables": {"vitals": {"columns": {"route": {"column": "a", "unit": "s"}}}}}, "only times and durations"),
        ({"tables": {"vitals": {"columns": {"route": {"column": "a", "key": "x'y"}}}}}, "the key \"x'y\" has"),
        ({"tables": {"vitals": {"colums": {}}}}, "unknown field `colums`"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_meant(said, message):
    with pytest.raises(SourceError, match=message):
        Warehouse({}, said)


def test_what_is_no_table_is_said():
    with pytest.raises(SourceError, match="events: a list is no table; give a Spark DataFrame, a DuckDB relation"):
        Warehouse({"events": [1]})
    with pytest.raises(SourceError, match="no table is called event; there are: events"):
        Warehouse({"event": pl.DataFrame()})
    with pytest.raises(FetchError, match=r"shop has no spans; it has: events"):
        Warehouse({"events": pl.DataFrame()}, {"name": "shop"}).rows("spans")


@pytest.fixture
def duckdb_file(tmp_path) -> Path:
    duckdb = pytest.importorskip("duckdb", reason="uv sync --group heavy")
    file = tmp_path / "web.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table vitals as select timestamptz '2026-03-09 12:00Z' as at, 'LCP' as metric, 2.5 as value"
        )
        connection.execute(
            "create schema rum; create table rum.own as select 1741530000 as ts, 'INP' as metric, 9.0 as value"
        )
    return file


@pytest.mark.parametrize("form", ["duckdb+{}", "duckdb:{}", "duckdb://{}", "duckdb+file://{}"])
def test_a_duckdb_file_by_every_address_it_can_have(duckdb_file, form):
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    with open_store(form.format(duckdb_file)) as store:
        assert store.vitals(Window()).frame.collect()["value"].to_list() == [2.5]
        assert store.name == "web"


def test_a_mapping_lies_beside_the_file_and_may_name_it(duckdb_file):
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    mapping = duckdb_file.parent / "warehouse.toml"
    mapping.write_text(
        'name = "shop"\naddress = "duckdb+web.duckdb"\n[tables.vitals]\ntable = "rum.own"\n'
        '[tables.vitals.columns]\nat = { column = "ts", unit = "s" }\n'
    )
    for address in (mapping, f"duckdb+{duckdb_file}", f"duckdb+{duckdb_file}?mapping={mapping}"):
        with open_store(address) as store:
            assert store.name == "shop"
            assert store.vitals(Window()).frame.collect()["metric"].to_list() == ["INP"]


def test_addresses_that_lead_nowhere(duckdb_file, tmp_path, monkeypatch):
    with pytest.raises(SourceNotFound, match="there is no DuckDB file at"):
        open_store(f"duckdb+{tmp_path}/none.duckdb")
    with pytest.raises(AddressError, match="says mappin; it may say mapping, schema"):
        open_store(f"duckdb+{duckdb_file}?mappin=x")
    with pytest.raises(AddressError, match=r"has a secret in it"):
        open_store("spark+sc://maya:s3cret@spark.example.com/web")
    mapping = tmp_path / "warehouse.toml"
    mapping.write_text('[tables.vitals]\ntable = "rum.vitals"\n')
    with pytest.raises(SourceNotFound, match=r"has no table rum.vitals; it has: main.vitals, rum.own"):
        open_store(f"duckdb+{duckdb_file}")
    mapping.write_text("tables = 7 7")
    with pytest.raises(SourceError, match=r"warehouse.toml is not TOML"):
        open_store(f"duckdb+{duckdb_file}")
    (tmp_path / "text.duckdb").write_text("no database, just text")
    mapping.unlink()
    with pytest.raises(FetchError, match=r"text.duckdb cannot be opened by DuckDB"):
        open_store(f"duckdb+{tmp_path}/text.duckdb")
    monkeypatch.setattr("connectors.warehouse_addresses.import_module", _missing)
    with pytest.raises(MissingExtra, match=r"pip install 'blindspot-workbench\[duckdb\]'"):
        open_store(f"duckdb+{duckdb_file}")
    with pytest.raises(MissingExtra, match=r"pip install 'blindspot-workbench\[spark\]'"):
        open_store("spark+sc://spark.example.com/web")


def _missing(name: str) -> None:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_what_was_passed_in_is_left_open(duckdb_file):
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    duckdb = pytest.importorskip("duckdb", reason="uv sync --group heavy")
    with duckdb.connect(str(duckdb_file)) as connection:
        with Warehouse({"vitals": connection.table("vitals")}) as store:
            assert store.count("vitals") == 1
        assert connection.execute("select count(*) from vitals").fetchone() == (1,)
