"""Addresses to stores: a lazy table of "module:Class", which other distributions can add to.

A package that brings a store says so in its metadata, and its address works everywhere::

    [project.entry-points."blindspot.stores"]
    "acme+https" = "acme_blindspot.store:AcmeStore"

What is registered as `acme+https` is opened by `acme+http` as well, which is for servers on this machine and for those
that want no secret. The class is called as `AcmeStore.open(address)` and answers one or more Protocols of
`connectors.stores`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.exceptions import AddressError, MissingExtra, SourceNotFound
from connectors.objects import Objects
from connectors.redaction import redact
from connectors.sources import FILE as DESCRIPTION
from connectors.sources import find_sources

GROUP = "blindspot.stores"
STORES: Mapping[str, str] = {
    "folder": "connectors.folder:FolderSource",
    "bundle": "connectors.sourcemaps.artifact_bundle:ArtifactBundleStore",
    "lake": "connectors.lake:Lake",
    "duckdb": "connectors.warehouse:Warehouse",
    "duckdb+file": "connectors.warehouse:Warehouse",
    "spark+sc": "connectors.warehouse:Warehouse",
    "spark+local": "connectors.warehouse:Warehouse",
    "jaeger+https": "connectors.traces.jaeger:JaegerStore",
    "jaeger+http": "connectors.traces.jaeger:JaegerStore",
    "tempo+https": "connectors.traces.tempo:TempoStore",
    "tempo+http": "connectors.traces.tempo:TempoStore",
    "zipkin+https": "connectors.traces.zipkin:ZipkinStore",
    "zipkin+http": "connectors.traces.zipkin:ZipkinStore",
    "clickhouse+https": "connectors.rum.clickhouse:ClickHouseTables",
    "clickhouse+http": "connectors.rum.clickhouse:ClickHouseTables",
    "clickhouse+chdb": "connectors.rum.clickhouse:ClickHouseTables",
    "clickhouse-traces+https": "connectors.traces.clickhouse:ClickHouseTraces",
    "clickhouse-traces+http": "connectors.traces.clickhouse:ClickHouseTraces",
    "clickhouse-traces+chdb": "connectors.traces.clickhouse:ClickHouseTraces",
    "hyperdx+https": "connectors.replay.hyperdx:HyperDxStore",
    "hyperdx+http": "connectors.replay.hyperdx:HyperDxStore",
    "hyperdx+chdb": "connectors.replay.hyperdx:HyperDxStore",
    "datadog+https": "connectors.rum.datadog:DatadogRum",
    "datadog+http": "connectors.rum.datadog:DatadogRum",
    "datadog-spans+https": "connectors.traces.datadog:DatadogSpans",
    "datadog-spans+http": "connectors.traces.datadog:DatadogSpans",
    "loki+https": "connectors.rum.loki:LokiFaro",
    "loki+http": "connectors.rum.loki:LokiFaro",
    "posthog+https": "connectors.rum.posthog:PosthogStore",
    "posthog+http": "connectors.rum.posthog:PosthogStore",
    "sentry+https": "connectors.tracker.sentry:SentryStore",
    "sentry+http": "connectors.tracker.sentry:SentryStore",
    "glitchtip+https": "connectors.tracker.glitchtip:GlitchTipStore",
    "glitchtip+http": "connectors.tracker.glitchtip:GlitchTipStore",
    "bugsink+https": "connectors.tracker.bugsink:BugsinkStore",
    "bugsink+http": "connectors.tracker.bugsink:BugsinkStore",
    "lhci+https": "connectors.lab.lhci:LhciStore",
    "lhci+http": "connectors.lab.lhci:LhciStore",
    "releases+file": "connectors.releases.files:ReleaseFile",
    "git+file": "connectors.releases.git:GitTags",
}
# the schemes whose address is a path
ON_DISK = ("folder", "lake", "releases+file")
SAMPLE = "sample-data"
# one letter before the colon is a drive, not a scheme
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
# what a source of workbench.toml can be called: neither a path nor an address
NAME = re.compile(r"[\w-][\w. -]*")


def open_store(address: str | os.PathLike[str]) -> Any:
    """Open the store at an address: a folder's path, `sample-data`, or `scheme://...` for a system.

    Parameters
    ----------
    address
        A path (a lake when the folder holds `lake.json`, else a folder of files), `file:`, `folder:` or `lake:` and a
        path, `s3://bucket/prefix` (a lake or files likewise), the name of a source in `workbench.toml`, or an address
        whose scheme some package has registered.

    Returns
    -------
    An object that answers one or more Protocols of `connectors.stores`.

    Raises
    ------
    AddressError
        No store has this scheme; the message lists those there are.
    SourceNotFound
        There is nothing at the address.
    MissingExtra
        The store's module needs a package that is not installed.

    Examples
    --------
    >>> open_store("jaegger+https://traces.example.com")
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: no store has the scheme 'jaegger+https' (jaegger+https://traces.example.com); there are: ... folder, ...lake...
    >>> open_store("no/such/folder")
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceNotFound: there is no folder at no/such/folder
    """  # noqa: E501
    text = os.fspath(address)
    if not text.strip():
        raise AddressError(f"the address is empty; give a folder's path, {SAMPLE!r}, or scheme://... of a system")
    if NAME.fullmatch(text) and (described := find_sources().get(text)):
        return load_store("connectors.combined:open_combined", text)(described)
    scheme = SCHEME.match(text)
    if scheme and not os.path.exists(text):
        name = scheme[1].lower()
        if name == "s3":
            return _open_objects(Objects.open(text))
        if name == "file":
            return _open_path(_path_of(text))
        known = schemes()
        if name not in known and f"{name}s" in known and name.endswith("+http"):
            name += "s"
        if name not in known:
            there = ", ".join(sorted({*known, "file", "s3"}))
            raise AddressError(f"no store has the scheme {name!r} ({redact(text)}); there are: {there}")
        target = _path_of(text) if name in ON_DISK else text
        return load_store(known[name], name).open(target)
    return _open_path(text)


def schemes() -> dict[str, str]:
    """Give every scheme with its "module:Class": ours, and what installed packages register.

    Examples
    --------
    >>> schemes()["lake"]
    'connectors.lake:Lake'
    """
    return {**{entry.name: entry.value for entry in entry_points(group=GROUP)}, **STORES}


def load_store(where: str, scheme: str) -> Any:
    """Import the class at "module:Class".

    Examples
    --------
    >>> load_store("connectors.folder:FolderSource", "folder").__name__
    'FolderSource'
    """
    module, _, name = where.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name == module or module.startswith(f"{error.name}."):
            raise AddressError(
                f"the store of {scheme!r} is registered as {where}, but there is no such module"
            ) from error
        extra = scheme.partition("+")[0]
        raise MissingExtra(
            f"{scheme} needs the package {error.name}: pip install 'blindspot-workbench[{extra}]'"
        ) from error


def _open_path(text: str) -> Any:
    path = Path(os.path.expanduser(text))
    if text.rstrip("/") == SAMPLE and not os.path.isdir(path):
        path = Path(__file__).resolve().parent.parent / SAMPLE
        if not path.is_dir():
            raise SourceNotFound(f"{SAMPLE} is part of the checkout, and there is none here; give the folder's path")
    if text.startswith("duckdb+") or path.name.endswith("warehouse.toml"):
        return load_store(STORES["duckdb"], "duckdb").open(text)
    if os.path.isfile(path) and path.suffix.lower() == ".zip":
        return load_store(STORES["bundle"], "bundle").open(os.fspath(path))
    if not os.path.isdir(path) and NAME.fullmatch(text):
        there = ", ".join(sorted(find_sources())) or f"none (there is no {DESCRIPTION} here or above)"
        raise AddressError(
            f"{redact(text)!r} is neither a folder, an address (scheme://...) nor a source of {DESCRIPTION}; "
            f"sources there: {there}"
        )
    if not os.path.isdir(path):
        raise SourceNotFound(f"there is no folder at {redact(text)}")
    return _open_objects(Objects.open(path))


def _open_objects(objects: Objects) -> Any:
    """Open a lake where there is its list, else a source of files."""
    kind = "lake" if objects.exists("lake.json") else "folder"
    return load_store(STORES[kind], kind).open(objects)


def _path_of(address: str) -> str:
    """Give the path of `file:///a/b`, `lake:./b` or `folder://b`."""
    _, _, rest = address.partition(":")
    if rest.startswith("//"):
        parts = urlsplit(address)
        rest = unquote(parts.netloc + parts.path)
    return rest or "."
