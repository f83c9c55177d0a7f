"""What of a source is to be synced: the remote systems behind an address, or behind a name in `workbench.toml`."""

from __future__ import annotations

from typing import Any

from connectors.exceptions import AddressError, FetchError
from connectors.registry import open_store
from connectors.remote import RemoteStore


def remote_stores(source: str | Any) -> list[RemoteStore]:
    """Open the remote systems of a source; what lies in files is read where it lies, and left out.

    Parameters
    ----------
    source
        An address, the name of a source in `workbench.toml`, or a store.

    Raises
    ------
    AddressError
        Nothing of it is a remote system.
    FetchError
        A part cannot be opened now, so that the lake would lack what it has.

    Examples
    --------
    >>> [store.name for store in remote_stores("sentry+https://sentry.example.com/acme/shop")]
    ['sentry acme/shop']
    >>> remote_stores("sample-data")
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: sample-data is read where it lies; what is synced is a remote system (https)
    """
    store = open_store(source) if isinstance(source, str) else source
    stores = [store]
    if not isinstance(store, RemoteStore) and hasattr(store, "parts"):
        for part in store.parts:
            if part.store is None:
                raise FetchError(f"{store.name}: {part.address} cannot be opened ({part.failed})")
        stores = [part.store for part in store.parts]
    remote = [one for one in stores if isinstance(one, RemoteStore)]
    if not remote:
        where = getattr(store, "name", source) if len(stores) > 1 else getattr(store, "address", source)
        raise AddressError(f"{where} is read where it lies; what is synced is a remote system (https)")
    return remote
