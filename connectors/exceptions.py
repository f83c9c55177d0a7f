"""The errors that the ground floor raises, as a tree.

::

    BlindspotError                 everything below; `except BlindspotError` is enough for a caller
    ├── TableError                 a frame does not have the columns or values of a canonical table
    ├── SourceError                a source could not be opened or understood
    │   ├── AddressError           the address names no known kind of store
    │   ├── SourceNotFound         the address is fine, but nothing is there
    │   └── MissingExtra           the store needs a package that is not installed
    ├── FetchError                 the source is there, but did not give what was asked for
    │   ├── AuthError              it refused our credentials
    │   ├── RateLimited            it asked us to come back later
    │   └── WrittenMeanwhile       somebody else wrote what we were about to replace
    ├── FormatError                bytes are not what their format says (one file, one line, one envelope)
    ├── SourceMapError             a source map breaks a rule of ECMA-426
    ├── RuleError                  a file of rules cannot be understood (line and column are in the message)
    └── ParameterError             a report or notebook was given a parameter that it does not have

Each message is one sentence that names the value, the place and the way out. No message carries a secret:
addresses are redacted where they enter.
"""

from __future__ import annotations


class BlindspotError(Exception):
    """Base of every error that Blindspot raises on purpose."""


class TableError(BlindspotError):
    """A frame does not have the columns or values of a canonical table."""


class SourceError(BlindspotError):
    """A source could not be opened or understood."""


class AddressError(SourceError):
    """The address names no known kind of store."""


class SourceNotFound(SourceError):
    """The address is well-formed, but nothing is there."""


class MissingExtra(SourceError):
    """The store needs a package that is not installed; the message gives the install line."""


class FetchError(BlindspotError):
    """The source is there, but did not give what was asked for."""


class AuthError(FetchError):
    """The source refused our credentials."""


class CallRefused(FetchError):
    """The source understood one call and would not answer it: `status` as in HTTP, `detail` in the source's words."""

    def __init__(self, message: str, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail

    def __reduce__(self) -> tuple[type[CallRefused], tuple[str, int, str]]:
        return type(self), (str(self), self.status, self.detail)


class RateLimited(FetchError):
    """The source asked us to come back later, and later than we are allowed to wait."""


class WrittenMeanwhile(FetchError):
    """Somebody else wrote what was about to be replaced; nothing is changed, and trying again is safe."""


class FormatError(BlindspotError):
    """Bytes are not what their format says they are."""


class SourceMapError(BlindspotError):
    """A source map breaks a rule of ECMA-426."""


class RuleError(BlindspotError):
    """A file of rules cannot be understood."""


class ParameterError(BlindspotError):
    """A report or notebook was given a parameter that it does not have, or a value that it cannot use."""
