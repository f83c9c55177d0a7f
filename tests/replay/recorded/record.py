"""Record a page in real Chromium with @rrweb/record, and what the browser itself says that it shows.

    npm install @rrweb/record@2.1.6
    python tests/replay/recorded/record.py node_modules/@rrweb/record/dist/record.umd.min.cjs

The page changes itself at random (one seed, in `fuzz.js`), step after step; after every step the browser's own
`innerHTML` and `innerText` are noted. The two files beside this one are what came out.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main(recorder: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 900, "height": 600})
        page.route("http://recorded.test/", lambda route: route.fulfill(path=HERE / "page.html"))
        page.goto("http://recorded.test/")
        page.add_script_tag(path=recorder)
        page.add_script_tag(path=str(HERE / "fuzz.js"))
        page.evaluate("start()")
        seen = [page.evaluate("step()") for _ in range(150)]
        page.type("#name", "Ada Example", delay=20)
        page.type("#notes", "ring twice", delay=20)
        page.check("#tos")
        page.click("#pay")
        seen += [page.evaluate(f"stage('{stage}')") for stage in STAGES]
        (HERE / "events.json.gz").write_bytes(
            gzip.compress(page.evaluate("JSON.stringify(events)").encode(), 9, mtime=0)
        )
        (HERE / "seen.json.gz").write_bytes(gzip.compress(json.dumps(seen).encode(), 9, mtime=0))
        browser.close()


STAGES = ("shown", "restyled", "shadow", "frame", "checkpoint", "after_checkpoint", "blank", "back", "flicker", "end")

if __name__ == "__main__":
    main(sys.argv[1])
