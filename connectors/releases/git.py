"""Deploys from the tags of a checkout: `git+file:///srv/shop?pattern=v*&environment=production`.

`release=commit` names a release by the commit that its tag points to, for builds that report their SHA; else it is
named by the tag. Nothing in the checkout is changed, and nothing of it is run: git is only asked for its refs.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.exceptions import AddressError, FetchError, SourceNotFound
from connectors.formats.git_tags import FORMAT, read_tags
from connectors.formats.releases import release_rows
from connectors.loaded import Loaded
from connectors.redaction import redact
from connectors.releases.listed import ListedReleases

OPTIONS = ("pattern", "release", "environment")
FORM = "git+file:///path/of/a/checkout?pattern=v*"
SECONDS = 60
# a checkout's own configuration may name programs; none of these is needed to list refs
HARMLESS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager", "--no-optional-locks")


class GitTags(ListedReleases):
    """The tags of a checkout, or of a bare repository, as deploys.

    Parameters
    ----------
    path
        The checkout.
    pattern
        Which tags, as a shell pattern; `*` does not reach over a `/`.
    by_commit
        Name releases by their commit.
    environment
        Where those tags are deployed; None is unknown.

    Examples
    --------
    >>> GitTags.open("git+file:///srv/shop?pattern=v*&branch=main")
    Traceback (most recent call last):
        ...
    connectors.exceptions.AddressError: git+file:///srv/shop?pattern=v*&branch=main says branch; it may say pattern,
    release, environment
    """

    def __init__(
        self, path: Path, *, pattern: str = "*", by_commit: bool = False, environment: str | None = None
    ) -> None:
        super().__init__(path.resolve().name, str(path))
        self._path, self._pattern, self._by_commit = path, pattern, by_commit
        self.environment = environment

    @classmethod
    def open(cls, address: str) -> GitTags:
        """Open the checkout at an address; it is not looked at yet.

        Raises
        ------
        AddressError
            It names no path, or says what no checkout has.
        SourceNotFound
            There is no folder.
        """
        url = urlsplit(address)
        options = dict(parse_qsl(url.query, keep_blank_values=True))
        shown = redact(address)
        if unknown := sorted(options.keys() - set(OPTIONS)):
            raise AddressError(f"{shown} says {', '.join(unknown)}; it may say {', '.join(OPTIONS)}")
        if options.get("release", "tag") not in ("tag", "commit"):
            raise AddressError(f"{shown} says release={options['release']}; releases are named by tag or by commit")
        place = unquote(url.netloc + url.path)
        if not place:
            raise AddressError(f"{shown} names no checkout; an address of one looks like {FORM}")
        path = Path(place).expanduser()
        if not path.is_dir():
            raise SourceNotFound(f"there is no folder at {redact(str(path))}")
        by_commit = options.get("release") == "commit"
        environment = options.get("environment") or None
        return cls(path, pattern=options.get("pattern") or "*", by_commit=by_commit, environment=environment)

    def load(self) -> Loaded:
        """Ask git for the tags.

        Raises
        ------
        SourceNotFound
            The folder is no checkout.
        FetchError
            There is no git, or it did not answer.
        """
        rows = release_rows()
        read_tags(self._ask(), rows, by_commit=self._by_commit, environment=self.environment)
        loaded = Loaded.of(rows, 1)
        if loaded.frame.is_empty():
            return loaded.with_frame(loaded.frame, f"looked for tags like {self._pattern}, found none")
        return loaded

    def _ask(self) -> bytes:
        # The pattern stands behind a prefix, the path is the working folder: neither can be taken for an option.
        command = ["git", *HARMLESS, "for-each-ref", f"--format={FORMAT}", f"refs/tags/{self._pattern}"]
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            environment.pop(name, None)
        try:
            asked = subprocess.run(command, cwd=self._path, env=environment, capture_output=True, timeout=SECONDS)
        except FileNotFoundError as error:
            raise FetchError("git is not installed here, and tags cannot be read without it") from error
        except subprocess.TimeoutExpired as error:
            raise FetchError(f"git did not list the tags of {self.address} within {SECONDS} s") from error
        if asked.returncode:
            said = asked.stderr.decode(errors="replace").strip().splitlines()
            raise SourceNotFound(f"there is no git checkout at {self.address} ({said[0] if said else 'git fails'})")
        return asked.stdout
