"""The mappings in the documents are valid, and what is shown of files is what happens."""

import json
import tomllib
from pathlib import Path

import pytest

from schemas.codec import decode
from streams.cli.main import run
from streams.settings import load
from tests.docs.documents import console_commands, fenced

DOCUMENT = "docs/inputs.md"
MAPPINGS = [block for block in fenced(DOCUMENT, "toml") if "[input." in block]


@pytest.mark.parametrize("block", MAPPINGS, ids=lambda it: it.splitlines()[0])
def test_a_mapping_in_the_documents_is_one(block: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(block)
    assert load(file).input.by_topic()
    assert tomllib.loads(block)


def test_the_commands_for_files_do_what_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mapping.toml").write_text(MAPPINGS[0])
    Path("history.jsonl").write_text(fenced(DOCUMENT, "json")[0])
    commands = [words[1:] for words in console_commands(DOCUMENT) if words[:2] == ["shelfwise", "map"]]
    assert [run(words) for words in commands] == [0, 0]
    printed = capsys.readouterr().out
    assert "listener-7" in printed
    assert "1 of 2 rows can be mapped to stream-ends" in printed
    lines = [json.loads(line) for line in Path("events.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["catalogue-card.v1", "stream-end.v1"]
    assert decode("stream-ends", json.dumps(lines[1]).encode()).played_ms == 214_000
