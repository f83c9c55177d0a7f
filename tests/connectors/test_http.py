"""The client against a real socket that misbehaves: what is tried again, what is said, where no token goes."""

from __future__ import annotations

import copy
import gzip
import logging
import pickle
import ssl
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors import http as http_module
from connectors.exceptions import (
    AuthError,
    BlindspotError,
    CallRefused,
    FetchError,
    RateLimited,
    SourceError,
    SourceNotFound,
)
from connectors.http import Http
from connectors.secrets import Secret
from tests.connectors.plays import JSON, Play, playing, serving

TOKEN = "sntryu_0123456789abcdef"
ROW = Play(body=b'[{"id":1}]')


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)


def client(server, **options) -> Http:
    return Http(server.url, source="acme", **{"bearer": Secret(TOKEN), "timeout": 5.0, **options})


@pytest.mark.parametrize(
    "fault",
    [
        Play(500),
        Play(502, b"<html>bad gateway"),
        Play(503),
        Play(429, headers={"retry-after": "0"}),
        Play(429),
        Play(503, headers={"retry-after": "0.05"}),
        Play(body=b'[{"id":1},{"id":2}]', cut=7),
        Play(body=b'[{"id":1},{"id', unframed=True),
        Play(body=b"<html>proxy error</html>"),
        Play(body=b"\x1f\x8bgarbage", headers={**JSON, "content-encoding": "gzip"}),
        Play(reset=True),
    ],
    ids=lambda play: f"{play.status}-cut{play.cut}-reset{play.reset:d}-{play.body[:5]!r}",
)
def test_what_may_go_well_next_time_is_asked_again(fault):
    with playing(fault, fault, ROW) as server:
        assert client(server).get("api/rows").json() == [{"id": 1}]
        assert len(server.asked) == 3


def test_after_all_attempts_it_is_one_sentence():
    with playing(Play(500, b"database is away", {})) as server:
        with pytest.raises(FetchError) as raised:
            client(server, attempts=3).get("api/rows", {"cursor": "x"})
        assert len(server.asked) == 3
    host = server.url
    assert (
        str(raised.value) == f"acme did not give {host}/api/rows (500: database is away; 3 attempts); try again later"
    )


def test_silence_and_a_dripping_body_end():
    with playing(ROW, Play(body=b"[1,2,3]", drip=0.2)) as server:
        http = client(server, timeout=0.1, attempts=1)
        http.get("")
        with pytest.raises(FetchError, match="ReadTimeout"):
            http.get("api/rows")
    with playing(ROW, Play(body=b"[" + b"1," * 90 + b"1]", drip=0.02)) as server:
        http = client(server, timeout=0.1, attempts=1)
        http.get("")
        with pytest.raises(FetchError, match="the answer took longer than 1 s"):
            http.get("api/rows")


def test_retry_after_is_honoured_in_seconds_and_as_a_date_by_their_clock():
    for skew in (0, 3600):
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=skew)
        dated = {"retry-after": format_datetime(at + timedelta(seconds=1), usegmt=True)}
        for headers in ({"retry-after": "1"}, dated):
            left = [Play(429, headers=headers), ROW]
            with serving(lambda _, left=left: left.pop(0)) as server:
                server.skew = skew
                http = client(server)
                http.get("api/rows")
                waited = server.asked[1].at - server.asked[0].at
                # a date has whole seconds: up to one of them is gone when it is read
                assert waited >= (0.99 if headers is not dated else 0.01)
                assert http.pace.held == 1
                assert abs((http.now() - datetime.now(UTC)).total_seconds() - skew) < 2


def test_a_wait_that_is_too_long_is_not_waited():
    with playing(Play(429, headers={"retry-after": "3600"})) as server:
        with pytest.raises(RateLimited, match=r"asks us to come back in 3600 s .429, .*we wait 120 s at most"):
            client(server).get("api/rows")
        assert len(server.asked) == 1
    with (
        playing(Play(429, headers={"retry-after": "0.2"})) as server,
        pytest.raises(RateLimited, match=r"we wait 0\.5 s at most"),
    ):
        client(server, most_wait=0.5).get("api/rows")


def test_one_threads_rate_limit_holds_all_back():
    plays = [Play(429, headers={"retry-after": "1"}), *[ROW] * 40]
    lock = threading.Lock()

    def answer(_):
        with lock:
            return plays.pop(0)

    with serving(answer) as server:
        http = client(server)
        http.get("first")
        before = len(server.asked)
        assert server.asked[1].at - server.asked[0].at >= 0.99
        threads = [threading.Thread(target=http.get, args=("rows",)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == before + 20


def test_calls_a_second_over_all_threads():
    with playing(ROW) as server:
        http = client(server, per_second=50)
        threads = [threading.Thread(target=lambda: [http.get("rows") for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times = sorted(asked.at for asked in server.asked)
        assert len(times) == 20
        assert times[-1] - times[0] >= 19 / 50 * 0.95


def test_a_vendors_headers_set_the_pace():
    def pace(answer):
        return 0.3 if answer.header("X-Remaining") == "0" else None

    with playing(Play(body=b"1", headers={**JSON, "X-Remaining": "0"}), ROW) as server:
        http = client(server, pace=pace)
        http.get("rows")
        http.get("rows")
        http.get("rows")
        first, second, third = (asked.at for asked in server.asked)
        assert second - first >= 0.29
        assert third - second < 0.29


@pytest.mark.parametrize(
    ("play", "error", "says"),
    [
        (
            Play(401, b'{"detail":"Invalid token ' + TOKEN.encode() + b'"}'),
            AuthError,
            r"acme refuses our token for http://127.0.0.1:\d+/api/rows \(401: .*Invalid token \*\*\*.*\); "
            r"set BLINDSPOT_ACME_TOKEN__127_0_0_1_\d+ or BLINDSPOT_ACME_TOKEN$",
        ),
        (Play(403, b"<html>"), AuthError, r"\(403\); set"),
        (Play(404, b""), SourceNotFound, r"acme has nothing at .*/api/rows \(404\); check the names in the address"),
        (Play(410), SourceNotFound, "410"),
        (Play(400, b'{"detail":"Invalid cursor"}'), CallRefused, "400: .*Invalid cursor"),
        (Play(200, b"<html>sign in", {}), FetchError, "that is not JSON .*it looks like a web page"),
        (Play(200, b"", {}), FetchError, "it is empty"),
    ],
)
def test_what_will_not_go_well_is_said_at_once(play, error, says):
    with playing(play) as server:
        with pytest.raises(error, match=says):
            client(server).get("api/rows", {"query": "secret=1"}).json()
        assert len(server.asked) == 1


def test_a_refused_call_tells_its_status():
    with playing(Play(400, b"expired cursor", {})) as server, pytest.raises(CallRefused) as raised:
        client(server).get("rows")
    assert (raised.value.status, raised.value.detail) == (400, "expired cursor")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.status) == (str(raised.value), 400)


def test_without_a_token_it_says_that_one_is_wanted():
    with playing(Play(401)) as server, pytest.raises(AuthError, match="wants a token, and we have none"):
        client(server, bearer=None).get("rows")


def test_nobody_there():
    with playing(ROW) as server:
        gone = client(server)
        url = server.url
    with pytest.raises(SourceNotFound, match=r"nobody answers at 127.0.0.1:\d+ .*2 attempts.*check the host"):
        gone.get("rows")
    with pytest.raises(SourceNotFound, match=r"nobody answers at no-such-host\.invalid"):
        Http("https://no-such-host.invalid", source="acme").get("rows")
    with playing(ROW._replace(headers={**JSON, "connection": "close"})) as server:
        met = client(server, attempts=3)
        met.get("rows")
    with pytest.raises(FetchError, match=r"did not give .*3 attempts"):
        met.get("rows")
    assert url != server.url


def test_redirects_at_the_same_host_are_followed_elsewhere_the_token_does_not_go():
    with playing(ROW) as other:
        moved = {"location": "/new/rows?page=2"}
        with playing(Play(308, b"", moved), ROW) as server:
            assert client(server).get("rows").json() == [{"id": 1}]
            assert [asked.path for asked in server.asked] == ["/rows", "/new/rows?page=2"]
            assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}"}
        away = {"location": f"{other.url}/rows"}
        with playing(Play(302, b"", away)) as server:
            with pytest.raises(FetchError, match=rf"redirects to {other.url}, and we will not carry the token there"):
                client(server).get("rows")
            with pytest.raises(FetchError, match="a link of its answer leads to"):
                client(server).get(f"{other.url}/next?cursor=1")
            with pytest.raises(FetchError, match="will not carry the token there"):
                client(server).get(server.url.replace("127.0.0.1", "127.0.0.2") + "/next")
        assert other.asked == []
        with playing(Play(302, b"", away)) as server:
            assert client(server, bearer=None).get("rows").json() == [{"id": 1}]
        assert "authorization" not in other.asked[0].headers
    with playing(Play(302, b"", {"location": "/login"})) as server:
        with pytest.raises(FetchError, match=r"redirects .* more than 5 times"):
            client(server).get("rows")
        with pytest.raises(FetchError, match=r"redirects .* to .*/login; correct the address"):
            client(server).post("rows", {})


def test_questions_by_post_links_and_bodies_that_are_packed():
    linked = {**JSON, "content-encoding": "gzip", "Link": '<x>; rel="previous"; results="false", <y?c=1,2>; rel="next"'}
    with playing(Play(200, gzip.compress(b'{"data":[]}'), linked)) as server:
        answer = client(server, secret_headers={"DD-API-KEY": Secret("k" * 32)}).post(
            "/search", {"q": "é"}, params={"a": None, "b": 2}
        )
        assert answer.json() == {"data": []}
        assert answer.links["previous"]["results"] == "false"
        assert answer.links["next"]["url"] == "y?c=1,2"
        (asked,) = server.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/search?b=2", '{"q":"é"}'.encode())
        assert asked.headers["dd-api-key"] == "k" * 32
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_an_answer_has_a_largest_size():
    bomb = Play(200, gzip.compress(b"1" * 2_000_000), {"content-encoding": "gzip"})
    with playing(bomb) as server, pytest.raises(FetchError, match=r"more than 1 MB for .*ask for a shorter window"):
        client(server, most_bytes=1_000_000).get("rows")


def test_closing_wakes_who_waits():
    with playing(ROW, Play(429, headers={"retry-after": "60"})) as server:
        http = client(server)
        http.get("rows")
        said: list[str] = []

        def ask() -> None:
            try:
                http.get("rows")
            except FetchError as error:
                said.append(str(error))

        thread = threading.Thread(target=ask)
        thread.start()
        while http.pace.held == 0:
            time.sleep(0.01)
        http.close()
        thread.join(5)
        assert not thread.is_alive()
        assert said == ["the connection to acme was closed"]


def test_a_secret_goes_by_https_only_and_to_servers_with_a_certificate(tmp_path):
    with pytest.raises(SourceError, match="by https only"):
        Http("http://acme.example.com", source="acme", secret_headers={"x-key": Secret("k")})
    Http("http://acme.example.com", source="acme").close()
    with playing(ROW) as server:
        port = server.server_port
        # the server speaks plain HTTP: a TLS handshake with it cannot succeed, and nothing is sent in the clear
        with pytest.raises(BlindspotError, match="SSL"):
            Http(f"https://127.0.0.1:{port}", source="acme", bearer=Secret(TOKEN), timeout=2).get("rows")
        assert server.asked == []


def test_tls_is_verified():
    http = Http("https://acme.example.com", source="acme", bearer=Secret(TOKEN))
    context = http._wire._client._transport._pool._ssl_context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def everything_of(error: BaseException) -> str:
    """All that a log, a crash report or a pickle could hold of an error, and of what hangs on it."""
    told = [*traceback.format_exception(error), repr(vars(error)), repr(error.args)]
    told.append(repr(pickle.dumps(error)))
    seen, left = set(), [error.__cause__, error.__context__]
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            request = getattr(one, "_request", None)
            told += [repr(one), repr(vars(one)), repr(getattr(request, "headers", None) and request.headers.raw)]
            left += [one.__cause__, one.__context__]
    return "\n".join(told)


@pytest.mark.parametrize(
    "play",
    [
        Play(401, TOKEN.encode(), {}),
        Play(404, TOKEN.encode(), {}),
        Play(400, f"bad token {TOKEN}".encode(), {}),
        Play(500, f"trace: Authorization: Bearer {TOKEN}".encode(), {}),
        Play(429, headers={"retry-after": "9999"}),
        Play(reset=True),
        Play(body=b'["' + TOKEN.encode() + b'"', headers=JSON),
        Play(body=TOKEN.encode(), headers={}),
        Play(302, b"", {"location": f"https://evil.example/?token={TOKEN}"}),
        Play(302, b"", {"location": f"https://{TOKEN}@evil.example/{TOKEN}"}),
        Play(body=b"[1,2]", cut=2),
    ],
)
def test_no_error_no_log_and_no_traceback_holds_the_token(play, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    # the debug log of the HTTP library repeats a server's headers: what a server puts there, it has anyway
    caplog.set_level(logging.INFO if play.status == 302 else logging.DEBUG, "httpcore")
    with playing(play) as server:
        http = client(server, attempts=2, secret_headers={"x-other": Secret("other" + TOKEN)})
        with pytest.raises(BlindspotError) as raised:
            http.get("rows").json()
        assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        shown = [everything_of(raised.value), repr(http), str(vars(http)), caplog.text, *capsys.readouterr()]
    assert TOKEN not in "\n".join(shown)


def test_a_secret_does_not_show_itself():
    secret = Secret(f" {TOKEN}\n")
    assert secret.reveal() == TOKEN
    assert secret == Secret(TOKEN)
    assert secret != Secret("other")
    shown = [repr(secret), str(secret), f"{secret:>30}", f"{secret!r}", repr([secret]), repr({"a": secret})]
    shown += ["%s %r" % (secret, secret), repr(copy.deepcopy(secret)), repr(dir(secret))]  # noqa: UP031
    assert TOKEN not in "".join(shown)
    with pytest.raises(TypeError, match="a secret is not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="unhashable"):
        hash(secret)
    with pytest.raises(BlindspotError, match="a line break") as raised:
        Secret(f"{TOKEN}\nX-Injected: 1")
    assert TOKEN not in str(raised.value)
