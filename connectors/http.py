"""One client for every remote system: retries, rate limits, no secret to a stranger, errors of one sentence each.

What a connector gets is an `Answer` with a status of 2xx and a whole body;
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

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import msgspec
import stamina

from connectors.exceptions import AuthError, CallRefused, FetchError, RateLimited, SourceNotFound
from connectors.http_answer import Answer, without_lone_surrogates
from connectors.http_pace import Pace
from connectors.http_wire import Call, Fault, Wire, shown
from connectors.redaction import redact
from connectors.secrets import Secret, variables_of

__all__ = ["Answer", "Http"]

Params = Mapping[str, Any] | Iterable[tuple[str, Any]] | None
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
# where nobody listens to the log, retries are not printed into a notebook
logging.getLogger("stamina").addHandler(logging.NullHandler())
JSON_TYPE = re.compile(r"(?i)application/(?:[\w.-]+\+)?json\b")


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
        Seconds that one call waits for a rate limit, all in all (`http.pace.most_wait` can be raised later).
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
        transport: Any = None,
    ) -> None:
        self.base, self.source = base.rstrip("/"), source
        self._origin = urlsplit(self.base)
        self._wire = Wire(
            self.base, source=source, headers=headers, bearer=bearer, secret_headers=secret_headers,
            timeout=timeout, most_bytes=most_bytes, transport=transport,
        )  # fmt: skip
        self._attempts, self._pace_of = attempts, pace
        self.pace = Pace(source, per_second=per_second, most_wait=most_wait)
        self.skew: timedelta | None = None

    def __repr__(self) -> str:
        return f"Http({redact(self.base)!r}, source={self.source!r})"

    def get(self, path: str, params: Params = None, headers: Mapping[str, str] | None = None) -> Answer:
        """GET a path below the base, or a whole address at the same host (a `next` link).

        Of the parameters, None is left out, and a datetime is said in ISO 8601, UTC.
        """
        return self._called("GET", path, params, {**(headers or {})}, None)

    def post(
        self, path: str, json: Any = None, params: Params = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a question as JSON. It is asked again after a fault: for calls that read, not for those that change."""
        asked = {"content-type": "application/json", **(headers or {})}
        return self._called("POST", path, params, asked, msgspec.json.encode(json))

    def now(self) -> datetime:
        """Say what time it is at the server, by the `Date` of its latest answer; our time before the first."""
        return datetime.now(UTC) + (self.skew or timedelta())

    def close(self) -> None:
        """Give the sockets back; calls that wait for a rate limit in other threads end with a `FetchError`."""
        self.pace.close()
        self._wire.close()

    def _called(
        self, method: str, path: str, params: Params, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        pairs = params.items() if isinstance(params, Mapping) else params or ()
        query = [(name, _said(value)) for name, value in pairs if value is not None]
        call = Call(method, self._url(path), query, {"accept": "application/json", **headers}, content)
        waited, limited = 0.0, 0
        while True:
            answer = self._retried(call)
            asked_to_wait = answer.retry_after()
            if answer.status != 429 and (answer.status != 503 or asked_to_wait is None):
                return self._judged(answer)
            limited += 1
            seconds = max(asked_to_wait or 0.0, min(FIRST_WAIT * 2**limited, LONGEST_WAIT))
            waited += seconds
            if waited > self.pace.most_wait:
                raise RateLimited(
                    f"{self.source} asks us to come back in {round(seconds, 1):g} s ({answer.status}, {answer.url}), "
                    f"and we wait {self.pace.most_wait:g} s at most for one call; try again later"
                )
            self.pace.hold(seconds)

    def _retried(self, call: Call) -> Answer:
        tries = 0

        def again(error: Exception) -> bool:
            stranger = isinstance(error, Fault) and error.unreachable and self.skew is None
            return isinstance(error, Fault) and tries < (min(2, self._attempts) if stranger else self._attempts)

        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=None,
                timeout=None,
                wait_initial=FIRST_WAIT,
                wait_max=LONGEST_WAIT,
                wait_jitter=FIRST_WAIT,
            ):
                with attempt:
                    tries += 1
                    return self._attempt(call)
        except Fault as fault:
            said, unreachable = str(fault), fault.unreachable
        times = f"{tries} attempts" if tries > 1 else "one attempt"
        if unreachable and self.skew is None:
            raise SourceNotFound(
                f"{self.source}: nobody answers at {self._origin.netloc} ({said}; {times}); check the host in the "
                "address, and whether it can be reached from here"
            )
        raise FetchError(f"{self.source} did not give {shown(call.url)} ({said}; {times}); try again later")

    def _attempt(self, call: Call) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            self.pace.pass_through()
            answer = self._wire.send(call)
            if answer.at is not None or self.skew is None:
                self.skew = (answer.at - datetime.now(UTC)) if answer.at else timedelta()
            seconds = self._pace_of(answer) if self._pace_of else None
            if seconds is not None and seconds > 0:
                self.pace.hold(seconds)
            location = answer.header("location")
            if answer.status not in REDIRECTS or location is None:
                break
            call = call._replace(url=self._followed(call, location, answer.status), query=())
        else:
            raise FetchError(f"{self.source} redirects {answer.url} more than {MOST_REDIRECTS} times")
        if answer.status >= 500 and (answer.status != 503 or answer.retry_after() is None):
            raise Fault(f"{answer.status}{self._detail(answer)}")
        if answer.status == 200 and JSON_TYPE.match(answer.header("content-type") or ""):
            broken = _broken_json(answer.body)
            if broken and (mended := without_lone_surrogates(answer.body)) != answer.body:
                answer, broken = replace(answer, body=mended), _broken_json(mended)
            if broken:
                raise Fault(f"200, but not JSON: {broken}")
        return answer

    def _judged(self, answer: Answer) -> Answer:
        if answer.status < 300:
            return answer
        said = self._detail(answer)
        if answer.status in (401, 403):
            names = " or ".join(variables_of(self.source, self._origin.netloc))
            problem = "refuses our token" if self._wire.has_secret else "wants a token, and we have none"
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

    def _followed(self, call: Call, location: str, status: int) -> str:
        target = urldefrag(urljoin(call.url, location)).url
        self._check_origin(target, f"{shown(call.url)} redirects")
        if call.method == "POST" and status in (301, 302, 303):
            raise FetchError(f"{self.source} redirects {shown(call.url)} to {shown(target)}; correct the address")
        return target

    def _check_origin(self, target: str, what: str) -> None:
        there = urlsplit(target)
        if _origin_of(target) != _origin_of(self.base) and self._wire.has_secret:
            raise FetchError(
                f"{self.source}: {what} to {there.scheme}://{there.netloc.rpartition('@')[2]}, and we will not carry "
                "the token there; if that is where it lives, write that host in the address"
            )

    def _detail(self, answer: Answer) -> str:
        """Give what the server says of its refusal, short and without our secrets, behind a colon."""
        text = " ".join(answer.body[:2000].decode("utf-8", "replace").split())
        if not text or text.startswith("<"):
            return ""
        text = self._wire.hide(text)
        return ": " + (text if len(text) <= 200 else text[:199] + "…")


def _said(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _broken_json(body: bytes) -> str | None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return str(error)
    except RecursionError:
        return "it is nested too deep"
    return None


def _origin_of(url: str) -> tuple[str, str, int | None] | None:
    """Give what makes two addresses one server's; None, which equals no origin of ours, for a strange one."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return None
    if "@" in parts.netloc:  # a name and a password in a link would go in the place of our token
        return None
    return parts.scheme, (parts.hostname or "").lower(), port or {"https": 443, "http": 80}.get(parts.scheme)
