"""A site that serves bundles, asked over HTTP: what it sends for each, and whether it gives the map as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from connectors.exceptions import AuthError, BlindspotError, SourceNotFound
from connectors.formats.source_maps import is_map
from connectors.http import Http
from connectors.secrets import secret_of

AT_ONCE = 8
ANY = {"accept": "*/*"}


class Sent(NamedTuple):
    """What a site sent for a script: text (None with a `problem`), headers, whether `<script>.map` is a source map."""

    code: str | None
    headers: Mapping[str, str]
    map_answers: bool
    problem: str | None = None


def ask_site(site: str, paths: Sequence[str]) -> list[Sent]:
    """Ask a site for scripts and their maps; a secret for it comes from `BLINDSPOT_SITE_TOKEN`, where it wants one.

    Parameters
    ----------
    site
        `https://shop.example`, with the folder that the build is deployed to, if any.
    paths
        Paths of scripts below it.

    Examples
    --------
    >>> ask_site("https://shop.example", [])
    []
    """
    http = Http(site, source="site", bearer=secret_of("site", urlsplit(site).hostname), timeout=20.0, attempts=2)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda path: _ask(http, path), paths))
    finally:
        http.close()


def _ask(http: Http, path: str) -> Sent:
    try:
        answer = http.get(path, headers=ANY)
    except BlindspotError as error:
        return Sent(None, {}, False, str(error))
    code = answer.body.decode("utf-8-sig", "replace")
    try:
        given = http.get(f"{path}.map", headers=ANY).body
    except (SourceNotFound, AuthError):  # nobody gets it without a right to
        return Sent(code, answer.headers, False)
    except BlindspotError as error:
        return Sent(None, answer.headers, False, f"whether {path}.map answers could not be asked: {error}")
    return Sent(code, answer.headers, is_map(given))  # a site may answer every path with its page
