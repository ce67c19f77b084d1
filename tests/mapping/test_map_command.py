"""`shelfwise map` and others that take a mapping: what they print, and how they end."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.app import task_specs
from streams.cli.main import run
from streams.configuration_error import ConfigurationError
from streams.mapping.mapping_settings import InputSettings, StreamEndMapping
from streams.settings import Settings
from streams.topics.acls import Resource, grants
from streams.topics.programs import Program
from tests.mapping.foreign import CONFIG
from tests.mapping.test_mapping import CSV, HISTORY

PLAIN = """
[input.stream_ends]
user_id = "username"
card_id = "track"
played_ms = "ms_played"
event_ms = "ts"
"""
LOCAL = """
[input.stream_ends]
format = "csv"
delimiter = ";"
user_id = "user"
card_id = "song"
played_min = "minutes"
event_ms = "\\"when\\""
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files in a folder of their own, and the option that names the settings."""
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    Path("local.toml").write_text(LOCAL)
    Path("both.toml").write_text(CONFIG)
    Path("history.jsonl").write_text(HISTORY.replace('"listener-9"', "null", 1))
    Path("plays.csv").write_text(CSV)
    return ["--config", "plain.toml"]


def test_the_first_rows_are_shown_field_by_field_and_all_are_counted(words: list[str], capsys: Captured) -> None:
    assert run(["map", "--try", "history.jsonl", *words]) == 0
    printed = capsys.readouterr().out
    for shown in ("row 1: mapped", "Night Rain", "(2024-03-31", "row 3: missing_field: user_id: `username` gives"):
        assert shown in printed
    assert "3 of 4 rows can be mapped to stream-ends" in printed
    assert run(["map", "--try", "history.jsonl", "--json", *words]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["rejected"] == {"missing_field user_id": 1}
    assert [row["result"][:13] for row in told["shown"]] == ["mapped", "mapped", "missing_field"]
    faults = [it["field"] for it in told["shown"][2]["fields"] if it["is_fault"]]
    assert faults == ["user_id"]


def test_what_maps_nothing_has_failed(words: list[str], capsys: Captured) -> None:
    Path("plain.toml").write_text(PLAIN.replace("username", "name"))
    assert run(["map", "--try", "history.jsonl", *words]) == 1
    assert "0 of 4 rows" in capsys.readouterr().out


WRONG = {
    ("map", "--try", "plays.csv", "--config", "local.toml"): "plays.csv, row 2: input.stream_ends.event_ms: ",
    ("map", "--try", "history.jsonl", "--config", "both.toml"): "two mappings: choose one with --to",
    ("map", "--try", "history.jsonl", "--config", "both.toml", "--to", "catalogue"): "it is stream-ends or impressions",
    ("map", "--try", "history.jsonl"): "the settings have no mapping",
    ("map", "--stream-ends", "history.jsonl", "--config", "plain.toml"): "use `map --try FILE`, or `map",
    ("map", "--impressions", "history.jsonl", "--out", "x", "--config", "plain.toml"): "no section [input.impressions]",
    ("map", "--try", "missing.jsonl", "--config", "plain.toml"): "cannot read missing.jsonl",
    ("replay", "mapped", "--config", "plain.toml"): "name a file, with --stream-ends, --impressions, or both",
    ("replay", "mapped", "--stream-ends", "plays.csv", "--config", "plain.toml"): "no row can be mapped (not_json 4)",
    ("cocluster", "history.jsonl", "--config", "plain.toml"): "history.jsonl has 3 good rows (missing_field user_id 1)",
}


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_what_is_wrong_is_said_in_one_line(command: tuple[str, ...], words: list[str], capsys: Captured) -> None:
    assert run([*command]) == 2
    said = capsys.readouterr().err
    assert WRONG[command] in said
    assert said.count("\n") == 1


MAPPED = Settings(
    input=InputSettings(
        stream_ends=StreamEndMapping(topic="plays", user_id="u", card_id="c", played_s="s", event_s="t")
    )
)


def test_a_worker_that_maps_may_read_the_foreign_topic_and_write_ours() -> None:
    more = {(it.name, it.operations) for it in grants(Program.WORKER, MAPPED)} - {
        (it.name, it.operations) for it in grants(Program.WORKER, Settings())
    }
    assert more == {
        ("plays", ("Read",)),
        ("stream-ends", ("Write",)),
        ("mapping-stream-ends.dlq", ("Write", "DescribeConfigs")),
        ("mapping-stream-ends-state", ("Read", "Write", "DescribeConfigs")),
        ("shelfwise-mapping-", ("Write",)),
    }
    assert ("plays", ("Describe",)) in {
        (it.name, it.operations) for it in grants(Program.OPERATOR, MAPPED) if it.resource is Resource.TOPIC
    }


def test_a_mapping_is_a_task_of_its_own_and_without_one_there_is_none() -> None:
    assert [spec.name for spec in task_specs(MAPPED)][0] == "mapping-stream-ends"
    assert all(not spec.name.startswith("mapping") for spec in task_specs(Settings()))
    with pytest.raises(ConfigurationError, match="there is nothing to do"):
        task_specs(Settings(tasks=("mapping",)))
