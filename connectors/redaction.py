"""Addresses without their secrets, for every `repr`, report and error."""

from __future__ import annotations

import re

# a password may hold a slash that nobody wrote as %2F; a port and a path do not look like one
USERINFO = re.compile(r"(?<=://)(?:[^/@\s]*@|[^/@:\s]*:(?!\d+/)[^@\s]*@)")
SECRET_PARAMETER = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|pwd|api_?-?key|access_?key|signature|credential|auth)[\w.-]*|sig|key|pass|pw)=)"
    r"[^&;#\s]+"
)
BEARER = re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}")


def redact(text: str) -> str:
    """Give `text` with user names, passwords and tokens in addresses replaced by `***`.

    Examples
    --------
    >>> redact("sentry+https://maya:s3cret@sentry.example.com/acme/shop?token=abc&project=1")
    'sentry+https://***@sentry.example.com/acme/shop?token=***&project=1'
    >>> redact("s3://maya:pa/ss@bucket/shop"), redact("https://cdn.example.com:8443/@acme/shop.js")
    ('s3://***@bucket/shop', 'https://cdn.example.com:8443/@acme/shop.js')
    >>> redact("401 for https://ch.example.com/?query=x with Bearer eyJhbGciOi.J9")
    '401 for https://ch.example.com/?query=x with Bearer ***'
    >>> redact("sample-data")
    'sample-data'
    """
    text = USERINFO.sub("***@", text)
    text = SECRET_PARAMETER.sub(r"\1***", text)
    return BEARER.sub(r"\1 ***", text)
