"""Tags of a git repository as deploys: `git for-each-ref` with the fields below, a line a tag.

A tag's date is when it was made (annotated), or when its commit was (lightweight). Source: git-for-each-ref(1).
"""

from __future__ import annotations

from connectors.formats.rows import Rows
from connectors.formats.values import as_micros, shown

SEPARATOR = "\x00"
FIELDS = ("refname:strip=2", "objecttype", "objectname", "*objecttype", "*objectname", "creatordate:iso-strict")
FORMAT = "%00".join(f"%({field})" for field in FIELDS)
"""What `for-each-ref` is asked for: name, what it points to, and what that points to where it is an annotated tag."""


def read_tags(raw: bytes, rows: Rows, *, by_commit: bool = False, environment: str | None = None) -> None:
    r"""Read the tags into rows of releases, named by the tag or by the commit that it points to.

    Examples
    --------
    >>> import polars as pl
    >>> from connectors.formats.releases import release_rows
    >>> rows = release_rows()
    >>> sha = "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb"
    >>> line = f"v2.1\x00tag\x00{'0' * 40}\x00commit\x00{sha}\x002026-03-09T15:20:00+01:00\n"
    >>> read_tags(line.encode(), rows)
    >>> rows.frame().select("release", "deployed_at", pl.col("commit") == sha).rows()
    [('v2.1', datetime.datetime(2026, 3, 9, 14, 20, tzinfo=zoneinfo.ZoneInfo(key='UTC')), True)]
    """
    for line in raw.decode(errors="replace").splitlines():
        name, *said = line.split(SEPARATOR)
        if len(said) != 5:
            rows.refuse(f"tag {name}", f"{shown(line)} is no line of tags")
            continue
        kind, target, below, commit, made = said
        if kind == "commit":
            commit = target
        elif below != "commit":
            rows.skip("tags of something that is no commit")
            continue
        at = as_micros(made)
        if at is None:
            rows.refuse(f"tag {name}", f"it was made at {shown(made)}, which is not a time; the release is kept")
        rows.add((commit if by_commit else name, environment, at, None, commit))
