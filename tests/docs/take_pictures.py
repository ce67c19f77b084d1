"""Take the pictures of the documentation from the console: `python -m tests.docs.take_pictures`, with Chromium.

The console reads a broker with the records that its own tests use: a small world, learned by the real processors.
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from streams.broker.embedded import EmbeddedBroker
from streams.topics.admin import ensure
from tests.console.conftest import SETTINGS, _Running, has_read, write
from tests.console.told_records import everything
from tests.docs.documents import ROOT

PICTURES = ROOT / "docs" / "pictures"
TAKEN = {
    "co-clusters.png": ("/co-clusters", 1_000, 640),
    "co-cluster.png": ("/co-clusters/0/1", 1_000, 640),
}
"""Each picture: the page, and the size of the window."""


def take(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(exist_ok=True)
    with EmbeddedBroker() as embedded, sync_playwright() as playwright:
        ensure(SETTINGS, embedded.bootstrap)
        write(embedded.bootstrap, everything())
        with _Running(embedded.bootstrap) as running:
            while not has_read(running.address):
                pass
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name, (path, width, height) in TAKEN.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(running.address + path)
                page.wait_for_selector("html[data-drawn=yes]")
                page.screenshot(path=folder / name)
            browser.close()


if __name__ == "__main__":
    take(PICTURES)
