"""Any folder is a source: forms are recognised by what is in them, or said by a `source.toml`."""

import gzip
import json

import pytest
import zstandard

from connectors.exceptions import SourceError, SourceNotFound
from connectors.folder import FolderSource
from connectors.formats.recognise import recognise
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.conftest import SAMPLE

ALL = Window()
TABLES = ("events", "frames", "breadcrumbs", "requests", "vitals", "page_views", "sessions", "replays", "releases")


@pytest.fixture(scope="module")
def strangers_folder(tmp_path_factory, raw):
    """The sample as another team might have kept it: other names, other cuts, other compressions, no description."""
    root = tmp_path_factory.mktemp("team")
    (root / "intake").mkdir()
    for number, line in enumerate(raw("envelopes.ndjson.gz")):  # one envelope a file, as received
        (root / "intake" / f"{number:06d}").write_text(line["envelope"])
    packed = zstandard.ZstdCompressor().compress(b"\n".join(json.dumps(b).encode() for b in raw("beacons.ndjson.gz")))
    (root / "rum-0309.log.zst").write_bytes(packed)
    (root / "navigations.json").write_text(json.dumps(raw("page_views.ndjson.gz"), indent=1))  # one list
    (root / "support_calls.jsonl").write_text("\n".join(map(json.dumps, raw("support.ndjson.gz"))))
    (root / "deploys.json").write_bytes((SAMPLE / "raw/releases.json").read_bytes())
    (root / "spans").mkdir()
    for number, request in enumerate(raw("traces.otlp.ndjson.gz")):  # one request a file
        (root / "spans" / f"{number}.json.gz").write_bytes(gzip.compress(json.dumps(request).encode()))
    (root / "rec").mkdir()
    for path in (SAMPLE / "raw/replays").glob("*.ndjson.gz"):  # one segment a file
        for number, line in enumerate(gzip.decompress(path.read_bytes()).splitlines()):
            (root / "rec" / f"{path.name.split('.')[0]}_{number:04d}.json").write_bytes(line)
    for path in (SAMPLE / "releases").rglob("*.map"):
        copy = root / "upload" / path.relative_to(SAMPLE / "releases")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (root / "README.md").write_text("# What we keep\n")
    (root / "access.log").write_text("\n".join(map(json.dumps, raw("access.ndjson.gz"))))
    return root


def test_a_strangers_folder_gives_the_same_tables(strangers_folder, sample):
    source = FolderSource(strangers_folder)
    assert_conforms(source)
    assert sorted(source.passed_over) == ["README.md", "access.log"]
    for name in TABLES:
        ours, theirs = getattr(sample, name)(ALL), getattr(source, name)(ALL)
        assert theirs.report.refused == ()
        assert theirs.report.rows == ours.report.rows, name
    assert source.spans().report.rows == sample.spans().report.rows
    assert "2 files are of no kind that is known" in source.events(ALL).report.note


def test_the_values_are_the_same_too(strangers_folder, sample):
    source = FolderSource(strangers_folder)
    # received_at stood in the collector's wrapping, users are hashed under another name, file order is not time order
    leave = ("received_at", "user_id", "tags", "client_fingerprint")
    for name, key in (
        ("events", "event_id"),
        ("vitals", "at"),
        ("page_views", "page_view_id"),
        ("sessions", "session_id"),
    ):
        ours, theirs = (getattr(store, name)(ALL).frame.collect() for store in (sample, source))
        columns = [column for column in ours.columns if column not in leave and column != "environment"]
        order = [key, *(column for column in ("metric", "page_view_id") if column in columns and column != key)]
        assert ours.select(columns).sort(order).equals(theirs.select(columns).sort(order)), name


def test_maps_below_a_folder_named_after_their_release(strangers_folder, sample):
    columns = ["release", "url", "debug_id", "sha256", "bytes"]
    ours, theirs = (
        store.artifacts().frame.collect().select(columns).sort("release", "url")
        for store in (sample, FolderSource(strangers_folder))
    )
    assert ours.equals(theirs)


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a", b'"{\\"event_id\\":\\"1\\"}\\n{\\"type\\":\\"event\\"}\\n{}"', "envelopes"),
        ("a", b'{"received_at":1,"envelope_b64":"e30="}', "envelopes"),
        ("a", b'{"dsn":"https://k@o.example/1"}\n{"type":"span","content_type":"application/vnd', "envelopes"),
        ("a", b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1.5,"platform":"javascript"}', "envelopes"),
        ("a", b'{"resourceSpans":[{"resource":{"attributes":[', "traces"),
        ("a", b'[{"name":"CLS","value":0.1,"id":"v4-1","navigationType":"navigate"}]', "beacons"),
        ("a", b'{"session":"s","vitals":[{"name":"INP","value":90}]}', "beacons"),
        ("a", b'{"gatherMode":"navigation","lighthouseVersion":"13.5.0","fetchTime":"2026-03', "lab"),
        ("a.js.map", b'{"version":3,"file":"a.js","sections":[{"offset":', "sourcemaps"),
        ("x/artifacts.json", b'[\n {\n  "release": "a",\n  "url": "~/a.js",\n  "map": "a.js.map"\n', "sourcemaps"),
        ("a", b'{"release":"a","environment":"production","deployed_at":1}', "releases"),
        ("a", b'[[{"type":4,"data":{},"timestamp":1},{"type":2', "replays"),
        ("a", b'{"session_id":"s","seq":0,"events":[{"type":4,"data":{"href":"http', "replays"),
        ("a", b'{"replay_id":"r","kept":true,"started_at":1,"segment_count":2}', "replay_index"),
        ("a", b'{"pageviewId":"p","href":"/cart","ts":1}', "page_views"),
        ("support.json", b'{"sid":"s","at":1}', "support"),
        ("a.map", b')]}\'\n{"version":3,"mappings":"', "sourcemaps"),
        ("a.js.map", b'\xef\xbb\xbf{"version":3,"mappings":"', "sourcemaps"),
        ("a.py", b'view = {"page_view_id": 1, "url": "/"}\n', None),
        ("a", b'{"method":"GET","path":"/","status":200}', None),
        ("package.json", b'{"name":"shop","version":"1.0.0"}', None),
        ("a", b'{"name":"signup","value":1}', None),
        ("a", b"\x89PNG\r\n\x1a\n\x00\x00", None),
        ("a", b"", None),
        ("a", b"[]", None),
    ],
)
def test_recognising_a_file_by_its_beginning(name, head, kind):
    assert recognise(name, head) == kind


def test_a_description_is_believed(tmp_path):
    (tmp_path / "source.toml").write_text(
        'name = "till"\nenvironment = "staging"\nfirst_party = "till.example"\nbeacons = ["a.json", "b"]\nlab = "lab"'
    )
    beacon = '{"ts":1773069712000,"name":"LCP","value":%d,"page_view_id":"p%d"}'
    (tmp_path / "a.json").write_text(beacon % (1, 1))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.json").write_text(beacon % (2, 2))
    (tmp_path / "not-named.json").write_text(beacon % (3, 3))
    source = FolderSource(tmp_path)
    assert (source.name, source.environment, source.first_party) == ("till", "staging", ("till.example",))
    vitals = source.vitals(ALL).frame.collect()
    assert vitals.select("value", "environment").rows() == [(1.0, "staging"), (2.0, "staging")]
    assert source.has("vitals")
    assert not source.has("events")
    events, lab = source.events(ALL).report, source.lab_runs(ALL).report
    assert (events.note, events.failed) == ("source.toml names no envelopes", None)
    assert lab.failed == "source.toml says that lab are at lab, and there is nothing"
    assert not lab.complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "source.toml cannot be read: Invalid value"),
        ('envelops = "a"', "source.toml says envelops; it may say name, environment, first_party, envelopes"),
        ("beacons = 3", "source.toml: beacons is 3; give a text or a list of texts"),
        ('name = ["a"]', r"source.toml: name is \['a'\]; give a text"),
    ],
)
def test_a_description_that_cannot_be_meant(tmp_path, text, message):
    (tmp_path / "source.toml").write_text(text)
    with pytest.raises(SourceError, match=message):
        FolderSource(tmp_path)


def test_nothing_there():
    with pytest.raises(SourceNotFound, match="there is no folder at no/such"):
        FolderSource("no/such")


def test_an_empty_folder_says_what_it_looked_for(tmp_path):
    source = FolderSource(tmp_path)
    assert_conforms(source)
    assert source.vitals(ALL).report.note == "looked for beacons in every file of the folder by its content, found none"
    assert source.sessions(ALL).frame.collect().is_empty()


def test_page_views_and_sessions_out_of_beacons_alone(tmp_path):
    lines = [
        {
            "ts": 1773069712000,
            "name": "LCP",
            "value": 1.0,
            "pageId": "p1",
            "sid": "s1",
            "url": "https://till.example/order/7",
        },
        {
            "ts": 1773069715000,
            "name": "CLS",
            "value": 0.0,
            "pageId": "p1",
            "sid": "s1",
            "userAgent": "Mozilla/5.0 (iPhone) Mobile",
        },
        {"ts": 1773069719000, "name": "CLS", "value": 0.0, "id": "v5-9"},
    ]
    (tmp_path / "rum.ndjson").write_text("\n".join(map(json.dumps, lines)))
    source = FolderSource(tmp_path)
    views = source.page_views(ALL)
    assert views.frame.collect().select("page_view_id", "session_id", "route", "device_class").rows() == [
        ("p1", "s1", "/order/:id", "mobile")
    ]
    assert "made of the beacons and events" in views.report.note
    sessions = source.sessions(ALL).frame.collect()
    assert sessions.select("session_id", "device_class", "contacted_support").rows() == [("s1", "mobile", None)]
    assert (sessions["ended_at"] - sessions["started_at"])[0].total_seconds() == 3


def test_user_ids_depend_on_the_key(tmp_path, monkeypatch):
    line = '{"ts":1773069712000,"url":"/","page_view_id":"p1","session_id":"s1","user_id":"maya"}'
    (tmp_path / "views.json").write_text(line)
    hashes = []
    for key in ("", "one", "two"):
        monkeypatch.setenv("BLINDSPOT_USER_KEY", key)
        hashes.append(FolderSource(tmp_path).sessions(ALL).frame.collect()["user_id"][0])
    assert len(set(hashes)) == 3
    assert all(len(one) == 16 for one in hashes)
