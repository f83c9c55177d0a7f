"""What a server answered: status, headers and the whole body, free of the client that fetched it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connectors.exceptions import FetchError

LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:\"[^\"]*\"|[^\";,\s]+))*)")
# an escaped backslash and a whole pair are passed over; what is left is a half
SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
DECODERS: dict[Any, msgspec.json.Decoder] = {}
DECODERS_LOCK = threading.Lock()
LINK_PARAMETER = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|([^\";,\s]+))")


@dataclass(frozen=True)
class Answer:
    """One answer of a server.

    Attributes
    ----------
    status
        The HTTP status, 200 to 299: all others are raised as errors by `Http`.
    body
        The whole body, decompressed.
    headers
        Names in lower case (`header` looks up in any case).
    url
        Where it came from, without its query.
    source
        The system's name, for errors.

    Examples
    --------
    >>> answer = Answer(200, b'[{"id": 1}]', {"link": '<https://h/?c=1>; rel="next"; results="true"; cursor="0:1:0"'})
    >>> answer.json(), answer.links["next"]["cursor"]
    ([{'id': 1}], '0:1:0')
    >>> Answer(200, b"<html>", url="https://h/api").json()
    Traceback (most recent call last):
        ...
    connectors.exceptions.FetchError: the server answered https://h/api with something that is not JSON (JSON is
    malformed: invalid character (byte 0); it looks like a web page); is this the address of its API?
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    source: str = "the server"

    def header(self, name: str) -> str | None:
        """Give a header by its name in any case."""
        return self.headers.get(name.lower())

    def json(self, type: Any = Any) -> Any:
        """Give the body as JSON; with a type that msgspec knows, as that.

        Raises
        ------
        FetchError
            It is no JSON, or not of the type; the message says where.
        """
        try:
            return _decoder_of(type).decode(self.body)
        except msgspec.ValidationError as error:
            raise FetchError(
                f"{self.source} answered {self.url} in a form that this version does not know ({error})"
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FetchError(self.not_json(str(error))) from None
        except RecursionError:
            raise FetchError(self.not_json("it is nested too deep")) from None

    def not_json(self, why: str) -> str:
        """Say that the body is no JSON, and what it may be."""
        # not how it begins: it may hold what we sent
        what = "is empty" if not self.body else "looks like a web page" if self.body.lstrip()[:1] == b"<" else None
        return (
            f"{self.source} answered {self.url} with something that is not JSON ({why}; it "
            f"{what or f'has {len(self.body)} bytes'}); is this the address of its API?"
        )

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The `Link` header: rel to its url and parameters (RFC 8288, section 3)."""
        found = {}
        for url, parameters in LINK.findall(self.header("link") or ""):
            said = {name.lower(): quoted or plain for name, quoted, plain in LINK_PARAMETER.findall(parameters)}
            found[said.get("rel", url)] = {"url": url, **said}
        return found

    @property
    def at(self) -> datetime | None:
        """The server's clock when it answered (`Date`), None when it does not say."""
        return http_date(self.header("date"))

    def retry_after(self) -> float | None:
        """Seconds that the server asks us to wait (`Retry-After`, RFC 9110, section 10.2.3), None if it does not.

        A date is held against the server's own clock, not ours.

        Examples
        --------
        >>> later = {"date": "Mon, 09 Mar 2026 14:00:00 GMT", "retry-after": "Mon, 09 Mar 2026 14:00:07 GMT"}
        >>> Answer(429, b"", {"retry-after": "2"}).retry_after(), Answer(429, b"", later).retry_after()
        (2.0, 7.0)
        """
        said = (self.header("retry-after") or "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", said):
            return float(said)
        until = http_date(said)
        return None if until is None else max(0.0, (until - (self.at or datetime.now(UTC))).total_seconds())


def _decoder_of(type: Any) -> msgspec.json.Decoder:
    """Give the decoder of a type, made once: while two threads make it of one struct, msgspec reads unset memory."""
    with DECODERS_LOCK:
        if type not in DECODERS:
            DECODERS[type] = msgspec.json.Decoder(type)
        return DECODERS[type]


def http_date(text: str | None) -> datetime | None:
    """Read a date as HTTP writes it, None when it is none.

    Examples
    --------
    >>> http_date("Mon, 09 Mar 2026 14:00:00 GMT").isoformat(), http_date("soon")
    ('2026-03-09T14:00:00+00:00', None)
    """
    try:
        read = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return read.replace(tzinfo=read.tzinfo or UTC)


def without_lone_surrogates(body: bytes) -> bytes:
    """Give JSON in which the half of a character, as scripts cut texts in two, is U+FFFD: strict readers refuse halves.

    Examples
    --------
    >>> without_lone_surrogates(rb'["cut \\ud83d", "\\ud83d\\ude00 whole", "\\\\ud83d"]') == (
    ...     rb'["cut \\ufffd", "\\ud83d\\ude00 whole", "\\\\ud83d"]'
    ... )
    True
    """
    return SURROGATES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
