"""HyperDX session recordings: rrweb events in the bodies of logs, large ones cut into chunks.

A log's `LogAttributes` say which chunk of how many it is (`rr-web.chunk`, `rr-web.total-chunks`), `rr-web.offset` keeps
those of one moment in order, `ResourceAttributes['rum.sessionId']` names the session. Source of the form: what
HyperDX's own player asks for and puts together (packages/app/src/sessions.ts and DOMPlayer.tsx of hyperdxio/hyperdx).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.formats.rows import Rows
from connectors.formats.rrweb import Whose, read_segment, replay_event_rows
from connectors.formats.values import BAD_JSON, as_int

COLUMNS = ("Body", "ResourceAttributes", "LogAttributes")
SESSION = "rum.sessionId"
INSTANCE = "script.instance"


class _Chunk(msgspec.Struct, rename={"body": "Body", "resource": "ResourceAttributes", "own": "LogAttributes",
                                     "ticks": "_ticks"}):  # fmt: skip
    ticks: int | str
    body: str = ""
    resource: dict[str, str] = {}
    own: dict[str, str] = {}


_chunk = msgspec.json.Decoder(_Chunk)


class Recordings:
    """Puts chunks together; what comes must be in order of time.

    Examples
    --------
    >>> rows = replay_event_rows()
    >>> recordings = Recordings(rows)
    >>> whose = '"ResourceAttributes":{"rum.sessionId":"s1"}'
    >>> bodies = ['{\\\\"type\\\\":4,\\\\"timestamp\\\\":', '1741530000500,\\\\"data\\\\":{}}']
    >>> of = '"_ticks":7,"LogAttributes":{"rr-web.total-chunks":"2","rr-web.chunk":'
    >>> lines = [f'{{"Body":"{body}",{whose},{of}"{number}"}}}}' for number, body in enumerate(bodies, 1)]
    >>> recordings.read((line.encode() for line in reversed(lines)), "page 1")
    >>> recordings.end()
    >>> rows.frame().select("session_id", "type").rows(), rows.refused
    ([('s1', 4)], [])
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._begun: dict[tuple[str, str], list[str]] = {}

    def read(self, lines: Iterable[msgspec.Raw | bytes], place: str) -> None:
        """Take the rows of one page of `hyperdx_sessions`; a page holds all rows of each of its moments."""
        rows = []
        for number, raw in enumerate(lines, 1):
            try:
                row = _chunk.decode(raw)
            except BAD_JSON as error:
                self._rows.refuse(f"{place} row {number}", f"the row cannot be read ({error})")
                continue
            own = row.own
            order = (
                as_int(row.ticks) or 0,
                as_int(own.get("rr-web.offset")) or 0,
                as_int(own.get("rr-web.chunk")) or 1,
            )
            rows.append((order, number, row))
        for _, number, row in sorted(rows, key=lambda one: one[:2]):
            self._take(row, f"{place} row {number}")

    def _take(self, row: _Chunk, place: str) -> None:
        session = row.resource.get(SESSION)
        if not session:
            return self._rows.refuse(place, f"nothing says whose recording this is (no {SESSION})")
        key = (session, row.own.get(INSTANCE) or row.resource.get(INSTANCE, ""))
        number, of = as_int(row.own.get("rr-web.chunk")) or 1, as_int(row.own.get("rr-web.total-chunks")) or 1
        begun = self._begun.pop(key, [])
        if number == 1 and begun:
            self._cut(place, session)
            begun = []
        if number != len(begun) + 1:
            return self._rows.refuse(place, f"chunk {number} of {of} came without the one before it")
        begun.append(row.body)
        if number < of:
            self._begun[key] = begun
            return None
        return read_segment("".join(begun).encode(), place, self._rows, Whose(session, session))

    def start_page(self) -> Rows:
        """Put what comes from now on into new rows, and give these."""
        self._rows = replay_event_rows()
        return self._rows

    def end(self) -> None:
        """Refuse what was never finished."""
        for session, _ in self._begun:
            self._cut("the end", session)
        self._begun.clear()

    def _cut(self, place: str, session: str) -> None:
        self._rows.refuse(place, f"an event of session {session} lacks its last chunks")
