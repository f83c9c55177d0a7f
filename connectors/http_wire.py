"""The sockets below `connectors.http`, and the only file that imports httpx: one request out, one whole answer in.

Secrets are put on here and nowhere else. An error of httpx holds its request with all headers, so none of those leaves
this file: what went wrong is said in words, the secrets struck out.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from connectors.exceptions import FetchError, FormatError, SourceError
from connectors.http_answer import Answer
from connectors.packed import gunzip
from connectors.redaction import redact
from connectors.secrets import Secret, without_secrets

# An answer as a whole may take so many times the timeout, which is for the silence between two bytes.
WHOLE_ANSWER = 10
# The only packing that we ask for: it is unpacked piece by piece, so that no answer is larger in memory than allowed.
PACKED = "gzip"
UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED\]?\s*(?:certificate verify failed)?:?\s*(.*?)\s*(?:\(_ssl|$)")


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
        ours = {"user-agent": f"blindspot-workbench/{version('blindspot-workbench')}", "accept-encoding": PACKED}
        self._proxied = _proxy_of(url.scheme, host) is not None
        try:
            self._client = httpx.Client(
                headers={**ours, **(headers or {})},
                timeout=timeout,
                limits=httpx.Limits(max_connections=32),
                transport=transport,
                verify=httpx.create_ssl_context(),  # SSL_CERT_FILE counts for this machine as well
                trust_env=not is_loopback(host),  # no proxy stands between this machine and itself
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            raise SourceError(_not_set_up(error)) from None

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
            if self._proxied and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
                said += "; asked through the proxy that the environment names"
        except FormatError as error:
            said, hopeless, unreachable = str(error).replace("the file", "the answer"), False, False
        except RuntimeError as error:
            if not self._client.is_closed:
                raise
            said, hopeless, unreachable = str(error), True, False
        # outside of the except, so that the error does not hang on as this one's context
        if untrusted := UNTRUSTED.search(said):
            why = f" ({untrusted[1].rstrip('.')})" if untrusted[1] else ""
            raise SourceError(
                f"{self._source}: the certificate of {self._netloc} is not trusted{why}; when it is of your own "
                f"authority, set {ssl.get_default_verify_paths().openssl_cafile_env} to its file"
            )
        raise FetchError(f"{self._source}: {said}") if hopeless else Fault(said, unreachable)

    def _answered(self, request: httpx.Request, url: str) -> Answer:
        begun = time.monotonic()
        body = bytearray()
        response = self._client.send(request, stream=True)
        try:
            for chunk in self._unpacked(response):
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

    def _unpacked(self, response: httpx.Response) -> Iterator[bytes]:
        packed = response.headers.get("content-encoding", "").strip().lower()
        if packed in ("", "identity"):
            return response.iter_raw()
        if packed.removeprefix("x-") != PACKED:
            raise FetchError(f"{self._source} packs its answer as {packed[:40]!r}, and was asked for {PACKED}")
        return gunzip(response.iter_raw())


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


def _proxy_of(scheme: str, host: str) -> str | None:
    """Give the proxy that the environment names for a host, as httpx finds it."""
    if is_loopback(host) or proxy_bypass(host):
        return None
    named = getproxies()
    return named.get(scheme) or named.get("all")


def _not_set_up(error: Exception) -> str:
    """Say what in the environment keeps a client from being made; a proxy's address may hold a password."""
    if isinstance(error, ImportError):
        return "the environment names a SOCKS proxy, which needs a package: pip install 'httpx[socks]'"
    if isinstance(error, OSError):
        return (
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read ({error.strerror or 'not PEM'})"
        )
    return "the environment names a proxy that is none; give HTTPS_PROXY, HTTP_PROXY or ALL_PROXY as http://host:port"
