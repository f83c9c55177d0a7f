"""Addresses of remote systems, taken apart: `sentry+https://sentry.example.com/acme/shop?environment=production`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.exceptions import AddressError
from connectors.redaction import redact
from connectors.secrets import variables_of

# options that every address may have: what the store's rows are narrowed to, whose code is ours
EVERYWHERE = ("environment", "first_party")


class Address(NamedTuple):
    """What an address says.

    Attributes
    ----------
    host
        With its port if it has one: the name that secrets are looked up by.
    base_url
        "https://host" and what stands in its path before the parts (a server below a prefix).
    parts, options
        The named parts of the path; the query, in which "environment" and "first_party" may stand for every system.
    text
        The address as it may be shown.
    """

    host: str
    base_url: str
    parts: Mapping[str, str]
    options: Mapping[str, str]
    text: str


def parse_address(address: str, system: str, form: str = "") -> Address:
    """Take the address of a remote system apart.

    Parameters
    ----------
    address
        `<system>+https://host[:port][/prefix]/<parts>[?options]`; `+http` is for this machine and for systems that want
        no secret.
    system
        "sentry"
    form
        The parts that the path has, then the options that the query may have: "org/project?query,site". A part that
        may be left out is the last and ends in "*"; all others may stand behind a prefix.

    Raises
    ------
    AddressError
        Parts are missing, an option is unknown, or there is a secret in it; the message says how it ought to look.

    Examples
    --------
    >>> parsed = parse_address("sentry+https://sentry.example.com/acme/shop?environment=production", "sentry", "org/project")
    >>> parsed.base_url, dict(parsed.parts), dict(parsed.options)
    ('https://sentry.example.com', {'org': 'acme', 'project': 'shop'}, {'environment': 'production'})
    >>> parse_address("tempo+http://127.0.0.1:3200/tempo", "tempo").base_url
    'http://127.0.0.1:3200/tempo'
    >>> parse_address("sentry+https://sentry.example.com/acme", "sentry", "org/project?query")
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: sentry+https://sentry.example.com/acme does not name its project; an address of
    sentry looks like sentry+https://host/org/project?query=...
    """  # noqa: E501
    path_form, _, options_form = form.partition("?")
    names = [name for name in path_form.split("/") if name]
    known = [name for name in options_form.replace("&", ",").split(",") if name]
    form_of_all = f"{system}+https://host" + "".join(f"/{name.rstrip('*')}" for name in names)
    form_of_all += "?" + "&".join(f"{name}=..." for name in known) if known else ""
    looks = f"an address of {system} looks like {form_of_all}"
    shown = redact(address)
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:  # its words repeat what stands there, which may be a password
        raise AddressError(f"{shown} is no address (its host or port cannot be read); {looks}") from None
    scheme = url.scheme.rpartition("+")[2]
    if not url.hostname or scheme not in ("http", "https"):
        raise AddressError(f"{shown} names no host; {looks}")
    host = url.netloc.rpartition("@")[2]
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    if "@" in url.netloc or redact(f"?{url.query}") != f"?{url.query}":
        raise AddressError(
            f"{shown} has a secret in it, where others can read it; set {variables_of(system, host)[-1]} instead"
        )
    segments = [unquote(one) for one in url.path.split("/") if one]
    least = sum(not name.endswith("*") for name in names)
    if len(segments) < least:
        missing = [name for name in names if not name.endswith("*")][len(segments) :]
        raise AddressError(f"{shown} does not name its {' and '.join(missing)}; {looks}")
    unknown = sorted(options.keys() - {*known, *EVERYWHERE})
    if unknown:
        raise AddressError(f"{shown} says {', '.join(unknown)}; it may say {', '.join([*known, *EVERYWHERE])}")
    before = max(0, len(segments) - len(names)) if least == len(names) else 0
    prefix = "".join(f"/{one}" for one in segments[:before])
    parts = {name.rstrip("*"): part for name, part in zip(names, segments[before:], strict=False)}
    return Address(host, f"{scheme}://{host}{prefix}", parts, options, shown)
