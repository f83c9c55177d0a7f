"""A team's sources by name, as `workbench.toml` describes them.

::

    [sources.shop]
    tracker     = "sentry+https://sentry.example.com/acme/shop"
    rum         = "clickhouse+https://ch.example.com/rum"
    replays     = "s3://replays/shop"
    traces      = ["tempo+https://tempo.example.com", "s3://envelopes/shop"]
    lab         = "lhci+https://lhci.example.com/shop"
    sourcemaps  = "s3://artifacts/shop"
    releases    = "deploys/"
    environment = "production"
    first_party = ["shop.example.com"]

The file is looked for in the working folder and in those above it; paths in it start from its own folder. Secrets have
no place in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from connectors.exceptions import SourceError
from connectors.redaction import redact

FILE = "workbench.toml"
KINDS = ("tracker", "rum", "replays", "traces", "lab", "sourcemaps", "releases")
ABOUT = ("environment", "first_party")
# as in an address; one letter before the colon is a drive
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# the one scheme that a path follows without a colon
WAREHOUSE_FILE = "duckdb+"


class Described(NamedTuple):
    """One source of `workbench.toml`: where its parts are, by kind, and what is known of it as a whole."""

    name: str
    parts: Mapping[str, tuple[str, ...]]
    environment: str | None = None
    first_party: tuple[str, ...] = ()

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Each address once, with the kinds that it is named for."""
        every = dict.fromkeys(address for addresses in self.parts.values() for address in addresses)
        return {one: tuple(kind for kind, listed in self.parts.items() if one in listed) for one in every}


def find_sources(start: Path | None = None) -> dict[str, Described]:
    """Read the nearest `workbench.toml`, from `start` (the working folder) upwards; no file is no sources.

    Raises
    ------
    SourceError
        The file says something that no source has, or holds a secret.

    Examples
    --------
    >>> import tempfile
    >>> here = Path(tempfile.mkdtemp())
    >>> _ = (here / "workbench.toml").write_text('[sources.till]\\ntracker = "bugsink+https://bugs.example/till"')
    >>> below = here / "notebooks"
    >>> below.mkdir()
    >>> find_sources(below)["till"].addresses
    {'bugsink+https://bugs.example/till': ('tracker',)}
    """
    start = (start or Path()).resolve()
    for folder in (start, *start.parents):
        path = folder / FILE
        if path.is_file():
            return read_sources(path)
    return {}


def read_sources(path: Path) -> dict[str, Described]:
    """Read the sources of one `workbench.toml`."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{FILE} cannot be read: {error}") from error
    except OSError as error:
        raise SourceError(f"{FILE} in {path.parent} cannot be read: {error.strerror}") from error
    unknown = sorted(said.keys() - {"sources"})
    sources = said.get("sources", {})
    if unknown or not isinstance(sources, dict):
        raise SourceError(f"{FILE} says {', '.join(unknown) or 'sources = ...'}; it may say [sources.<name>]")
    return {name: _described(name, about, path.parent) for name, about in sources.items()}


def _described(name: str, said: Any, folder: Path) -> Described:
    where = f"{FILE}: sources.{name}"
    if not isinstance(said, dict):
        raise SourceError(f"{where} is not a table; write [sources.{name}] and its parts below it")
    unknown = sorted(said.keys() - {*KINDS, *ABOUT})
    if unknown:
        raise SourceError(f"{where} says {', '.join(unknown)}; it may say {', '.join([*KINDS, *ABOUT])}")
    listed = {key: _texts(f"{where}.{key}", value) for key, value in said.items()}
    if len(listed.get("environment", ())) > 1:
        raise SourceError(f"{where}.environment names several; give one")
    parts = {kind: tuple(_from(folder, one) for one in listed[kind]) for kind in KINDS if listed.get(kind)}
    if not parts:
        raise SourceError(f"{where} names no part; give at least one of {', '.join(KINDS)}")
    return Described(name, parts, next(iter(listed.get("environment", ())), None), listed.get("first_party", ()))


def _texts(where: str, value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(one, str) and one.strip() for one in texts):
        raise SourceError(f"{where} is a {type(value).__name__}; give a text or a list of texts")
    for text in texts:
        if redact(text) != text:
            raise SourceError(
                f"{where} holds a secret ({redact(text)}); take it out of the file and set it in the environment "
                "(`workbench sources` says which variable)"
            )
    return tuple(texts)


def _from(folder: Path, address: str) -> str:
    """Give a path from the file's own folder; addresses of systems stay as they are."""
    if SCHEME.match(address) or address.startswith("~"):
        return address
    plus = WAREHOUSE_FILE if address.startswith(WAREHOUSE_FILE) else ""
    return f"{plus}{folder / address.removeprefix(WAREHOUSE_FILE)}"
