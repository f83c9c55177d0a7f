"""Browser, operating system and class of device, parsed once for each distinct user agent."""

from __future__ import annotations

from functools import cache

import polars as pl
from ua_parser import Domain, Parser
from ua_parser.loaders import load_lazy_builtins

COLUMNS = ("browser", "browser_version", "os", "device_class")

# Order decides: tablets carry the marks of phones (iPad, "Android" without "Mobile"), never the other way round.
TABLET = r"(?i)ipad|tablet|kindle|silk/|playbook|nexus (?:7|9|10)\b|sm-t\d|xoom"
MOBILE = r"(?i)mobi|iphone|ipod|windows phone|blackberry|opera mini"


def device_class_of(user_agents: pl.Expr) -> pl.Expr:
    """Give `tablet`, `mobile` or `desktop` for each user agent; null for null.

    Android without "Mobile" is a tablet, as Google's guidance for user agents has it.

    Examples
    --------
    >>> agents = [
    ...     "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    ...     "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    ...     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    ... ]
    >>> pl.DataFrame({"ua": agents}).select(device_class_of(pl.col("ua")))["ua"].to_list()
    ['mobile', 'tablet', 'desktop']
    """
    android_tablet = user_agents.str.contains("Android") & ~user_agents.str.contains("(?i)mobi")
    return (
        pl.when(user_agents.str.contains(TABLET) | android_tablet)
        .then(pl.lit("tablet"))
        .when(user_agents.str.contains(MOBILE))
        .then(pl.lit("mobile"))
        .when(user_agents.is_not_null())
        .then(pl.lit("desktop"))
        .name.keep()
    )


def parse_agents(user_agents: pl.Series) -> pl.DataFrame:
    """Parse distinct user agents into one row each: user_agent, browser, browser_version, os, device_class.

    Examples
    --------
    >>> agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
    >>> parse_agents(pl.Series([agent, agent, None])).drop("user_agent").rows()
    [('Chrome', '126.0.0', 'Linux', 'desktop')]
    """
    distinct = user_agents.cast(pl.String).drop_nulls().unique().sort().alias("user_agent")
    parsed = [_parser()(agent, Domain.USER_AGENT | Domain.OS) for agent in distinct]
    versions = [
        ".".join(part for part in (it.user_agent.major, it.user_agent.minor, it.user_agent.patch) if part) or None
        if it.user_agent
        else None
        for it in parsed
    ]
    return pl.DataFrame(
        {
            "user_agent": distinct,
            "browser": pl.Series([it.user_agent and it.user_agent.family for it in parsed], dtype=pl.String),
            "browser_version": pl.Series(versions, dtype=pl.String),
            "os": pl.Series([it.os and it.os.family for it in parsed], dtype=pl.String),
        }
    ).with_columns(device_class_of(pl.col("user_agent")).alias("device_class"))


def with_agents(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill browser, browser_version, os and device_class of `frame` from its `user_agent`, where they are null.

    Only those of the four columns that the frame has are filled; what the source said itself stays.

    Examples
    --------
    >>> agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari"
    >>> rows = pl.DataFrame({"user_agent": [agent], "device_class": [None], "os": ["iOS 17"]})
    >>> with_agents(rows).select("device_class", "os").rows()
    [('mobile', 'iOS 17')]
    """
    wanted = [name for name in COLUMNS if name in frame.columns]
    agents = parse_agents(frame["user_agent"]).select("user_agent", *wanted)
    joined = frame.join(agents, on="user_agent", how="left", suffix="_parsed", maintain_order="left")
    filled = [pl.coalesce(pl.col(name).cast(pl.String), f"{name}_parsed").alias(name) for name in wanted]
    return joined.with_columns(filled).select(frame.columns)


@cache
def _parser() -> Parser:
    # Lazy: without its Rust part ua-parser compiles a thousand expressions at first use, and we ask for two domains.
    return Parser.from_matchers(load_lazy_builtins())
