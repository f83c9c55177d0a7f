"""What is where in a folder: what its `source.toml` says, or what its files show when one looks at them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.exceptions import SourceError, SourceNotFound
from connectors.files import SourceFile, find_files, heads_of
from connectors.formats.recognise import KINDS, recognise
from connectors.objects import Objects

DESCRIPTION = "source.toml"


@dataclass(frozen=True)
class Layout:
    """The files of a source by kind, and what is known of it as a whole."""

    name: str
    environment: str | None = None
    first_party: tuple[str, ...] = ()
    files: Mapping[str, Sequence[SourceFile]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    described: bool = False

    def of(self, kind: str) -> Sequence[SourceFile]:
        """Give the files of one kind."""
        return self.files.get(kind, ())

    def looked_for(self, kind: str) -> str:
        """Say what was looked for where there is nothing of one kind."""
        if kind in self.missing:
            return f"{DESCRIPTION} says that {kind} are at {self.missing[kind]}, and there is nothing"
        if self.described:
            return f"{DESCRIPTION} names no {kind}"
        return f"looked for {kind} in every file of the folder by its content, found none"


def read_layout(objects: Objects) -> Layout:
    """Find out what is where in a folder or bucket.

    When `source.toml` says where anything is, it is believed for everything; when it does not, or there is none, every
    file is looked at.

    Raises
    ------
    SourceError
        `source.toml` is not TOML, or says something that no source has.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> objects.write("vitals.log", b'{"ts":1741530000500,"name":"LCP","value":2612.5,"id":"v5-1"}')
    >>> [file.name for file in read_layout(objects).of("beacons")]
    ['vitals.log']
    """
    said = _read_description(objects)
    name = said.get("name") or objects.title
    about = {"environment": said.get("environment"), "first_party": tuple(said.get("first_party", ()))}
    places = {kind: said[kind] for kind in KINDS if kind in said}
    if not places:
        return Layout(name, **about, **_look(objects))
    files, missing = {}, {}
    for kind, place in places.items():
        for one in [place] if isinstance(place, str) else place:
            found = find_files(objects, one)
            files[kind] = [*files.get(kind, ()), *found]
            if not found:
                missing[kind] = one
    return Layout(name, **about, files=files, missing=missing, described=True)


def _read_description(objects: Objects) -> dict[str, Any]:
    try:
        said = tomllib.loads(objects.read(DESCRIPTION).decode())
    except SourceNotFound as error:
        if DESCRIPTION not in str(error):  # no bucket
            raise
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{DESCRIPTION} cannot be read: {error}") from error
    texts = ("name", "environment")
    known = {*texts, "first_party", *KINDS}
    unknown = sorted(said.keys() - known)
    if unknown:
        raise SourceError(
            f"{DESCRIPTION} says {', '.join(unknown)}; it may say {', '.join([*texts, 'first_party', *KINDS])}"
        )
    for key, value in said.items():
        listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (isinstance(value, str) or (listed and key not in texts)):
            raise SourceError(
                f"{DESCRIPTION}: {key} is {value!r}; give a text" + ("" if key in texts else " or a list of texts")
            )
    if isinstance(said.get("first_party"), str):
        said["first_party"] = [said["first_party"]]
    return said


def _look(objects: Objects) -> dict[str, Any]:
    files: dict[str, list[SourceFile]] = {}
    passed_over = []
    for file, head in heads_of(file for file in find_files(objects) if file.name != DESCRIPTION):
        kind = recognise(file.name, head)
        if kind is None:
            passed_over.append(file.name)
        else:
            files.setdefault(kind, []).append(file)
    return {"files": files, "passed_over": tuple(passed_over)}
