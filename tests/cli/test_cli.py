"""The command line's contract: exit status, one line that says what to do, JSON and nothing else."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from schemas.codec import encode
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.publishing import Publisher
from streams.settings import ConfigurationError, load
from tests.builders import card

MISUSED = {
    "an option that does not exist": ["demo", "--bogus"],
    "a command that does not exist": ["frobnicate"],
    "no command": [],
    "a value of the wrong type": ["demo", "--seconds", "soon"],
    "a broker that does not answer": ["topics", "plan", "--broker", "127.0.0.1:1"],
    "a broker that is no address": ["dlq", "list", "--broker", "kafka"],
    "no broker where one is needed": ["rankings", "get", "u1"],
    "a file that does not exist": ["replay", "obd", "missing.csv"],
    "a configuration that does not exist": ["config", "show", "--config", "missing.toml"],
    "a task that does not exist": ["worker", "--tasks", "listeners,dancers"],
    "a task named twice": ["worker", "--tasks", "cards,cards"],
    "a world that does not exist": ["simulate", "--world", "W9", "--out", "events.jsonl"],
    "neither file nor broker": ["simulate"],
    "a folder that cannot be made": ["schemas", "export", "/dev/null/schemas"],
}


@pytest.mark.parametrize("name", MISUSED)
def test_wrong_usage_ends_in_one_line_and_status_2(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(MISUSED[name]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.err.startswith("shelfwise: ")


BAD_SETTINGS = {
    "colour = 'red'": "colour",
    "page_partitions = 0": "page_partitions",
    "[ranking]\nepsilon = 2.0": "epsilon",
    "[ranking]\npolicy = 'best'": "no policy is named 'best'",
    "[ranking]\nreward = 'clicks'": "ranking.reward",
    "[ranking]\nslots = 3": "slots",
    "[settlement]\ncorrection_ms = 1": "correction_ms",
    "rewards = ['clicks']": "no reward is named 'clicks'",
    "page_partitions = ": "TOML",
}


@pytest.mark.parametrize("text", BAD_SETTINGS)
def test_settings_that_cannot_be_name_the_setting(text: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(BAD_SETTINGS[text])):
        load(file)


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("group = 'file'\nseed = 1\npage_partitions = 7\n[ranking]\nepsilon = 0.3\nslots_max = 4\n")
    monkeypatch.setenv("SHELFWISE_GROUP", "environment")
    monkeypatch.setenv("SHELFWISE_SEED", "2")
    monkeypatch.setenv("SHELFWISE_RANKING__EPSILON", "0.2")
    settings = load(file, {"seed": 3})
    assert (settings.seed, settings.group, settings.page_partitions) == (3, "environment", 7)
    assert (settings.ranking.epsilon, settings.ranking.slots_max) == (0.2, 4)


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SHELFWISE_SASL_PASSWORD", "hunter2")
    assert run(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert json.loads(shown)["sasl_password"] == "**********"
    assert "hunter2" not in repr(load())


def test_topics_are_planned_applied_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        server = ["--broker", broker.bootstrap]
        assert run(["topics", "verify", *server]) == 1
        capsys.readouterr()
        assert run(["topics", "plan", "--json", *server]) == 0
        planned = json.loads(capsys.readouterr().out)
        assert {step["action"] for step in planned["steps"]} == {"create"}
        assert run(["topics", "apply", *server]) == 0
        assert run(["topics", "apply", *server]) == 0, "twice is as good as once"
        assert run(["topics", "verify", *server]) == 0


def test_unequal_partition_counts_are_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("impressions", partitions=3, config={"cleanup.policy": "delete"})
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 1
        assert run(["worker", "--broker", broker.bootstrap]) == 1
        assert "page_partitions = 3" in capsys.readouterr().err


def test_a_worker_creates_no_topics_on_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        assert run(["worker", "--broker", broker.bootstrap]) == 1
        assert "shelfwise topics apply" in capsys.readouterr().err


def test_schemas_are_exported(tmp_path: Path) -> None:
    assert run(["schemas", "export", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "asyncapi.json").read_text())
    assert document["asyncapi"] == "3.0.0"
    assert (tmp_path / "out" / "Impression.schema.json").exists()


def test_a_simulated_world_can_be_written_and_repeats(tmp_path: Path) -> None:
    arguments = ["simulate", "--users", "20", "--cards", "12", "--impressions", "50", "--seed", "4", "--out"]
    assert run([*arguments, str(tmp_path / "a.jsonl")]) == 0
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert sum('"catalogue-card.v1"' in line for line in lines) == 12
    assert sum('"impression.v1"' in line for line in lines) >= 50
    truth = json.loads((tmp_path / "a.jsonl.truth.json").read_text())
    assert len(truth["user_group"]) == 20


def test_the_demo_refuses_a_broker_with_other_cards(capsys: pytest.CaptureFixture[str]) -> None:
    async def put(bootstrap: str) -> None:
        async with Publisher(bootstrap) as publisher:
            await publisher.publish("catalogue", "rain-2", encode(card(card_id="rain-2")))
            await publisher.flush()

    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        asyncio.run(put(broker.bootstrap))
        assert run(["demo", "--seconds", "5", "--broker", broker.bootstrap]) == 2
    assert "like 'rain-2': use another broker" in capsys.readouterr().err
