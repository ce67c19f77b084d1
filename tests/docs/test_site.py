"""The documentation site: it builds strictly, asks no other host for anything, and its reference leaves nothing out."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
import yaml
from sphinx.cmd.build import build_main

from schemas.dead_letters import DeadLetterReason
from schemas.export import message_types
from schemas.topics import TOPICS
from streams.app import task_specs
from streams.cli.main import application
from streams.documentation.command_pages import every_command
from streams.documentation.site_sources import lay_out
from streams.known_settings import ANY, names_of
from streams.observing.reporting import registry_of, unready
from streams.settings import Settings
from tests.docs.documents import ROOT, recipe

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "video": "src"}
"""What a browser fetches by itself when it opens a page."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "sources"
    lay_out(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def site(sources: Path) -> Path:
    built = sources.parent / "site"
    flags = next(words[1:-2] for words in recipe("docs") if words[0] == "sphinx-build")
    assert {"-W", "-n"} <= set(flags), "it is built strictly"
    assert build_main([*flags, str(sources), str(built)]) == 0, "a link or an anchor leads nowhere: see the warnings"
    return built


class Fetches(HTMLParser):
    """Addresses that a page makes a browser fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "author", "license"}:
            return
        if address := given.get(FETCHED.get(tag, "")):
            self.found.append(address)


def pages(site: Path) -> Iterator[Path]:
    yield from (path for path in site.rglob("*.html") if "_static" not in path.parts)


def test_no_page_makes_a_browser_ask_another_host(site: Path) -> None:
    assert len(list(pages(site))) >= 20
    for page in pages(site):
        asked = [address for address in Fetches(page.read_text()).found if re.match(r"(?:\w+:)?//", address)]
        assert not asked, f"{page.name} fetches {asked}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text()), sheet.name
    for script in site.rglob("*.js"):
        assert not re.search(r"(?:fetch|import)\(\s*['\"]https?://", script.read_text()), script.name


def test_every_page_is_reached_from_the_first_one(site: Path) -> None:
    linked = set(re.findall(r'href="([^"#]+\.html)', (site / "index.html").read_text()))
    inside = {str(page.relative_to(site)) for page in pages(site)} - {"index.html", "search.html", "genindex.html"}
    assert inside <= linked


@pytest.fixture(scope="module")
def reference(sources: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (sources / "reference").glob("*.md")}


def test_the_reference_has_every_command_and_option(reference: dict[str, str]) -> None:
    assert len(application().registered_commands) > 10
    commands = list(every_command())
    assert len(commands) > 50
    for path, command in commands:
        [section] = re.findall(rf"^## {path}\n(.*?)(?=^## |\Z)", reference["commands"], re.DOTALL | re.MULTILINE)
        for option in (name for one in command.params if not getattr(one, "hidden", False) for name in one.opts):
            assert option in section or option.upper() in section, f"{path} {option}"


def test_the_reference_has_every_setting_and_what_it_means(reference: dict[str, str]) -> None:
    for parts in names_of(Settings):
        assert (
            parts[-1] == ANY or f"`{parts[-1]}`" in reference["settings"] or f"[{parts[-1]}]" in reference["settings"]
        )
    top = reference["settings"].partition("## [")[0]
    for name in Settings.model_fields:
        if f"[{name}]" not in reference["settings"]:
            [row] = re.findall(rf"^\| `{name}` .*$", top, re.MULTILINE)
            assert not row.startswith(f"| `{name}` |  |"), f"{name} has no description"


def test_the_reference_has_every_message_and_field(reference: dict[str, str]) -> None:
    for message in message_types():
        [section] = re.findall(
            rf"^## {message.__name__}\n(.*?)(?=^## |\Z)", reference["messages"], re.DOTALL | re.MULTILINE
        )
        for field in message.__struct_encode_fields__:
            assert f"| `{field}` |" in section, f"{message.__name__}.{field}"


def test_the_reference_has_every_topic_reason_and_state_format(reference: dict[str, str]) -> None:
    for name in TOPICS:
        assert f"### {name}\n" in reference["topics"] or f"| `{name}` |" in reference["topics"]
    for reason in get_args(DeadLetterReason):
        assert f"| `{reason}` |" in reference["topics"]
    for spec in task_specs(Settings()):
        assert f"| {spec.name} | `{spec.state_topic}` | {spec.state_format} |" in reference["topics"]


def test_the_reference_has_every_metric_and_alert(reference: dict[str, str]) -> None:
    own = [family for family in registry_of(unready())[0].collect() if family.name.startswith("shelfwise_")]
    assert len(own) > 20
    for family in own:
        assert (
            f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.type} |" in reference["metrics"]
        )
    for rule in yaml.safe_load((ROOT / "docker" / "alerts.yaml").read_text())["groups"][0]["rules"]:
        assert f"| `{rule['alert']}` | {rule['labels']['severity']} |" in reference["metrics"]


def test_nobody_writes_a_generated_page_by_hand() -> None:
    generated = {"design", "contributing", "changelog", "glossary"}
    assert not generated & {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert not (ROOT / "docs" / "reference").exists()


CLAIMS = {
    "cocluster": ["chosen shape: (2, 3)", "listeners in the group of their kind: 100%"],
    "evaluate": ["withheld: effective sample", "ada ranking 2", "rain-2 played for 600 s"],
}
"""What the text of a notebook rests on, as it prints it."""


@pytest.mark.parametrize("notebook", CLAIMS)
def test_a_notebook_prints_what_its_text_says(sources: Path, notebook: str) -> None:
    page = (sources / "notebooks" / f"{notebook}.md").read_text()
    printed = "\n".join(re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    for claim in CLAIMS[notebook]:
        assert claim in printed


def test_every_notebook_is_a_page() -> None:
    assert {path.stem for path in (ROOT / "docs" / "notebooks").glob("*.py")} == set(CLAIMS)
