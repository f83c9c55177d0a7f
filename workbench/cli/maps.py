"""`workbench check-maps`, `upload-maps`, `prune-maps`: source maps between the build and the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

check = App(name="check-maps", help="Check that a build may be deployed: its maps are in the store and nowhere else.")
upload = App(name="upload-maps", help="Put the maps of a build into a store, all or nothing.")
prune = App(name="prune-maps", help="Remove maps after their time; frames on them then say that they expired.")

Patterns = Annotated[tuple[str, ...], Parameter(consume_multiple=False, negative=())]


@check.default
def check_maps(
    build: Path,
    /,
    *,
    release: str,
    store: str | None = None,
    dist: str | None = None,
    prefix: str = "~/",
    url: str | None = None,
    ignore: Patterns = (),
    allow: Patterns = (),
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Check that a build may be deployed: every bundle has its own map in the store, and nothing gives it away.

    Exits with 0 when it may, with 1 when not: one line a finding, with the way out.

    Parameters
    ----------
    build
        The folder that is deployed.
    release
        What the SDK will report, exactly.
    store
        Where the maps were uploaded: a folder, s3://bucket/prefix, a lake, an artifact bundle. Without one only what
        gives maps away is looked for.
    dist
        The dist, if the SDK reports one.
    prefix
        Where the site serves the folder: ~/ is its root.
    url
        A site that serves this build already: every bundle, its headers and its map are asked for.
    ignore
        A pattern of scripts that need no map, by their path in the build. May be given again.
    allow
        A verdict that does not stop this deploy. May be given again.
    as_json
        One JSON object instead of lines.
    """
    from workbench.artifacts import check_maps as run

    checked = run(build, release, store, dist=dist, prefix=prefix, url=url, ignore=ignore, allow=allow)
    if as_json:
        said = {"passed": checked.passed, "release": release, "bundles": checked.bundles,
                "positions": checked.positions, "findings": checked.findings.to_dicts()}  # fmt: skip
        _print_json(said)
    else:
        for row in checked.findings.iter_rows(named=True):
            where = f" {row['bundle']}:" if row["bundle"] else ""
            print(f"{row['severity']} {row['verdict']}:{where} {row['detail']}. {row['way_out']}")
        print(_verdict(checked, release, asked=store is not None))
    return 0 if checked.passed else 1


@upload.default
def upload_maps(
    build: Path,
    /,
    *,
    release: str,
    store: str,
    dist: str | None = None,
    prefix: str = "~/",
    ignore: Patterns = (),
    replace: Annotated[bool, Parameter(negative=())] = False,
    inject: Annotated[bool, Parameter(negative=())] = False,
    strip: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Put the maps of a build into a store, all or nothing. The same upload again changes nothing.

    Parameters
    ----------
    build
        The folder that is deployed, with the maps still in it.
    release
        What the SDK will report, exactly.
    store
        A folder of maps, or s3://bucket/prefix.
    dist
        The dist, if the SDK reports one.
    prefix
        Where the site serves the folder: ~/ is its root.
    ignore
        A pattern of scripts that need no map, by their path in the build. May be given again.
    replace
        Take the place of other maps of this very release.
    inject
        Write a debug ID into bundles and maps that have none, before the upload.
    strip
        After the upload take the maps, and the comments that name them, out of the build.
    as_json
        One JSON object instead of lines.
    """
    from workbench.artifacts import upload_maps as run

    done = run(build, release, store, dist=dist, prefix=prefix, ignore=ignore, replace=replace, inject=inject,
               strip=strip)  # fmt: skip
    if as_json:
        _print_json({"release": release, "maps": [one._asdict() for one in done.put], "without": done.without,
                     "changed": done.changed})  # fmt: skip
        return
    for one in done.put:
        print(f"{one.outcome} {one.map_location} ({one.bytes:,} bytes)")
    for path in done.without:
        print(f"no map: {path}")
    for said in done.changed:
        print(f"build: {said}")
    fresh = sum(one.outcome != "same" for one in done.put)
    print(f"release {release}: {len(done.put)} maps listed, {fresh} of them written")


@prune.default
def prune_maps(
    *,
    store: str,
    older_than: str = "90d",
    keep_last: int = 1,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Remove maps after their time; they stay listed, so that frames say why they are not mapped.

    A listing that is broken is left as it is, with its maps, and named; the exit code is 1 then.

    Parameters
    ----------
    store
        A folder of maps, or s3://bucket/prefix.
    older_than
        Since their upload: 90d, 12h, 2w.
    keep_last
        The releases uploaded last stay whatever their age: they may still be deployed.
    dry_run
        Say what would go; change nothing.
    as_json
        One JSON object instead of lines.
    """
    from connectors.sourcemaps.pruning import PartlyPruned
    from workbench.artifacts import prune_maps as run

    problems: tuple[str, ...] = ()
    try:
        gone = run(store, older_than, keep_last=keep_last, dry_run=dry_run)
    except PartlyPruned as error:
        gone, problems = error.pruned, error.problems
    if as_json:
        _print_json({"pruned": [one._asdict() for one in gone], "dry_run": dry_run, "problems": problems})
    else:
        for one in gone:
            print(f"{'would prune' if dry_run else 'pruned'} {one.map_location}, uploaded {one.uploaded_at:%Y-%m-%d}")
        total = sum(one.bytes for one in gone)
        print(f"{_plural(len(gone), 'map')} older than {older_than}, {total / 1e6:.1f} MB")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _verdict(checked: Any, release: str, *, asked: bool) -> str:
    bad = checked.findings.filter(checked.findings["severity"] == "bad").height
    if bad:
        return f"release {release} must not be deployed: {_plural(bad, 'finding')}"
    said = f"release {release}: {_plural(checked.bundles, 'bundle')} checked"
    return f"{said}, {checked.positions:,} positions tried" if asked else f"{said} for leaks; no store was asked"


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _print_json(said: dict[str, Any] | Sequence[Any]) -> None:
    print(json.dumps(said, indent=1, ensure_ascii=False, default=str))
