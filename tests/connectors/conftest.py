"""The sample, opened once, and its raw files read with nothing but gzip and json."""

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from connectors.folder import FolderSource

SAMPLE = Path(__file__).resolve().parents[2] / "sample-data"


@pytest.fixture(scope="session")
def sample() -> FolderSource:
    return FolderSource(SAMPLE)


@pytest.fixture(scope="session")
def raw():
    """Read a raw file of the sample as a list of JSON lines, without any code of ours."""

    @cache
    def read(name: str) -> list:
        with gzip.open(SAMPLE / "raw" / name, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    return read


@pytest.fixture(scope="session")
def raw_items(raw):
    """Give (envelope header, item header, payload) of every item in the sample's envelopes."""
    items = []
    for line in raw("envelopes.ndjson.gz"):
        header, *rest = line["envelope"].split("\n")
        header = json.loads(header)
        while rest and rest[0]:
            item = json.loads(rest.pop(0))
            items.append((header, item, json.loads(rest.pop(0))))
    return items
