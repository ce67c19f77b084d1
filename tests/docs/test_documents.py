"""What the documents tell people to type is what the program understands; `test_pages_run.py` types it."""

import re

import pytest
import typer

from tests.docs.documents import DOCUMENTS, ROOT, anchors, console_commands, inline_commands, parse, recipe

WRITTEN = [
    (document, words)
    for document in DOCUMENTS
    for words in (*console_commands(document), *inline_commands(document))
    if words[0] == "shelfwise"
]
MAKE = [words[1] for document in DOCUMENTS for words in console_commands(document) if words[0] == "make"]
GENERATED = "reference/"
"""What exists on the site only, where building it checks links (`test_site.py`)."""
DESIGN_WORDS_MAX = 2_000


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
            if target.startswith(("https://", GENERATED)):
                continue
            found = page.parent / target if target else page
            assert found.exists(), f"{document} links to {target}"
            assert not anchor or anchor in anchors(found), f"{document} links to #{anchor} of {found.name}"


def test_the_design_stays_short() -> None:
    assert len((ROOT / "DESIGN.md").read_text().split()) <= DESIGN_WORDS_MAX, "details go to docs/"
