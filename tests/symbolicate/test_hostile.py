"""Maps of 100 MB that want to hang or fill whoever reads them: refused in the time and memory that a real one takes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

MEGABYTES = 100
ROOM = 10  # times the map's size: a valid map of this size needs five
CHILD = """
import json, sys, time
from connectors.exceptions import SourceMapError
from tests.peak import peak_mb
from workbench.symbolicate.decode import decode_map
decode_map(b'{"version":3,"sources":["a"],"mappings":"AAAA"}')
before, repeated, after = (part.encode("latin-1") for part in json.loads(sys.argv[1]))
raw = before + repeated * ((int(sys.argv[2]) << 20) // len(repeated)) + after
start, held = time.process_time(), peak_mb()
try:
    said = f"read {decode_map(raw).columns.key.size}"
except SourceMapError as error:
    said = str(error)
used = peak_mb() - held
print(json.dumps([said, time.process_time() - start, int(used * 1e6)]))
"""


class Told(NamedTuple):
    """What decoding came to, CPU seconds, bytes of memory above those of the map itself."""

    said: str
    seconds: float
    bytes: int


def decode(before: str, repeated: str, after: str) -> Told:
    command = [sys.executable, "-c", CHILD, json.dumps([before, repeated, after]), str(MEGABYTES)]
    return Told(*json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


@pytest.fixture(scope="module")
def valid() -> Told:
    """A map of the same size that is one: 20 million segments."""
    told = decode('{"version":3,"sources":["a"],"mappings":"', "AAAA,", 'AAAA"}')
    assert told.said.startswith("read 20")
    return told


EMPTY = '{"offset":{"line":0,"column":0},"map":{"version":3,"sources":[],"mappings":""}},'
MANY_TEXTS = EMPTY.replace('"sources":[]', '"sources":[' + '"",' * 2000 + '""]')
HOSTILE = {
    "objects in objects": ('{"version":3,"x":', '{"a":', ""),
    "lists in sources": ('{"version":3,"mappings":"","sources":', "[", ""),
    "index maps in index maps": ('{"version":3,"sections":', '[{"offset":{"line":0,"column":0},"map":{"sections":', ""),
    "35 million names": ('{"version":3,"mappings":"","sources":[],"names":[', '"",', "1]}"),
    "a million sections": ('{"version":3,"sections":[', EMPTY, "1]}"),
    "20 million segments and a foreign character": ('{"version":3,"sources":["a"],"mappings":"', "AAAA,", '!"}'),
    "one number without end": ('{"version":3,"sources":[],"mappings":"', "g", '"}'),
    "numbers that add up beyond all bounds": ('{"version":3,"sources":["a"],"mappings":"', "+/////DAAA,", '"}'),
    "a text that does not end": ('{"version":3,"sources":["a"],"mappings":"', "A", ""),
    "17 million texts of sources": ('{"version":3,"mappings":"","sources":[],"sourcesContent":[', '"",', "null]}"),
    "texts of sources that are null": ('{"version":3,"mappings":"","sources":[],"sourcesContent":[', "null,", "null]}"),
    "texts between spaces": ('{"version":3,"mappings":"","sources":[],"sourcesContent":[', ' "\\",\\"" ,', '""]}'),
    "sources without a name": ('{"version":3,"mappings":"","names":[],"sources":[', '"",', '""]}'),
    "names of one letter": ('{"version":3,"mappings":"","sources":[],"names":[', '"é",', '""]}'),
    "50 million sources to ignore": ('{"version":3,"mappings":"","sources":["a"],"ignoreList":[', "0,", "0]}"),
    "a version of 25 million texts": ('{"version":["a"', ',"a"', '],"sources":[],"mappings":""}'),
    "a debug ID of 25 million texts": ('{"version":3,"sources":[],"mappings":"!","debugId":["a"', ',"a"', "]}"),
    "a version without end": ('{"version":', "9", ',"sources":[],"mappings":""}'),
    "an offset without end": (
        '{"version":3,"sections":[{"offset":{"column":0,"line":', "9",
        '},"map":{"version":3,"sources":[],"mappings":""}}]}',
    ),
    "one root before a million sources": (
        '{"version":3,"mappings":"","sourceRoot":"' + "r" * 2000 + '","sources":[', '"a",', '"a"]}'
    ),
    "sections of many texts each": ('{"version":3,"sections":[', MANY_TEXTS, "1]}"),
    "bytes that are no text": ('{"version":3,"mappings":"","sources":["', "\xff", '"]}'),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_refused_within_what_a_real_map_takes(kind: str, valid: Told) -> None:
    """Its seconds are of another process, on a machine that may be busy: four times that is no other order."""
    told = decode(*HOSTILE[kind])
    assert not told.said.startswith("read")
    assert len(told.said) < 300
    assert told.seconds < 4 * valid.seconds
    assert told.bytes < ROOM * (MEGABYTES << 20)
