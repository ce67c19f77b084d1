"""Which co-cluster has drifted, and what do the lists of a genre count as a success: answered by clicking only.

`python -m tests.console.click_through --start sleep` starts the demo itself, with its console, and ends it; or
`python -m tests.console.click_through --address http://127.0.0.1:8400 sleep` beside a demo that plays (`make demo`).
Waits for a change to be named as long as that demo lives, and says what it waits for; then prints the answers, the
number of clicks, the seconds that a browser took for them, and the minutes since the demo's start (with an address:
since it wrote its catalogue).
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
DRAWN = "html[data-drawn=yes]"
TIMEOUT_MS = 300_000
"""Of a click, on a machine that is busy."""
LOOK_EVERY_S, TELL_EVERY_S = 1.0, 10.0
STILL_S = 120.0
"""A demo from which nothing has come for so long will name nothing any more."""
DEMO = [sys.executable, "-m", "streams.cli.main", "demo", "--console", "--keep"]
LEADS_ON = "See the co-cluster"


class Answers(NamedTuple):
    """What was read off the pages."""

    drifted: str
    before_and_after: tuple[str, str]
    co_cluster: str
    success_from: dict[str, str]  # by reward
    clicks: int
    seconds: float


class OverError(Exception):
    """The demo has ended, or names no change any more."""


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
    """Begin at the address that the console prints; a change has been named."""
    page.set_default_timeout(TIMEOUT_MS)
    begun_s = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(DRAWN)
    clicking = _Clicking(page)
    troubles = page.locator(".troubles li", has_text="streaming-time")
    if troubles.count():
        clicking.click(troubles.first.get_by_role("link"), "**/drift#*")
    else:  # a minor change is no trouble
        clicking.click(page.get_by_role("link", name="Drift", exact=True), "**/drift")
    incident = page.locator("section.incident").filter(has=page.get_by_role("link", name=LEADS_ON)).first
    drifted = incident.get_by_role("heading").inner_text()
    before, after = incident.locator("dd").all_inner_texts()[:2]
    clicking.click(page.get_by_role("link", name="Co-clusters"), "**/co-clusters")
    table = page.locator("#table-co-clusters table")
    names = table.locator("thead th").all_inner_texts()
    column = next((place for place, name in enumerate(names) if genre in name), None)
    if column is None:
        raise OverError(f"no card group is labelled {genre}: there are {', '.join(names)}")
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


def wait_for_change(address: str, tell: Callable[[str], None]) -> None:
    """Wait until a change of streaming time is named; raises `OverError` if that is not to be expected any more."""
    begun_s = told_s = time.monotonic()
    while LEADS_ON not in (drift := _page(f"{address}/drift")):
        now_s = time.monotonic()
        newest_ms = _newest_ms(drift, "co-clusters")
        if newest_ms is not None and time.time() - newest_ms / 1_000 > STILL_S:
            raise OverError(f"nothing was learned for {STILL_S:.0f} s, and no change was named: play another demo")
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            waits_for = "co-clusters" if newest_ms is None else "a change of streaming time to be named"
            tell(f"{now_s - begun_s:4.0f} s: waiting for {waits_for}; {drift.count('<section aria')} other incidents")
        time.sleep(LOOK_EVERY_S)


def catalogue_s(address: str) -> float | None:
    """When the demo wrote its catalogue, which is the first thing that it does."""
    at_ms = _newest_ms(_page(f"{address}/listener"), "catalogue")
    return None if at_ms is None else at_ms / 1_000


def _page(address: str) -> str:
    try:
        with urlopen(address, timeout=TIMEOUT_MS / 1_000) as answer:
            return str(answer.read().decode())
    except (URLError, ConnectionError, TimeoutError) as error:
        raise OverError(f"{address} does not answer ({error}): the demo has ended, start it with --keep") from error


def _newest_ms(html: str, topic: str) -> int | None:
    found = re.search(rf'{topic}: newest record <time datetime="[^"]*" data-ms="(\d+)"', html)
    return int(found[1]) if found else None


@contextmanager
def demo(seconds: float, tell: Callable[[str], None]) -> Iterator[str]:
    """A demo with a console, kept until we are done; yields the address."""
    process = subprocess.Popen(
        [*DEMO, "--seconds", str(seconds)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    told: Queue[str] = Queue()

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            tell(f"demo: {line.rstrip()}")
            if found := re.search(r"the console: (http\S+)", line):
                told.put(found[1])

    threading.Thread(target=listen, daemon=True).start()
    try:
        address = None
        while address is None:
            try:
                address = told.get(timeout=LOOK_EVERY_S)
            except Empty:
                if process.poll() is not None:
                    raise OverError(f"the demo ended with status {process.returncode}") from None
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def answer(address: str, genre: str, begun_s: float | None, tell: Callable[[str], None]) -> None:
    address = address.rstrip("/")
    wait_for_change(address, tell)
    named_s = time.time()
    started_s = begun_s if begun_s is not None else catalogue_s(address) or named_s
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            answers = click_through(browser.new_page(), address, genre)
        except BrowserError as error:
            _page(address)  # says so if the demo has ended meanwhile
            raise OverError(f"the browser gave up: {error}") from error
        finally:
            browser.close()
    for name, value in answers._asdict().items():
        print(f"{name:<18} {value}")
    print(f"{'minutes':<18} {(time.time() - started_s) / 60:.1f} since the demo's start, of which "
          f"{(named_s - started_s) / 60:.1f} until a change was named")  # fmt: skip


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = asked.add_mutually_exclusive_group(required=True)
    where.add_argument("--start", action="store_true", help="start a demo, and end it")
    where.add_argument("--address", help="the console's address, as a demo prints it")
    asked.add_argument("--seconds", type=float, default=60.0, help="that the demo plays; more on a busy machine")
    asked.add_argument("genre", help="of the lists, such as sleep")
    given = asked.parse_args()

    def tell(said: str) -> None:
        print(said, file=sys.stderr, flush=True)

    try:
        if given.start:
            begun_s = time.time()
            with demo(given.seconds, tell) as address:
                answer(address, given.genre, begun_s, tell)
        else:
            answer(given.address, given.genre, None, tell)
    except OverError as error:
        tell(f"no answer: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
