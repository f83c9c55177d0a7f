"""Deploys from a file of a deploy script and from the tags of a real git repository."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.exceptions import AddressError, SourceNotFound
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms

CSV = """\
release,environment,deployed_at,previous_release,commit
aaaa,production,2026-03-02T09:00:00Z,,
bbbb,staging,2026-03-09T13:50:00Z,,bbbb1
bbbb,production,2026-03-09T14:20:00Z,aaaa,bbbb1
cccc,production,1773099600,,
"""
EXPECTED = [
    ("aaaa", "production", datetime(2026, 3, 2, 9, tzinfo=UTC), None, None),
    ("bbbb", "staging", datetime(2026, 3, 9, 13, 50, tzinfo=UTC), None, "bbbb1"),
    ("bbbb", "production", datetime(2026, 3, 9, 14, 20, tzinfo=UTC), "aaaa", "bbbb1"),
    ("cccc", "production", datetime(2026, 3, 9, 23, 40, tzinfo=UTC), "bbbb", None),
]
COLUMNS = ("release", "environment", "deployed_at", "previous_release", "commit")


def rows_of(store, window: Window | None = None) -> list[tuple]:
    return store.releases(window or Window()).frame.select(COLUMNS).sort("deployed_at").collect().rows()


@pytest.mark.parametrize("form", ["plain", "packed", "semicolons", "json", "lines"])
def test_a_file_in_any_form(tmp_path, form):
    path = tmp_path / {"packed": "deploys.csv.gz", "json": "deploys.json", "lines": "d.ndjson"}.get(form, "deploys.csv")
    objects = [
        f'{{"release":"{release}","environment":"{environment}","deployed_at":"{at.isoformat()}"'
        f"{'' if commit is None else f', {chr(34)}commit{chr(34)}: {chr(34)}{commit}{chr(34)}'}}}"
        for release, environment, at, _, commit in EXPECTED
    ]
    path.write_bytes(
        {
            "plain": CSV.encode("utf-8-sig"),
            "packed": gzip.compress(CSV.encode()),
            "semicolons": CSV.replace(",", ";").replace("\n", "\r\n").encode(),
            "json": f"[{','.join(objects)}]".encode(),
            "lines": "\n".join(objects).encode(),
        }[form]
    )
    store = open_store(f"releases+file:{path}")
    assert rows_of(store) == EXPECTED
    assert_conforms(store)
    assert (store.has("releases"), store.has("events")) == (True, False)
    check = store.check()
    assert (check.ok, check.says, check.since) == (True, "4 deploys of 3 releases", EXPECTED[0][2])


def test_a_table_in_a_folder_is_known_by_its_header(tmp_path):
    (tmp_path / "whatever.txt").write_text(CSV)
    (tmp_path / "people.csv").write_text("name,team\nMaya,shop\n")
    store = open_store(tmp_path)
    assert {row[:3] for row in rows_of(store)} == {row[:3] for row in EXPECTED}
    assert store.passed_over == ("people.csv",)


def test_a_window_of_deploys(tmp_path):
    (tmp_path / "deploys.csv").write_text(CSV)
    store = open_store(f"releases+file:{tmp_path / 'deploys.csv'}")
    window = Window(datetime(2026, 3, 9, 14, tzinfo=UTC), datetime(2026, 3, 9, 20, tzinfo=UTC))
    # what was there before is known, although it lies before the window
    assert rows_of(store, window) == EXPECTED[2:3]


def test_what_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "deploys.csv"
    path.write_text(CSV + ",production,2026-03-11T09:00:00Z\ndddd,production,soon\n")
    report = open_store(f"releases+file:{path}").releases(Window()).report
    assert [refused.place for refused in report.refused] == ["deploys.csv:6", "deploys.csv:7"]
    assert "not a time; the release is kept" in report.refused[1].reason
    assert report.rows == 5
    path.write_text("when,what\n2026,deployed\n")
    assert "neither JSON nor a table" in open_store(f"releases+file:{path}").releases(Window()).report.refused[0].reason
    with pytest.raises(SourceNotFound, match=r"there is no file of releases at .*gone\.csv"):
        open_store(f"releases+file:{tmp_path / 'gone.csv'}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    if not shutil.which("git"):
        pytest.skip("needs git: apt-get install git")
    folder = tmp_path_factory.mktemp("checkout")

    def git(*arguments: str, at: str = "2026-03-01T00:00:00Z") -> str:
        about = {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": at,
            "GIT_AUTHOR_NAME": "shop", "GIT_AUTHOR_EMAIL": "shop@example.org", "GIT_COMMITTER_DATE": at,
            "GIT_COMMITTER_NAME": "shop", "GIT_COMMITTER_EMAIL": "shop@example.org",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**os.environ, **about}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one", at="2026-03-02T09:00:00Z")
    git("tag", "v1.0")
    git("commit", "-q", "--allow-empty", "-m", "two", at="2026-03-09T13:00:00Z")
    # made with an offset, twenty minutes past two UTC
    git("tag", "-a", "v2.0", "-m", "the second", at="2026-03-09T15:20:00+01:00")
    git("tag", "nightly/7")
    git("tag", "v0-tree", "HEAD^{tree}")
    (folder / "commits").write_text("\n".join(git("rev-parse", name) for name in ("v1.0^{commit}", "v2.0^{commit}")))
    return folder


def test_tags_of_a_checkout(checkout):
    first, second = (checkout / "commits").read_text().split("\n")
    store = open_store(f"git+file://{checkout}?pattern=v*&environment=production")
    assert rows_of(store) == [
        ("v1.0", "production", datetime(2026, 3, 2, 9, tzinfo=UTC), None, first),
        ("v2.0", "production", datetime(2026, 3, 9, 14, 20, tzinfo=UTC), "v1.0", second),
    ]
    assert "1 tags of something that is no commit" in store.releases(Window()).report.note
    assert_conforms(store)
    by_commit = open_store(f"git+file:{checkout}?pattern=v*&release=commit")
    assert [row[0] for row in rows_of(by_commit)] == [first, second]
    assert len(rows_of(open_store(f"git+file://{checkout}"))) == 2
    assert [row[0] for row in rows_of(open_store(f"git+file://{checkout}?pattern=nightly/*"))] == ["nightly/7"]


@pytest.mark.parametrize("pattern", ["--all", "-x", "../../heads/*", "$(touch made)", "`touch made`;touch made"])
def test_a_pattern_is_never_an_option_or_a_command(checkout, pattern):
    from urllib.parse import quote

    report = open_store(f"git+file://{checkout}?pattern={quote(pattern)}").releases(Window()).report
    assert (report.rows, report.note) == (0, f"looked for tags like {pattern}, found none")
    assert not (checkout / "made").exists()


def test_what_is_no_checkout_is_said(checkout, tmp_path):
    with pytest.raises(SourceNotFound, match=r"there is no git checkout at .* .fatal: not a git repository"):
        open_store(f"git+file://{tmp_path}").releases(Window())
    with pytest.raises(SourceNotFound, match="there is no folder at"):
        open_store(f"git+file://{tmp_path}/gone")
    with pytest.raises(AddressError, match="releases are named by tag or by commit"):
        open_store(f"git+file://{checkout}?release=sha")
    with pytest.raises(AddressError, match="names no checkout"):
        open_store("git+file://?pattern=v*")
