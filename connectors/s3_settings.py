"""Who we are on S3 and where it is: from the address, the environment, and the files of the AWS tools, in this order.

Secrets come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) or from a profile
of `~/.aws`; what runs inside AWS (a container's role, an instance's role, a web identity) is found by obstore and
Polars themselves. An address never holds one.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from connectors.exceptions import AddressError, AuthError
from connectors.redaction import redact

OPTIONS = ("endpoint", "region", "profile")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True)
class Settings:
    """What a client needs; `secrets` and what is made of them never show in a repr."""

    address: str
    bucket: str
    prefix: str
    region: str
    endpoint: str | None = None
    allow_http: bool = False
    unsigned: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def patience(self) -> timedelta:
        """How long one call is tried again: shorter where there are no keys and none may ever come."""
        return timedelta(seconds=60 if self.secrets else 10)

    def for_obstore(self) -> dict[str, str]:
        """Give the settings under the names that obstore knows."""
        said = {"region": self.region, "virtual_hosted_style_request": "false", **self.secrets}
        if self.endpoint:
            said["endpoint"] = self.endpoint
        return said | ({"skip_signature": "true"} if self.unsigned else {})

    def for_polars(self) -> dict[str, str]:
        """Give the settings under the names that Polars knows."""
        said = {"aws_region": self.region, "aws_virtual_hosted_style_request": "false", **self.secrets}
        if self.endpoint:
            said["aws_endpoint_url"] = self.endpoint
        if self.allow_http:
            said["allow_http"] = "true"
        return said | ({"aws_skip_signature": "true"} if self.unsigned else {})


def read_settings(address: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read an address such as `s3://bucket/prefix?endpoint=https://minio.example&region=eu-central-1`.

    Parameters
    ----------
    address
        The bucket, the prefix, and what the environment does not say: endpoint, region, profile.
    environment
        The variables; the process's own when not given.

    Raises
    ------
    AddressError
        No bucket, an option that there is not, a secret in the address, or an endpoint without TLS that is not on this
        machine.
    AuthError
        The profile has no keys of its own.

    Examples
    --------
    >>> read_settings("s3://replays/shop", {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "hush", "AWS_SECRET_ACCESS_KEY": "hush"})
    Settings(address='s3://replays/shop', bucket='replays', prefix='shop', region='eu-west-1', endpoint=None, allow_http=False, unsigned=False)
    >>> read_settings("s3://replays/shop?acl=public", {})
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: s3://replays/shop?acl=public says acl; an address of S3 may say endpoint, region, profile
    """  # noqa: E501
    environment = os.environ if environment is None else environment
    parts, shown = urlsplit(address), redact(address)
    if "@" in parts.netloc or shown != address:
        raise AddressError(f"{shown} holds a secret; take it out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if not parts.netloc:
        raise AddressError(f"{shown} names no bucket; give s3://bucket/prefix")
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(said.keys() - set(OPTIONS))
    if unknown:
        raise AddressError(f"{shown} says {', '.join(unknown)}; an address of S3 may say {', '.join(OPTIONS)}")
    profile = _profile(said.get("profile"), environment)
    endpoint = (
        said.get("endpoint")
        or environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
    )
    region = (
        said.get("region")
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or profile.get("region")
        or "us-east-1"
    )
    return Settings(
        address=shown,
        bucket=parts.netloc,
        prefix=parts.path.strip("/"),
        region=region,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        allow_http=_without_tls(endpoint, shown, environment),
        unsigned=environment.get("AWS_SKIP_SIGNATURE", "").lower() == "true",
        secrets=_secrets(said.get("profile"), profile, environment),
    )


def _without_tls(endpoint: str | None, shown: str, environment: Mapping[str, str]) -> bool:
    if endpoint is None or endpoint.lower().startswith("https://"):
        return False
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or not parts.hostname:
        raise AddressError(f"the endpoint of {shown} is {redact(endpoint)!r}; give https:// and a host")
    if parts.hostname not in LOOPBACK and environment.get("AWS_ALLOW_HTTP", "").lower() != "true":
        raise AddressError(
            f"the endpoint {redact(endpoint)} has no TLS, and keys are not carried there; give https://, "
            "or set AWS_ALLOW_HTTP=true when the network is your own"
        )
    return True


def _secrets(asked: str | None, profile: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Give the keys: of the environment, unless the address itself asks for a profile, else of the profile."""
    ours = {name: environment[name.upper()] for name in KEYS if environment.get(name.upper())}
    if ours and not asked:
        missing = [name.upper() for name in KEYS[:2] if name not in ours]
        if missing:
            raise AuthError(f"{' and '.join(missing)} is not set, and one key is nothing without the other; set both")
        return ours
    return {name: profile[name] for name in KEYS if profile.get(name)}


def _profile(asked: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Read a profile of the AWS tools' two files; the default one may be missing, as may keys that stand elsewhere."""
    name = asked or environment.get("AWS_PROFILE")
    home = Path(environment.get("HOME") or Path.home()) / ".aws"
    credentials = _ini(Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"))
    config = _ini(Path(environment.get("AWS_CONFIG_FILE") or home / "config"))
    found = {**config.get(f"profile {name}" if name else "default", {}), **credentials.get(name or "default", {})}
    if name and not found:
        there = sorted({*credentials, *(section.removeprefix("profile ") for section in config)})
        raise AuthError(f"there is no AWS profile {name!r}; there are: {', '.join(there) or 'none'}")
    if name and not found.get(KEYS[0]) and not (environment.get("AWS_ACCESS_KEY_ID") and not asked):
        raise AuthError(
            f"the AWS profile {name!r} has no keys of its own; run `aws configure export-credentials --profile {name} "
            "--format env` and set what it prints"
        )
    return found


def _ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except (configparser.Error, UnicodeDecodeError):
        # the parser's own words would repeat the line, and a line can be a secret
        raise AuthError(
            f"the AWS file {path.name} cannot be read; it is not of the form [profile] key = value"
        ) from None
    return {section: dict(parser[section]) for section in parser.sections()}
