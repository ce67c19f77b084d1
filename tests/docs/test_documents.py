"""What the documents tell people to type is what the program understands, and the README's commands do it."""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from schemas.codec import encode
from streams.broker.embedded import EmbeddedBroker
from streams.publishing import Publisher
from tests.builders import card, impression
from tests.docs.documents import DOCUMENTS, ROOT, anchors, console_commands, fenced, inline_commands, parse, recipe

WRITTEN = [
    (document, words)
    for document in DOCUMENTS
    for words in (*console_commands(document), *inline_commands(document))
    if words[0] == "shelfwise"
]
MAKE = [words[1] for document in DOCUMENTS for words in console_commands(document) if words[0] == "make"]
BROKER_IN_DOCUMENTS = "kafka:9092"
DESIGN_WORDS_MAX = 2_000
DEADLINE_S = 300.0  # the first worker on a new machine compiles


@pytest.mark.parametrize(("document", "words"), WRITTEN, ids=lambda it: it if isinstance(it, str) else " ".join(it))
def test_every_command_in_the_documents_is_understood(document: str, words: list[str]) -> None:
    assert parse(words).startswith("shelfwise ")


@pytest.mark.parametrize("target", MAKE)
def test_every_make_target_in_the_documents_runs_commands_that_are_understood(target: str) -> None:
    for words in recipe(target):
        if words[0] == "shelfwise":
            parse(words)


def test_a_command_that_does_not_exist_is_not_understood() -> None:
    with pytest.raises(typer.TyperException):
        parse(["shelfwise", "rankings", "dance"])


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for document in DOCUMENTS:
        page = ROOT / document
        for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
            if target.startswith("https://"):
                continue
            found = page.parent / target if target else page
            assert found.exists(), f"{document} links to {target}"
            assert not anchor or anchor in anchors(found), f"{document} links to #{anchor} of {found.name}"


def test_the_design_stays_short() -> None:
    assert len((ROOT / "DESIGN.md").read_text().split()) <= DESIGN_WORDS_MAX, "details go to docs/"


@contextmanager
def started(words: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "streams.cli.main", *words[1:]], stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(pattern: str, log: Path) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not re.search(pattern, log.read_text()):
        assert time.monotonic() < deadline_s, f"{pattern} is not in {log.name}: {log.read_text()[-2000:]}"
        time.sleep(0.1)


async def show_pages(bootstrap: str) -> None:
    now_ms = int(time.time() * 1_000)
    async with Publisher(bootstrap) as publisher:
        await publisher.publish("catalogue", "c1", encode(card()))
        page = impression(event_id="i17", user_id="user-17", event_ms=now_ms)
        await publisher.publish("impressions", "user-17", encode(page))
        await publisher.publish("impressions", "user-17", b"not a page")
        await publisher.flush()


def test_the_commands_for_a_cluster_do_what_the_readme_says(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        commands = [
            [broker.bootstrap if word == BROKER_IN_DOCUMENTS else word for word in words]
            for words in console_commands("README.md")
            if BROKER_IN_DOCUMENTS in words and words[1] != "labels"  # there is nothing to name within seconds
        ]
        [topics, worker, follow, letters, audit] = commands
        assert subprocess.run([sys.executable, "-m", "streams.cli.main", *topics[1:]], check=False).returncode == 0
        with started(worker, tmp_path / "worker") as working, started(follow, tmp_path / "follow"):
            asyncio.run(show_pages(broker.bootstrap))
            wait_for('"user_id":"user-17"', tmp_path / "follow")
            with started(letters, tmp_path / "letters") as listing:
                assert listing.wait(DEADLINE_S) == 0
            wait_for(r"impressions\.dlq +not_json +1", tmp_path / "letters")
            assert run_snippet(fenced("README.md", "python")[0], broker.bootstrap)["shelves"] == [("shelf-1", ("c1",))]
            working.terminate()
            assert working.wait(DEADLINE_S) == 0, "SIGTERM commits and leaves cleanly"
            with started(audit, tmp_path / "audit") as auditing:
                assert auditing.wait(DEADLINE_S) == 0, (tmp_path / "audit").read_text()


def run_snippet(source: str, bootstrap: str) -> dict[str, object]:
    """Run a snippet as it stands, on another broker; gives its variables."""
    code = compile(
        source.replace(BROKER_IN_DOCUMENTS, bootstrap), "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    variables: dict[str, object] = {}
    outcome = eval(code, variables)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)
    return variables
