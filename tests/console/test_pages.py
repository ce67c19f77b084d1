"""Every page of the web shell: valid HTML, nothing from another host, everything escaped, strangers refused."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import html5lib
import pytest
from starlette.testclient import TestClient

from streams.auditing.reading import LogRecord
from streams.console.console_app import console_app
from streams.console.page_maker import NAVIGATION
from streams.console.vendored import ASSETS, LIBRARIES, digest_of
from tests.console.told_records import HOSTILE, NOW_MS, active, everything, learned, state_of

PATHS = [path for path, _ in NAVIGATION]
DEEPER = [
    "/co-clusters/0/1",
    *(f"/co-clusters?show={shown}&reward=median" for shown in ("time", "volume", "reward", "drift", "nonsense")),
    "/listener?user=nobody",
    "/rewards?seconds=12.5&reward=additive",
    "/evidence?yardstick=minutes",
    "/evidence?yardstick=nonsense",
]
ODD = [
    "/rewards?seconds=nan", "/rewards?seconds=1e400", "/rewards?seconds=-5", "/rewards?seconds=x&reward=nonsense",
    f"/listener?user={HOSTILE}", "/listener?user=%00%ff&surface=nonsense", "/co-clusters?reward=%3Cscript%3E",
    "/co-clusters/99/99", "/co-clusters/0/999999999999999999999", "/nothing", "/assets/nothing.js",
    "/assets/../console_app.py",
]  # fmt: skip


def client(records: Sequence[LogRecord], host: str = "localhost", **settings: Any) -> TestClient:
    app = console_app(state_of(records, **settings), broker="kafka:9092", hosts=("localhost",), now_ms=lambda: NOW_MS)
    return TestClient(app, base_url=f"http://{host}")


@pytest.fixture(scope="module")
def filled() -> TestClient:
    return client(everything())


def refuse_unless_valid(html: str) -> None:
    """Raises on any parse error; ids are unique, what is named exists, and all stays on this host."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    elements = list(parser.parse(html).iter())
    ids = Counter(element.get("id") for element in elements if element.get("id"))
    assert max(ids.values()) == 1, ids.most_common(1)
    for element in elements:
        for attribute in ("for", "aria-labelledby", "list", "data-plot"):
            named = element.get(attribute)
            assert named is None or named in ids, f"{attribute} names {named}"
        for attribute in ("href", "src", "action"):
            address = urlsplit(element.get(attribute) or "")
            assert (address.scheme, address.netloc) == ("", ""), element.get(attribute)
    assert not re.findall(r"\son\w+=", html), "scripts stand in files"
    outside = set(re.findall(r"https?://[^\s\"'<]+", html)) - {"https://vega.github.io/schema/vega-lite/v6.json"}
    assert not outside, "the name of the schema is never fetched"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_without_data_is_valid_and_says_what_to_do(path: str) -> None:
    answer = client([]).get(path)
    assert answer.status_code == 200
    refuse_unless_valid(answer.text)
    said = re.search(r'class="empty">(.+?)</p>', answer.text, re.DOTALL)
    assert said is not None
    assert len(said[1].split()) > 5


@pytest.mark.parametrize("path", [*PATHS, *DEEPER])
def test_a_page_with_data_is_valid_and_says_how_old_it_is(filled: TestClient, path: str) -> None:
    answer = filled.get(path)
    assert answer.status_code == 200
    refuse_unless_valid(answer.text)
    assert "5 s ago" in answer.text
    assert 'class="empty"' not in answer.text


@pytest.mark.parametrize("path", ODD)
def test_odd_addresses_are_answered(filled: TestClient, path: str) -> None:
    answer = filled.get(path)
    assert answer.status_code in {200, 404}
    if answer.headers["content-type"].startswith("text/html"):
        refuse_unless_valid(answer.text)
    assert HOSTILE not in answer.text
    assert "Traceback" not in answer.text


def test_a_hostile_title_is_only_text(filled: TestClient) -> None:
    shown = next(page for page in learned().pages if any("c0" in shelf.cards for shelf in page.shelves))
    pages = [filled.get(path).text for path in (f"/listener?user={shown.user_id}", "/co-clusters", "/dead-letters")]
    assert "&lt;script&gt;alert" in pages[0]
    assert "{&lt;b&gt;" in pages[2]
    assert not any(HOSTILE in page for page in pages)


def test_what_a_listener_did_is_not_shown_unless_that_is_switched_on(filled: TestClient) -> None:
    off = client(everything(), listener_history=False)
    address = f"/listener?user={active().user_id}"
    assert "Newest streams" in filled.get(address).text
    said = off.get(address).text
    assert 'id="history-is-off"' in said
    assert "--listener-history" in said
    refuse_unless_valid(said)
    assert "≤ " in off.get("/").text, "the delay of settling is known from sums, to a bucket"
    refuse_unless_valid(off.get("/").text)


def test_every_answer_keeps_the_browser_to_this_host(filled: TestClient) -> None:
    for path in ("/", "/nothing", "/assets/console.js"):
        headers = filled.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
    assert filled.get("/").headers["cache-control"] == "no-store"


def test_other_host_names_are_refused() -> None:
    assert client(everything(), host="rebound.example").get("/").status_code == 400


def test_nothing_can_be_written(filled: TestClient) -> None:
    for path in [*PATHS, "/changes"]:
        for method in ("post", "put", "delete", "patch"):
            assert getattr(filled, method)(path).status_code == 405


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.package)
def test_a_vendored_library_is_the_published_one_with_its_licence(library: object) -> None:
    assert digest_of((ASSETS / library.file_name).read_bytes()) == library.digest  # type: ignore[attr-defined]
    assert len((ASSETS / library.licence_name).read_text()) > 300  # type: ignore[attr-defined]


def test_our_own_assets_name_no_other_host() -> None:
    own = [path for path in ASSETS.iterdir() if path.name in {"console.js", "console.css", "icon.svg"}]
    assert len(own) == 3
    for path in own:
        assert set(re.findall(r"https?://\S+", path.read_text())) <= {'http://www.w3.org/2000/svg"'}
