"""`shelfwise harness` from the shell: brokers that outlive the command, and go when told to."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from streams.cli.main import run
from streams.harness.health import answering_brokers
from streams.harness.remote import RemoteHarness


@pytest.fixture
def state(tmp_path: Path) -> Any:
    folder = tmp_path / "state"
    yield folder
    RemoteHarness(folder).stop()


def test_up_status_kill_restart_down(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--state", str(state)]
    assert run(["harness", "up", "--backend", "embedded", *at]) == 0
    bootstrap = capsys.readouterr().out.strip()
    port = int(bootstrap.removeprefix("127.0.0.1:"))
    assert answering_brokers(port) == 1
    assert run(["harness", "up", "--backend", "embedded", *at]) == 1
    assert "take it down first" in capsys.readouterr().err
    assert run(["harness", "kill", "1", *at]) == 0
    assert answering_brokers(port) == 0
    assert run(["harness", "status", "--json", *at]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"bootstrap": bootstrap, "backend": "embedded", "nodes": {"1": "stopped"}}
    assert run(["harness", "restart", "1", *at]) == 0
    assert answering_brokers(port) == 1
    assert run(["harness", "kill", "3", *at]) == 1
    assert "no running node 3" in capsys.readouterr().err
    assert run(["harness", "down", *at]) == 0
    assert answering_brokers(port) == 0
    assert run(["harness", "down", *at]) == 0, "twice is as good as once"
    assert run(["harness", "status", *at]) == 1
    assert "shelfwise harness up" in capsys.readouterr().err


def test_wrong_usage_is_told_apart(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    assert run(["harness", "up", "--backend", "embedded", "--nodes", "3", "--state", str(state)]) == 2
    assert run(["harness", "up", "--backend", "zookeeper"]) == 2
    assert run(["harness", "kill", "none"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


@pytest.mark.kafka
def test_a_killed_supervisor_takes_its_brokers_along(state: Path) -> None:
    harness = RemoteHarness(state)
    assert run(["harness", "up", "--state", str(state)]) == 0
    port = int(harness.bootstrap.rpartition(":")[2])
    os.kill(harness.ask("status").process_id, signal.SIGKILL)
    deadline_s = time.monotonic() + 120
    while answering_brokers(port):
        assert time.monotonic() < deadline_s, "the watchdog did not clean up"
    assert not harness.is_up()
