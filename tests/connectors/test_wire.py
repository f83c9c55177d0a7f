"""What comes over the wire and breaks readers: bombs, halves of characters, certificates, proxies."""

from __future__ import annotations

import gzip
import ssl
import subprocess
import sys
import threading

import pytest
import zstandard

from connectors import http as http_module
from connectors.exceptions import AddressError, FetchError, RateLimited, SourceError, SourceNotFound
from connectors.http import Http
from connectors.registry import open_store
from connectors.secrets import Secret
from connectors.source_checks import check_address
from tests.connectors.plays import JSON, Play, playing, serving

TOKEN = "sntryu_0123456789abcdef"
GZIP = {**JSON, "content-encoding": "gzip"}
FIRST_DECODE = """
import sys, threading
sys.setswitchinterval(1e-6)
import msgspec
from connectors.http_answer import Answer
for number in range(60):
    names = {"__name__": "__main__"}
    fields = "".join(f"    f{n}: 'list[tuple[str, int]] | None' = None\\n" for n in range(20))
    exec("import msgspec\\nclass Row(msgspec.Struct):\\n" + fields +
         "class Page(msgspec.Struct):\\n    rows: 'list[Row]'\\n    next: 'str | None' = None\\n", names)
    globals().update(names)
    gate, said = threading.Barrier(4), []
    def ask(page=names["Page"]):
        gate.wait()
        said.append(Answer(200, b'{"rows":[{"f19":[["a",1]]}],"next":"x"}').json(page).rows[0].f19)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert said == [[("a", 1)]] * 4
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def client(url: str, **options) -> Http:
    return Http(url, source="acme", **{"bearer": Secret(TOKEN), "timeout": 5.0, "attempts": 2, **options})


def test_threads_that_read_a_form_for_the_first_time_at_once_do_not_crash():
    # msgspec 0.22 makes what it knows of a struct when it is first decoded, and lets other threads see half of it
    done = subprocess.run([sys.executable, "-c", FIRST_DECODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bomb_is_unpacked_only_as_far_as_an_answer_may_be_large():
    bomb = gzip.compress(b"0" * 60_000_000)
    assert len(bomb) < 65_536  # all of it comes in one piece
    with playing(Play(body=bomb, headers=GZIP)) as server:
        pieces = []
        http = client(server.url, most_bytes=5_000_000)
        unpacked = http._wire._unpacked
        http._wire._unpacked = lambda response: (pieces.append(len(one)) or one for one in unpacked(response))
        with pytest.raises(FetchError, match="gave more than 5 MB"):
            http.get("rows")
        assert server.asked[0].headers["accept-encoding"] == "gzip"
        assert max(pieces) <= 1 << 20
        assert sum(pieces) < 7_000_000
    packed = zstandard.compress(b"[1]")
    with playing(Play(body=packed, headers={**JSON, "content-encoding": "zstd"})) as server:
        with pytest.raises(FetchError, match="acme packs its answer as 'zstd', and was asked for gzip"):
            client(server.url).get("rows")
        assert len(server.asked) == 1


def test_a_packed_answer_that_is_cut_is_asked_for_again():
    whole = gzip.compress(b'[{"id": 1}]' + b" " * 5_000)
    with playing(Play(body=whole[:-9], headers=GZIP), Play(body=whole, headers=GZIP)) as server:
        assert client(server.url).get("rows").json() == [{"id": 1}]
        assert len(server.asked) == 2


def test_half_a_character_costs_itself_and_a_bottomless_answer_is_one_sentence():
    with playing(Play(body=rb'["cut \ud83d", "\ud83d\ude00", "\\ud83d", "\udc00"]')) as server:
        assert client(server.url).get("rows").json() == ["cut \ufffd", "\U0001f600", "\\ud83d", "\ufffd"]
        assert len(server.asked) == 1
    for headers in (JSON, {}):
        with (
            playing(Play(body=b"[" * 200_000 + b"]" * 200_000, headers=headers)) as server,
            pytest.raises(FetchError, match="it is nested too deep"),
        ):
            client(server.url).get("rows").json()


@pytest.mark.parametrize("body", [b"null", b"[]", b'{"name": 3}', b'{"detail": "soon"}'])
def test_a_description_of_another_form_fails_its_own_address_only(body, monkeypatch):
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN", TOKEN)
    monkeypatch.setenv("BLINDSPOT_GLITCHTIP_TOKEN", TOKEN)
    with playing(Play(body=body)) as server:
        for system in ("sentry", "glitchtip"):
            checked = check_address("shop", f"{system}+{server.url}/acme/shop")
            assert checked.ok or "in a form that this version does not know" in checked.says


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody but itself has signed."""
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(lambda _: Play()) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        url = f"https://127.0.0.1:{server.server_port}"
        with pytest.raises(SourceError, match=r"is not trusted \(self.signed certificate\); .* set SSL_CERT_FILE to"):
            client(url).get("rows")
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        assert client(url).get("rows").json() == []
        with pytest.raises(SourceError, match=r"is not trusted \(.*localhost"):
            client(url.replace("127.0.0.1", "localhost")).get("rows")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "none.pem"))
    with pytest.raises(SourceError, match=r"SSL_CERT_FILE or SSL_CERT_DIR names cannot be read \(No such file"):
        client(url)


@pytest.mark.parametrize(
    ("proxy", "error", "says"),
    [
        ("socks5://127.0.0.1:1", SourceError, r"names a SOCKS proxy, which needs a package: pip install"),
        ("ftp://maya:hunter2@127.0.0.1:1", SourceError, "names a proxy that is none; give HTTPS_PROXY"),
        ("http://maya:hunter2@127.0.0.1:9", SourceNotFound, "asked through the proxy that the environment names"),
    ],
)
def test_a_proxy_that_does_not_work_is_named_as_what_it_is(monkeypatch, proxy, error, says):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(error, match=says) as raised:
        client("https://acme.invalid", attempts=1).get("rows")
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_proxy_carries_the_token_only_inside_of_tls(monkeypatch):
    with serving(lambda _: Play(407)) as server:
        asked = threading.Event()
        server.answer = lambda _: asked.set() or Play(407)
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        with pytest.raises(FetchError, match="asked through the proxy"):
            client("https://acme.invalid", attempts=1).get("rows")
        assert TOKEN not in repr(server.asked)


def test_one_server_is_one_server_however_its_address_is_written():
    moved = ["/new"]
    with serving(lambda asked: Play(302, b"", {"location": moved[0]}) if "old" in asked.path else Play()) as server:
        http, port = client(server.url), server.server_port
        for moved[0] in ("/new", f"{server.url}/new#top", f"//127.0.0.1:{port}/new"):
            assert http.get("old").json() == []
        for moved[0] in (f"http://maya:pw@127.0.0.1:{port}/", f"https://127.0.0.1:{port}/"):
            with pytest.raises(FetchError, match="we will not carry the token there") as raised:
                http.get("old")
            assert "pw" not in str(raised.value)
        assert all("authorization" in asked.headers for asked in server.asked)
    named = [
        http_module._origin_of(url) for url in ("https://H.example", "https://h.example:443/a", "http://h.example")
    ]
    assert named[0] == named[1] != named[2]


@pytest.mark.parametrize(
    "address",
    [
        "sentry+https://maya:hun/ter2@sentry.example.com/acme/shop",
        "sentry+https://maya:hun#ter2@sentry.example.com/acme/shop",
        "sentry+https://maya:hun?ter2@sentry.example.com/acme/shop",
        "sentry+https://sentry.example.com/acme/shop?pass=hunter2",
        "sentry+https://sentry.example.com/acme/shop?site_pwd=hunter2",
        "s3://maya:hun/ter2@bucket/shop",
        "jagger+https://maya:hun/ter2@jaeger.example.com",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(address):
    with pytest.raises(AddressError) as raised:
        open_store(address)
    assert not {"hun", "ter2", "hunter2"} & set(str(raised.value).replace("/", " ").replace("@", " ").split())
    assert "hun" not in str(raised.value)


def test_an_address_that_is_too_long_to_be_a_path_is_one_sentence():
    for address in ("x" * 5_000, "x/" * 4_000, "~nobody-of-this-name/lake"):
        with pytest.raises((AddressError, SourceNotFound)):
            open_store(address)


@pytest.mark.parametrize("later", ["Mon, 09 Mar 1998 14:00:00 GMT", "-5", "soon", "Infinity", "0"])
def test_a_time_to_come_back_that_is_past_or_none_is_soon(later):
    with playing(Play(429, headers={"retry-after": later}), Play(body=b"[1]")) as server:
        http = client(server.url)
        assert http.get("rows").json() == [1]
        assert http.pace.waits() < 1


@pytest.mark.parametrize("later", ["Fri, 31 Dec 9999 23:59:59 GMT", "99999999999999999999"])
def test_a_time_to_come_back_that_nobody_lives_to_see_is_not_waited_for(later):
    with (
        playing(Play(429, headers={"retry-after": later})) as server,
        pytest.raises(RateLimited, match=r"acme asks us to come back in .* and we wait 120 s at most"),
    ):
        client(server.url).get("rows")
