"""The sockets below `connectors.http`, and the only file that imports httpx: one request out, one whole answer in.

Secrets are put on here and nowhere else. An error of httpx holds its request with all headers, so none of those leaves
this file: what went wrong is said in words, the secrets struck out.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from connectors.exceptions import FetchError, SourceError
from connectors.http_answer import Answer
from connectors.redaction import redact
from connectors.secrets import Secret, without_secrets

# An answer as a whole may take so many times the timeout, which is for the silence between two bytes.
WHOLE_ANSWER = 10


class Call(NamedTuple):
    """One request, without its secrets."""

    method: str
    url: str
    query: Sequence[tuple[str, Any]] = ()
    headers: Mapping[str, str] | None = None
    content: bytes | None = None


class Fault(FetchError):
    """Something that may go well the next time; `unreachable` when there was no connection at all."""

    def __init__(self, why: str, unreachable: bool = False) -> None:
        super().__init__(why)
        self.unreachable = unreachable


class Wire:
    """Sends requests to one origin, with its secrets; see `connectors.http.Http` for the parameters.

    Examples
    --------
    >>> Wire("http://sentry.example.com", source="sentry", bearer=Secret("s3cret"))
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceError: a secret goes to sentry.example.com by https only; write sentry+https://
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
        most_bytes: int = 256_000_000,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        url = urlsplit(base)
        self._source, self._netloc = source, url.netloc
        self._bearer, self._others = bearer, dict(secret_headers or {})
        self._most_bytes, self._most_seconds = most_bytes, timeout * WHOLE_ANSWER
        host = url.hostname or ""
        if self.has_secret and url.scheme != "https" and not is_loopback(host):
            raise SourceError(f"a secret goes to {host} by https only; write {source}+https://")
        self._client = httpx.Client(
            headers={"user-agent": f"blindspot-workbench/{version('blindspot-workbench')}", **(headers or {})},
            timeout=timeout,
            limits=httpx.Limits(max_connections=32),
            transport=transport,
            trust_env=not is_loopback(host),  # no proxy stands between this machine and itself
        )

    @property
    def has_secret(self) -> bool:
        """Whether requests carry something that nobody else may see."""
        return self._bearer is not None or bool(self._others)

    def hide(self, text: str) -> str:
        """Give a text that came from outside without our secrets."""
        return redact(without_secrets(text, [*self._others.values(), *([self._bearer] if self._bearer else [])]))

    def close(self) -> None:
        """Give the sockets back."""
        self._client.close()

    def send(self, call: Call) -> Answer:
        """Send one request and read its answer to the end, whatever its status; no redirect is followed.

        Raises
        ------
        Fault
            No connection, a reset, a cut body, silence, an answer that takes too long.
        SourceError
            The certificate is not trusted.
        FetchError
            The answer is too large, the address is none, the client was closed.
        """
        try:
            request = self._client.build_request(
                call.method, call.url, params=call.query or None, headers=call.headers, content=call.content
            )
            request.headers.update({name: secret.reveal() for name, secret in self._others.items()})
            if self._bearer is not None:
                request.headers["authorization"] = f"Bearer {self._bearer.reveal()}"
            return self._answered(request, shown(call.url))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            said = self.hide(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            hopeless = isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL)
            unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        except RuntimeError as error:
            if not self._client.is_closed:
                raise
            said, hopeless, unreachable = str(error), True, False
        # outside of the except, so that the error does not hang on as this one's context
        if "CERTIFICATE_VERIFY_FAILED" in said:
            raise SourceError(
                f"{self._source}: the certificate of {self._netloc} is not trusted; when it is of your own authority, "
                f"set {ssl.get_default_verify_paths().openssl_cafile_env} to its file"
            )
        raise FetchError(f"{self._source}: {said}") if hopeless else Fault(said, unreachable)

    def _answered(self, request: httpx.Request, url: str) -> Answer:
        begun = time.monotonic()
        body = bytearray()
        response = self._client.send(request, stream=True)
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._most_bytes:
                    raise FetchError(
                        f"{self._source} gave more than {self._most_bytes / 1e6:.0f} MB for {url}; "
                        "ask for a shorter window"
                    )
                if time.monotonic() - begun > self._most_seconds:
                    raise Fault(f"the answer took longer than {self._most_seconds:.0f} s")
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, bytes(body), headers, url, self._source)


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


def shown(url: str) -> str:
    """Give an address for an error: without its query, which may hold anything.

    Examples
    --------
    >>> shown("https://maya:pw@sentry.example.com/api/0/?cursor=0:100:0")
    'https://***@sentry.example.com/api/0/'
    """
    return redact(url.partition("?")[0])
