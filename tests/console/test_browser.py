"""The console in a real browser, filled from a broker: what a person asks, and what a machine can check of each page.

Screenshots are kept in `console-pages/`. Needs Chromium on the PATH.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from schemas.codec import decode
from streams.console.page_maker import NAVIGATION
from streams.pictures import words
from tests.console.click_through import click_through
from tests.console.conftest import DEADLINE_S, Served, read_all, running, write
from tests.console.told_records import learned, record

CHROMIUM = shutil.which("chromium")
PICTURES = Path(__file__).parent.parent.parent / "console-pages"
PATHS = [*(path for path, _ in NAVIGATION), "/co-clusters/0/1", "/co-clusters?show=drift", "/listener?user=u1"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
}
TIMEOUT_MS = 300_000
"""For a machine that is busy: nothing here is about speed."""
DRAWN = "html[data-drawn=yes]"

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")]


class Visited:
    """A page, and all that its browser complained of or asked other hosts for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.set_default_timeout(DEADLINE_S * 1_000)
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"asks {request.url}")

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        self.page.wait_for_selector(DRAWN)
        return self.page


def context_of(browser: Browser, look: str) -> BrowserContext:
    context = browser.new_context(**LOOKS[look])
    context.set_default_timeout(TIMEOUT_MS)
    return context


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=LOOKS)
def look(request: pytest.FixtureRequest, browser: Browser, served: Served) -> Iterator[tuple[str, Visited]]:
    context = context_of(browser, request.param)
    yield request.param, Visited(context.new_page(), served.address)
    context.close()


@pytest.fixture
def visited(browser: Browser, served: Served) -> Iterator[Visited]:
    context = context_of(browser, "light")
    yield Visited(context.new_page(), served.address)
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_fits_the_screen_and_asks_nobody_else(look: tuple[str, Visited], path: str) -> None:
    name, visited = look
    page = visited.go(path)
    PICTURES.mkdir(exist_ok=True)
    words = re.sub(r"\W+", "-", path).strip("-") or "home"
    page.screenshot(path=PICTURES / f"{words}-{name}.png", full_page=True)
    if name != "phone":  # where a page has the same elements and colours; in the dark only colours differ
        found = Axe().run(page, options={"runOnly": ["color-contrast"]} if name == "dark" else None)
        assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= LOOKS[name]["viewport"]["width"], "only charts and tables scroll sideways"
    plots = page.locator(".plot").count()
    assert page.locator(".plot svg").count() == plots, "every chart is drawn"
    assert not visited.complaints


def test_how_long_do_sleep_lists_last_here_and_what_counts_as_a_success(visited: Visited) -> None:
    page = visited.go("/")
    page.get_by_role("link", name="Co-clusters").click()
    page.wait_for_selector(DRAWN)
    page.locator("#plot-co-clusters .mark-text.role-mark text").nth(1).click()
    page.wait_for_url("**/co-clusters/*/*")
    page.wait_for_selector(DRAWN)
    shown = page.locator("#thresholds table tbody tr").all_inner_texts()
    assert {row.split("\t")[0] for row in shown} == set(learned().model.thresholds_s)
    assert not visited.complaints


def test_which_co_cluster_has_drifted_and_what_do_sleep_lists_count_as_a_success(visited: Visited) -> None:
    model = learned().model
    answers = click_through(visited.page, visited.address, "sleep")
    assert "streaming-time of sleep (1.2)" in answers.drifted
    assert answers.before_and_after == ("2 min 27 s", "19 s")
    column = next(k for k, label in enumerate(model.labels) if "sleep" in label)
    assert answers.co_cluster == f"User group 0 on {model.labels[column]}"
    told = {name: words.seconds(matrix[0][column]) for name, matrix in model.thresholds_s.items()}
    assert answers.success_from == told
    assert answers.clicks == 3
    assert not visited.complaints


def test_an_editor_renames_a_card_group(browser: Browser, broker: str) -> None:
    with running(broker, allow_editing=True) as console:
        page = context_of(browser, "light").new_page()
        page.goto(f"{console.address}/co-clusters")
        page.get_by_label("Name", exact=True).nth(1).fill("Falling asleep")
        page.get_by_role("button", name="Rename").nth(1).click()
        page.get_by_text("The name is written.").wait_for()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.context.close()
    [*_, (key, value)] = read_all(broker, "card-group-names")
    said = decode("card-group-names", value)
    assert (key, said.group, said.name) == (b"1", 1, "Falling asleep")


def test_an_editor_defines_an_experiment_and_is_told_what_is_wrong_where_it_stands(
    browser: Browser, broker: str
) -> None:
    with running(broker, allow_editing=True) as console:
        visited = Visited(context_of(browser, "light").new_page(), console.address)
        page = visited.go("/evidence")
        page.get_by_role("link", name="Define another experiment").click()
        text = page.get_by_label("Definition")
        given = text.input_value()
        text.fill(given.replace("share = 0.1", "share = 0.7"))
        page.get_by_role("button", name="Check").click()
        page.get_by_text("the shares add to 1.4, more than one").wait_for()
        assert text.get_attribute("aria-describedby") == "text-error"
        keep_pictures(page, "experiment-fault")
        text.fill(given.replace('"ranking"', '"another"'))
        page.get_by_role("button", name="Check").click()
        page.get_by_text("80% are in no experiment of the layer").wait_for()
        page.wait_for_selector(DRAWN)
        keep_pictures(page, "experiment")
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("heading", name="static-home: ").wait_for()
        assert [said for said in visited.complaints if "400 (Bad Request)" not in said] == [], "that is the fault"
        page.context.close()
    [written] = [value for key, value in read_all(broker, "experiments") if key == b"static-home"]
    assert [one.share for one in decode("experiments", written).variants] == [0.1, 0.1]


def keep_pictures(page: Page, name: str) -> None:
    """Screenshots in every look; the page has no violation, and only charts and tables scroll sideways."""
    PICTURES.mkdir(exist_ok=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for look, options in LOOKS.items():
        page.emulate_media(color_scheme=options["color_scheme"])
        page.set_viewport_size(options["viewport"])
        page.screenshot(path=PICTURES / f"{name}-{look}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(LOOKS["light"]["viewport"])


def test_what_does_a_listener_see_and_why_by_keyboard_alone(visited: Visited) -> None:
    page = visited.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    while page.evaluate("document.activeElement.textContent") != "Listener":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/listener")
    page.wait_for_selector(DRAWN)
    page.locator("#user").focus()
    page.keyboard.type(learned().pages[0].user_id)
    page.keyboard.press("Enter")
    page.wait_for_url("**/listener?user=*")
    page.wait_for_selector(DRAWN)
    first = learned().pages[0].shelves[0]
    assert page.locator("h2").first.inner_text() == f"1. {first.shelf_id}"
    assert page.locator(".cards li ul").count() == sum(len(shelf.cards) for shelf in learned().pages[0].shelves)
    assert not visited.complaints


def test_what_would_twelve_minutes_earn(visited: Visited) -> None:
    page = visited.go("/rewards")
    page.get_by_role("spinbutton", name="A stream of").fill("720")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**seconds=720**")
    assert "12 min" in page.locator("#ladder figcaption").inner_text()


def test_news_comes_by_itself_and_keeps_what_is_open_and_can_be_paused(visited: Visited, served: Served) -> None:
    page = visited.go("/co-clusters")
    summary = page.locator("#table-co-clusters summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert not page.locator("#table-co-clusters").evaluate("it => it.open")
    later = replace(learned().model, version=learned().model.version + 1)
    write(served.bootstrap, [record("co-clusters", "model", later)])
    page.get_by_text(f"version {later.version},").wait_for()
    assert not page.locator("#table-co-clusters").evaluate("it => it.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.get_by_role("button", name="Live").click()
    assert page.get_by_role("button", name="Live").get_attribute("aria-pressed") == "false"
    assert not visited.complaints
