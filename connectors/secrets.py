"""Secrets of remote systems: from the environment, else from the keyring; never from an address, never in a `repr`.

For `sentry+https://sentry.example.com/acme/shop` the first of these that is set is taken:

1. the environment variable `BLINDSPOT_SENTRY_TOKEN__SENTRY_EXAMPLE_COM`,
2. the environment variable `BLINDSPOT_SENTRY_TOKEN`,
3. the keyring's entry of service `blindspot` and user `sentry://sentry.example.com`,
4. the keyring's entry of service `blindspot` and user `sentry` (`keyring set blindspot sentry`).

A system that wants two secrets asks for each by a name of its own (`secret_of("datadog_app")`).
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NoReturn

from connectors.exceptions import AuthError, ParameterError

SERVICE = "blindspot"
HIDDEN = "***"


class Secret:
    """A text that shows itself only to who asks for it by `reveal()`.

    Its `repr`, `str` and every format of it are `***`; it cannot be pickled, and it has no attribute that holds the
    text in the clear where `vars()` or a debugger's list of fields would print it.

    Examples
    --------
    >>> token = Secret("s3cret")
    >>> token, f"{token}", str(token), token.reveal()
    (Secret(***), '***', '***', 's3cret')
    >>> vars(token)
    Traceback (most recent call last):
        ...
    TypeError: vars() argument must have __dict__ attribute
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        text = text.strip()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ParameterError("a secret holds a space, a line break or a letter that is not ASCII; set it anew")
        self._reveal = lambda: text

    def reveal(self) -> str:
        """Give the text itself."""
        return self._reveal()

    def as_basic(self, user: str) -> Secret:
        """Give the `Authorization` header of HTTP Basic: this is `user:password`, or else the password of `user`.

        Examples
        --------
        >>> Secret("s3cret").as_basic("lhci").reveal()
        'Basic bGhjaTpzM2NyZXQ='
        """
        pair = self.reveal() if ":" in self.reveal() else f"{user}:{self.reveal()}"
        header = Secret(base64.b64encode(pair.encode()).decode())
        encoded = header.reveal()
        header._reveal = lambda: f"Basic {encoded}"
        return header

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, form: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.reveal(), other.reveal())

    __hash__ = None  # type: ignore[assignment]  # a hash that lies in a dump can be guessed at

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; open the store again where it is needed")


def secret_of(system: str, host: str | None = None) -> Secret | None:
    """Look the secret of a system up: the environment first, then the keyring if that package is installed.

    Parameters
    ----------
    system
        As in the scheme: "sentry".
    host
        The host as it stands in the address, with its port if it has one; a secret of just this host goes first.

    Returns
    -------
    The secret, or None when there is none; empty variables count as not set.

    Raises
    ------
    AuthError
        There is a keyring, and it cannot be read.

    Examples
    --------
    >>> os.environ["BLINDSPOT_ACME_TOKEN__ACME_EXAMPLE_COM"] = "t0k3n"
    >>> secret_of("acme", "acme.example.com").reveal()
    't0k3n'
    >>> del os.environ["BLINDSPOT_ACME_TOKEN__ACME_EXAMPLE_COM"]
    """
    for name in variables_of(system, host):
        if os.environ.get(name, "").strip():
            try:
                return Secret(os.environ[name])
            except ParameterError as error:
                raise ParameterError(f"{name}: {error}") from None
    return _from_keyring([f"{system}://{host}", system] if host else [system])


def variables_of(system: str, host: str | None = None) -> list[str]:
    """Name the environment variables that are looked at, in order.

    Examples
    --------
    >>> variables_of("sentry", "sentry.my-shop.com:8443")
    ['BLINDSPOT_SENTRY_TOKEN__SENTRY_MY_SHOP_COM_8443', 'BLINDSPOT_SENTRY_TOKEN']
    """
    of_all = f"BLINDSPOT_{_upper(system)}_TOKEN"
    return [f"{of_all}__{_upper(host)}", of_all] if host else [of_all]


def without_secrets(text: str, secrets: Iterable[Secret]) -> str:
    """Give `text` with the secrets themselves replaced, for what a server says back to us.

    Examples
    --------
    >>> without_secrets("no user has the token abc123def", [Secret("abc123def")])
    'no user has the token ***'
    """
    for secret in secrets:
        text = text.replace(secret.reveal(), HIDDEN) if secret.reveal() else text
    return text


def _upper(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", text).upper()


def _from_keyring(users: list[str]) -> Secret | None:
    try:
        keyring = import_module("keyring")
        errors = import_module("keyring.errors")
    except ModuleNotFoundError:
        return None
    try:
        found = next(filter(None, (keyring.get_password(SERVICE, user) for user in users)), None)
    except errors.NoKeyringError:
        return None
    except (errors.KeyringError, ImportError, AttributeError, OSError) as error:  # the latter: a backend that is none
        raise AuthError(
            f"the keyring cannot be read ({type(error).__name__}); unlock it, or set an environment variable instead"
        ) from error
    return Secret(found) if found else None
