"""The shapes of a Sentry event, as far as they are read: what is not named here is passed over without being built.

A `Raw` section is decoded on its own, later; a `Loose` field takes any scalar, because SDKs of six languages send it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Loose = str | int | float | bool | None


class Mechanism(msgspec.Struct):
    """How the SDK caught it."""

    type: Loose = None
    handled: Loose = None


class Thrown(msgspec.Struct):
    """One exception of a chain; causes come first, the event's own error last."""

    type: Any = None
    value: Any = None
    mechanism: Mechanism | None = None
    stacktrace: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct):
    """One line of a stack, as the SDK parsed it."""

    filename: str | None = None
    abs_path: str | None = None
    function: str | None = None
    lineno: int | float | str | None = None
    colno: int | float | str | None = None
    in_app: bool | None = None


class Crumb(msgspec.Struct):
    """One breadcrumb."""

    timestamp: float | str | None = None
    category: str | None = None
    level: str | None = None
    message: Any = None
    data: msgspec.Raw = msgspec.Raw()


class CrumbRequest(msgspec.Struct):
    """The data of a fetch or xhr breadcrumb."""

    method: Any = None
    url: Any = None
    status_code: Any = None


class Listed(msgspec.Struct):
    """A list in an interface of its own."""

    values: list[msgspec.Raw] | None = None


class Crumbs(msgspec.Struct):
    """Breadcrumbs that are all well."""

    values: list[Crumb | None] | None = None


class Stack(msgspec.Struct):
    """A stack whose frames are read one by one."""

    frames: list[msgspec.Raw] | None = None


class Frames(msgspec.Struct):
    """A stack whose frames are all well."""

    frames: list[Frame | None] | None = None


class Image(msgspec.Struct):
    """One debug image: which bundle has which debug id."""

    code_file: str | None = None
    debug_id: str | None = None


class DebugMeta(msgspec.Struct):
    """The debug images of an event."""

    images: list[Image | None] | None = None


class Trace(msgspec.Struct):
    """The trace context."""

    trace_id: Any = None
    span_id: Any = None


class Replay(msgspec.Struct):
    """The replay context."""

    replay_id: Any = None


class Contexts(msgspec.Struct):
    """The contexts that say how the event joins others."""

    trace: Trace | None = None
    replay: Replay | None = None


class Request(msgspec.Struct):
    """The page, and the headers that came with it."""

    url: Loose = None
    headers: dict[str, Any] | list[tuple[str, Any]] | None = None


class Geo(msgspec.Struct):
    """Where the user is, as the server made out."""

    region: Loose = None
    country_code: Loose = None


class User(msgspec.Struct):
    """Who it happened to."""

    id: Loose = None
    username: Loose = None
    email: Loose = None
    geo: Geo | None = None


class LogEntry(msgspec.Struct):
    """A message with parameters."""

    formatted: Loose = None
    message: Loose = None


class Event(msgspec.Struct):
    """The event itself."""

    event_id: str | None = None
    timestamp: float | str | None = None
    level: Loose = None
    release: Loose = None
    dist: Loose = None
    environment: Loose = None
    transaction: Loose = None
    message: str | LogEntry | None = None
    logentry: LogEntry | None = None
    exception: msgspec.Raw = msgspec.Raw()
    breadcrumbs: msgspec.Raw = msgspec.Raw()
    contexts: msgspec.Raw = msgspec.Raw()
    tags: msgspec.Raw = msgspec.Raw()
    user: msgspec.Raw = msgspec.Raw()
    request: msgspec.Raw = msgspec.Raw()
    debug_meta: msgspec.Raw = msgspec.Raw()
    fingerprint: msgspec.Raw = msgspec.Raw()


def decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    """Make a decoder once, at import: making one costs more than using it."""
    return msgspec.json.Decoder(type_)


EVENT = decoder(Event)
LISTED = decoder(Listed | list[msgspec.Raw] | None)
THROWN = decoder(Thrown | None)
CRUMB = decoder(Crumb | None)
CRUMBS = decoder(Crumbs | list[Crumb | None] | None)
CRUMB_REQUEST = decoder(CrumbRequest | None)
FRAME = decoder(Frame | None)
FRAMES = decoder(Frames | None)
STACK = decoder(Stack | None)
CONTEXTS = decoder(Contexts | None)
DEBUG_META = decoder(DebugMeta | None)
REQUEST = decoder(Request | None)
USER = decoder(User | None)
TAGS = decoder(dict[str, Any] | list[tuple[str, Any] | None] | None)
FINGERPRINT = decoder(list[Loose] | None)
