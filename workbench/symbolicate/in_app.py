"""Is a source of a map the team's own code?"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from workbench.rules.loader import load


@lru_cache(maxsize=65_536)
def is_own_source(source: str) -> bool:
    """Decide by the path alone: installed packages and the bundlers' own runtime are not ours.

    The rules are `in_app/frames-*.toml`, which serve addresses too, and `symbolicate/sources-*.toml`.

    Examples
    --------
    >>> is_own_source("src/CartDrawer.tsx"), is_own_source("../node_modules/react-dom/client.js")
    (True, False)
    >>> is_own_source("webpack://shop/webpack/bootstrap"), is_own_source("webpack://shop/./src/cart.js")
    (False, True)
    """
    return _foreign().search(source) is None


@cache
def _foreign() -> re.Pattern[str]:
    patterns = [rule["url"] for rule in load("in_app", "frames").data["not_in_app"]]
    patterns += [rule["source"] for rule in load("symbolicate", "sources").data["not_in_app"]]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
