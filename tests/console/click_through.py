"""Which co-cluster has drifted, and what do the lists of a genre count as a success: answered by clicking only.

`python -m tests.console.click_through http://127.0.0.1:8400 sleep`, while a demo plays in which a change was found;
prints the answers, the number of clicks, and the seconds that a browser took.
"""

import shutil
import sys
import time
from typing import NamedTuple

from playwright.sync_api import Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
DRAWN = "html[data-drawn=yes]"


class Answers(NamedTuple):
    """What was read off the pages."""

    drifted: str
    before_and_after: tuple[str, str]
    co_cluster: str
    success_from: dict[str, str]  # by reward
    clicks: int
    seconds: float


class _Clicking:
    """Clicks, counted; nothing is typed, and no address is opened after the first."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, what: Locator, address: str) -> None:
        what.click()
        self.clicks += 1
        self.page.wait_for_url(address)
        self.page.wait_for_selector(DRAWN)


def click_through(page: Page, address: str, genre: str) -> Answers:
    """Begin at the address that the console prints."""
    begun_s = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(DRAWN)
    clicking = _Clicking(page)
    trouble = page.locator(".troubles li", has_text="streaming-time").first
    clicking.click(trouble.get_by_role("link"), "**/drift#*")
    incident = page.locator("section.incident").filter(has=page.get_by_role("link", name="See the co-cluster")).first
    drifted = incident.get_by_role("heading").inner_text()
    before, after = incident.locator("dd").all_inner_texts()[:2]
    clicking.click(page.get_by_role("link", name="Co-clusters"), "**/co-clusters")
    table = page.locator("#table-co-clusters table")
    names = table.locator("thead th").all_inner_texts()
    column = next(place for place, name in enumerate(names) if genre in name)
    clicking.click(table.locator("tbody tr").first.locator("td a").nth(column), "**/co-clusters/*/*")
    rows = page.locator("#thresholds table tbody tr").all_inner_texts()
    return Answers(
        drifted=drifted,
        before_and_after=(before, after),
        co_cluster=page.get_by_role("heading", level=1).inner_text(),
        success_from=dict(row.split("\t")[:2] for row in rows),
        clicks=clicking.clicks,
        seconds=time.perf_counter() - begun_s,
    )


def main(address: str, genre: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, value in click_through(browser.new_page(), address, genre)._asdict().items():
            print(f"{name:<18} {value}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
