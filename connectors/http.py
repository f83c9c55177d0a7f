"""One client for every remote system: retries, rate limits, no secret to a stranger, errors of one sentence each.

This is the only file that imports httpx. What a connector gets is an `Answer` with a status of 2xx and a whole body;
everything else is raised (`connectors.exceptions`):

==================  ====================================================================================================
AuthError           401, 403; the message names the environment variables that are looked at
SourceNotFound      404, 410; or nobody answers at this host, and nobody has since the client was made
CallRefused         another 4xx, with `status` and what the server said as `detail` (an expired cursor)
RateLimited         429, and the wait that the server asks for is longer than `most_wait`
FetchError          5xx, a cut body, a reset, silence, JSON that is none, after all attempts
SourceError         TLS: the certificate is not trusted; `http://` with a secret to anything but this machine
==================  ====================================================================================================
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import stamina

from connectors.exceptions import AuthError, CallRefused, FetchError, RateLimited, SourceError, SourceNotFound
from connectors.http_answer import Answer
from connectors.http_pace import Pace
from connectors.redaction import redact
from connectors.secrets import Secret, variables_of, without_secrets

__all__ = ["Answer", "Http"]

Params = Mapping[str, Any] | Iterable[tuple[str, Any]] | None
MOST_REDIRECTS = 5
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
# An answer as a whole may take so many times the timeout, which is for the silence between two bytes.
WHOLE_ANSWER = 10


class _Fault(FetchError):
    """Something that may go well the next time."""

    def __init__(self, why: str, unreachable: bool = False) -> None:
        super().__init__(why)
        self.unreachable = unreachable


class _Sent(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Http:
    """A client of one system at one address, for any number of threads.

    Parameters
    ----------
    base
        "https://host[/prefix]", without a secret; paths of calls are put behind it.
    source
        The system as in its scheme: "sentry"; it stands in errors and names the environment variable.
    headers
        Sent with every call; nothing secret.
    bearer, secret_headers
        The token as `Authorization: Bearer`, or secrets as other headers (`{"DD-API-KEY": secret}`).
    timeout
        Seconds without a byte until a call has failed; an answer as a whole may take ten times that.
    most_wait
        Seconds that one call waits for a rate limit, all in all.
    attempts
        How often a call is tried that ends in 5xx, a reset, a cut body, silence, or in JSON that is none.
    per_second
        Calls a second over all threads, None for no limit of ours.
    pace
        What a vendor's rate-limit headers say: given each answer, seconds until the next call may go out, or None.
    most_bytes
        The largest answer, decompressed.
    transport
        An httpx transport instead of sockets.

    Examples
    --------
    >>> Http("http://sentry.example.com", source="sentry", bearer=Secret("s3cret"))
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceError: a secret goes to sentry.example.com by https only; write sentry+https://
    >>> Http("https://sentry.example.com/", source="sentry", bearer=Secret("s3cret"))
    Http('https://sentry.example.com', source='sentry')
    """

    def __init__(
        self,
        base: str,
        *,
        source: str,
        headers: Mapping[str, str] | None = None,
        bearer: Secret | None = None,
        secret_headers: Mapping[str, Secret] | None = None,
        timeout: float = 30.0,
        most_wait: float = 120.0,
        attempts: int = 6,
        per_second: float | None = None,
        pace: Callable[[Answer], float | None] | None = None,
        most_bytes: int = 256_000_000,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.source = source
        self._origin = urlsplit(self.base)
        host = self._origin.hostname or ""
        self._secrets = dict(secret_headers or {})
        self._bearer = bearer
        if self._has_secret() and self._origin.scheme != "https" and not is_loopback(host):
            raise SourceError(f"a secret goes to {host} by https only; write {source}+https://")
        self._attempts, self._most_bytes, self._whole = attempts, most_bytes, timeout * WHOLE_ANSWER
        self._pace_of = pace
        self.pace = Pace(source, per_second=per_second, most_wait=most_wait)
        self.skew: timedelta | None = None
        self._client = httpx.Client(
            headers={"user-agent": f"blindspot-workbench/{version('blindspot-workbench')}", **(headers or {})},
            timeout=timeout,
            limits=httpx.Limits(max_connections=32),
            transport=transport,
            trust_env=not is_loopback(host),  # no proxy stands between this machine and itself
        )

    def __repr__(self) -> str:
        return f"Http({redact(self.base)!r}, source={self.source!r})"

    def get(self, path: str, params: Params = None, headers: Mapping[str, str] | None = None) -> Answer:
        """GET a path below the base, or a whole address at the same host (a `next` link)."""
        return self._call("GET", path, params, headers, None)

    def post(
        self, path: str, json: Any = None, params: Params = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a question as JSON. It is asked again after a fault: for calls that read, not for those that change."""
        return self._call("POST", path, params, headers, msgspec.json.encode(json))

    def now(self) -> datetime:
        """Say what time it is at the server, by the `Date` of its latest answer; our time before the first."""
        return datetime.now(UTC) + (self.skew or timedelta())

    def close(self) -> None:
        """Give the sockets back; calls that wait for a rate limit in other threads end with a `FetchError`."""
        self.pace.close()
        self._client.close()

    def _call(
        self, method: str, path: str, params: Params, headers: Mapping[str, str] | None, content: bytes | None
    ) -> Answer:
        url = self._url(path)
        pairs = params.items() if isinstance(params, Mapping) else params or ()
        query = [(name, value) for name, value in pairs if value is not None]
        asked = {"accept": "application/json", **(headers or {})}
        if content is not None:
            asked["content-type"] = "application/json"
        waited, limited = 0.0, 0
        while True:
            answer = self._retried(method, url, query, asked, content)
            asked_to_wait = answer.retry_after()
            if answer.status != 429 and (answer.status != 503 or asked_to_wait is None):
                return self._judged(answer)
            limited += 1
            seconds = max(asked_to_wait or 0.0, min(FIRST_WAIT * 2**limited, LONGEST_WAIT))
            waited += seconds
            if waited > self.pace.most_wait:
                raise RateLimited(
                    f"{self.source} asks us to come back in {seconds:.0f} s ({answer.status} for {answer.url}), and we "
                    f"wait {self.pace.most_wait:.0f} s at most for one call; try again later"
                )
            self.pace.hold(seconds)

    def _retried(
        self, method: str, url: str, query: list[tuple[str, Any]], headers: dict[str, str], content: bytes | None
    ) -> Answer:
        tries = 0

        def again(error: Exception) -> bool:
            stranger = isinstance(error, _Fault) and error.unreachable and self.skew is None
            return isinstance(error, _Fault) and tries < (min(2, self._attempts) if stranger else self._attempts)

        try:
            for attempt in stamina.retry_context(
                on=again, attempts=None, timeout=None, wait_initial=FIRST_WAIT, wait_max=LONGEST_WAIT
            ):
                with attempt:
                    tries += 1
                    return self._attempt(method, url, query, headers, content)
        except _Fault as fault:
            said, unreachable = str(fault), fault.unreachable
        times = f"{tries} attempts" if tries > 1 else "one attempt"
        if unreachable and self.skew is None:
            raise SourceNotFound(
                f"{self.source}: nobody answers at {self._origin.netloc} ({said}; {times}); check the host in the "
                "address, and whether it can be reached from here"
            )
        raise FetchError(f"{self.source} did not give {_shown(url)} ({said}; {times}); try again later")

    def _attempt(
        self, method: str, url: str, query: list[tuple[str, Any]], headers: dict[str, str], content: bytes | None
    ) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            self.pace.pass_through()
            sent = self._send(self._client.build_request(method, url, params=query, headers=headers, content=content))
            answer = Answer(sent.status, sent.body, sent.headers, _shown(url), self.source)
            if answer.at is not None or self.skew is None:
                self.skew = (answer.at - datetime.now(UTC)) if answer.at else timedelta()
            if (seconds := self._pace_of(answer) if self._pace_of else None) is not None and seconds > 0:
                self.pace.hold(seconds)
            if answer.status not in (301, 302, 303, 307, 308) or answer.header("location") is None:
                break
            url, query = self._followed(url, answer.header("location") or "", method, answer.status), []
        else:
            raise FetchError(f"{self.source} redirects {_shown(url)} more than {MOST_REDIRECTS} times")
        if answer.status >= 500 and (answer.status != 503 or answer.retry_after() is None):
            raise _Fault(f"{answer.status}{self._detail(answer)}")
        if answer.status == 200 and "/json" in answer.headers.get("content-type", "").replace("+json", "/json"):
            broken = _broken_json(answer.body)
            if broken:
                raise _Fault(f"200, but not JSON: {broken}")
        return answer

    def _send(self, request: httpx.Request) -> _Sent:
        # Secrets are put on here and nowhere else; an httpx error holds its request, so none of those gets out of here
        request.headers.update({name: secret.reveal() for name, secret in self._secrets.items()})
        if self._bearer is not None:
            request.headers["authorization"] = f"Bearer {self._bearer.reveal()}"
        try:
            deadline = time.monotonic() + self._whole
            response = self._client.send(request, stream=True)
            try:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > self._most_bytes or time.monotonic() > deadline:
                        break
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            said = self._hide(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            untrusted = "CERTIFICATE_VERIFY_FAILED" in said
            unknown = isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL)
        except RuntimeError as error:
            if not self._client.is_closed:
                raise
            said, unreachable, untrusted, unknown = str(error), False, False, True
        else:
            if len(body) > self._most_bytes:
                raise FetchError(
                    f"{self.source} gave more than {self._most_bytes / 1e6:.0f} MB for {_shown(str(request.url))}; "
                    "ask for a shorter window"
                )
            if time.monotonic() > deadline:
                raise _Fault(f"the answer took longer than {self._whole:.0f} s")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return _Sent(response.status_code, headers, bytes(body))
        if untrusted:
            ca = ssl.get_default_verify_paths().openssl_cafile_env
            raise SourceError(
                f"{self.source}: the certificate of {self._origin.netloc} is not trusted; when it is of your own "
                f"authority, set {ca} to its file"
            )
        raise FetchError(f"{self.source}: {said}") if unknown else _Fault(said, unreachable)

    def _judged(self, answer: Answer) -> Answer:
        if answer.status < 300:
            return answer
        said = self._detail(answer)
        if answer.status in (401, 403):
            names = " or ".join(variables_of(self.source, self._origin.netloc))
            problem = "refuses our token" if self._has_secret() else "wants a token, and we have none"
            raise AuthError(f"{self.source} {problem} for {answer.url} ({answer.status}{said}); set {names}")
        if answer.status in (404, 410):
            raise SourceNotFound(
                f"{self.source} has nothing at {answer.url} ({answer.status}{said}); check the names in the address"
            )
        raise CallRefused(
            f"{self.source} refused {answer.url} ({answer.status}{said})", answer.status, said.lstrip(": ")
        )

    def _url(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self.base}/{path.lstrip('/')}" if path else self.base
        self._check_origin(path, "a link of its answer leads")
        return path

    def _followed(self, url: str, location: str, method: str, status: int) -> str:
        target = urlunsplit(urlsplit(str(httpx.URL(url).join(location)))._replace(fragment=""))
        self._check_origin(target, f"{_shown(url)} redirects")
        if method == "POST" and status in (301, 302, 303):
            raise FetchError(f"{self.source} redirects {_shown(url)} to {_shown(target)}; correct the address")
        return target

    def _check_origin(self, target: str, what: str) -> None:
        there = urlsplit(target)
        if (there.scheme, there.netloc) != (self._origin.scheme, self._origin.netloc) and self._has_secret():
            raise FetchError(
                f"{self.source}: {what} to {there.scheme}://{there.netloc.rpartition('@')[2]}, and we will not carry "
                f"the token there; if that is where it lives, write that host in the address"
            )

    def _has_secret(self) -> bool:
        return self._bearer is not None or bool(self._secrets)

    def _hide(self, text: str) -> str:
        secrets = [*self._secrets.values(), *([self._bearer] if self._bearer else [])]
        return redact(without_secrets(text, secrets))

    def _detail(self, answer: Answer) -> str:
        """Give what the server says of its refusal, short and without our secrets, behind a colon."""
        text = " ".join(answer.body[:2000].decode("utf-8", "replace").split())
        if not text or text.startswith("<"):
            return ""
        return ": " + self._hide(text if len(text) <= 200 else text[:199] + "…")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "localhost.example.com", "10.0.0.1")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _shown(url: str) -> str:
    """Give an address for an error: without its query, which may hold anything."""
    return redact(url.partition("?")[0])


def _broken_json(body: bytes) -> str | None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return str(error)
    return None
