"""The client of Datadog's API, which its errors and its spans are both asked by: two keys, one host."""

from __future__ import annotations

from connectors.exceptions import AddressError
from connectors.formats.datadog_search import seconds_to_wait
from connectors.http import Http
from connectors.remote_address import Address
from connectors.secrets import secret_of, variables_of

SOURCE = "datadog"
# docs.datadoghq.com/getting_started/site: some sites have a name of their own before it (us3.datadoghq.com)
SITES = ("datadoghq.com", "datadoghq.eu", "ddog-gov.com")


def datadog_client(where: Address) -> Http:
    """Make the client, with both keys as headers.

    Raises
    ------
    AddressError
        The host is the one that people look at.

    Examples
    --------
    >>> from connectors.remote_address import parse_address
    >>> datadog_client(parse_address("datadog+https://app.datadoghq.eu", "datadog"))
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: datadog+https://app.datadoghq.eu is where people look; the API is at api.datadoghq.eu
    """  # noqa: E501
    if where.host.endswith(SITES) and not where.host.startswith("api."):
        site = where.host.removeprefix("app.")
        raise AddressError(f"{where.text} is where people look; the API is at api.{site}")
    keys = {"DD-API-KEY": secret_of(SOURCE, where.host), "DD-APPLICATION-KEY": secret_of("datadog_app", where.host)}
    return Http(
        where.base_url,
        source=SOURCE,
        secret_headers={name: key for name, key in keys.items() if key is not None},
        pace=lambda answer: seconds_to_wait(answer.headers),
    )


def application_key(where: Address) -> str:
    """Name the variable that holds the second key, for errors.

    Examples
    --------
    >>> from connectors.remote_address import parse_address
    >>> application_key(parse_address("datadog+https://api.datadoghq.eu", "datadog"))
    'BLINDSPOT_DATADOG_APP_TOKEN'
    """
    return variables_of("datadog_app", where.host)[-1]
