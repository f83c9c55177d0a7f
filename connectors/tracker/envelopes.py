"""Sentry envelopes in files: one envelope a file, or one a line, as received or wrapped by a collector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.exceptions import FormatError
from connectors.files import SourceFile
from connectors.formats.envelope import Received, is_event, is_wrapped, unwrap
from connectors.formats.sentry_event import read_event
from connectors.formats.sentry_replay import replays_of
from connectors.formats.sentry_tables import SentryTables, read_envelope
from connectors.loaded import Loaded

LINES_LOOKED_AT = 10


def read_envelopes(files: Sequence[SourceFile]) -> Mapping[str, Loaded]:
    """Read events, frames, breadcrumbs, requests, browser spans and recordings from files of envelopes.

    Returns
    -------
    The tables by name; `requests` are those among the breadcrumbs, `spans` have `url` and `session_id` behind them.
    Recordings are few in envelopes that a team keeps, so their events are held.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> event = '{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1741530000,"message":"hi"}'
    >>> _ = (root / "1.envelope").write_text('{}\\n{"type":"event"}\\n' + event)
    >>> _ = (root / "2.envelope").write_text('{"sent_at')
    >>> tables = read_envelopes(find_files(root, root))
    >>> tables["events"].frame["message"].to_list(), [refused.place for refused in tables["events"].refused]
    (['hi'], ['2.envelope'])
    """
    out = SentryTables()
    for file in files:
        try:
            _read_file(file, out)
        except FormatError as error:
            out.events.refuse(file.name, str(error))
    tables = {"events": out.events, "frames": out.frames, "breadcrumbs": out.breadcrumbs, "requests": out.requests}
    tables |= {"spans": out.spans, "replay_events": out.replay_events}
    loaded = {name: Loaded.of(rows, len(files)) for name, rows in tables.items()}
    said = out.replays
    recordings = replays_of(loaded["replay_events"].frame, said.frame())
    return {**loaded, "replays": Loaded(recordings, tuple(said.refused), files=len(files))}


def _read_file(file: SourceFile, out: SentryTables) -> None:
    first = list(_first_lines(file.head()))
    if any(is_wrapped(line) for line in first):
        for number, line in file.lines():
            place = f"{file.name}:{number}"
            try:
                received = unwrap(line)
            except FormatError as error:
                out.events.refuse(place, str(error))
            else:
                read_envelope(received, place, out)
    elif first and is_event(first[0]):
        for number, line in file.lines():
            read_event(line, f"{file.name}:{number}", out)
    else:
        read_envelope(Received(file.read(), None), file.name, out)


def _first_lines(head: bytes) -> Iterator[bytes]:
    yield from [line for line in head.split(b"\n") if line.strip()][:LINES_LOOKED_AT]
