"""However a command ends, by ctrl-C, a closed pipe or a full disk: one line on standard error, and no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run

DEADLINE_S = 60.0


def started(words: list[str], **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", *words],
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def last_words(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stderr is not None
    said = process.stderr.read()
    process.wait(DEADLINE_S)
    assert "Traceback" not in said
    return said.splitlines()


@pytest.mark.parametrize("words", [["config", "show"], ["--help"], ["schemas", "export", "OUT", "--json"]])
def test_nobody_reads_the_output(words: list[str], tmp_path: Path) -> None:
    process = started([str(tmp_path / "out") if word == "OUT" else word for word in words])
    assert process.stdout is not None
    process.stdout.close()
    assert last_words(process) == ["shelfwise: the output pipe was closed; the rest was not written"]
    assert process.returncode == 1


def test_a_reader_who_leaves_in_the_middle_ends_what_goes_on_for_ever() -> None:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        command = f"{sys.executable} -m streams.cli.main topics plan --broker {broker.bootstrap} | head -c 1"
        found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
        assert "Traceback" not in found.stderr
        assert len(found.stderr.splitlines()) <= 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_is_full(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "streams.cli.main", "config", "show"],
            stdout=full,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert "No space left" in found.stderr


@pytest.mark.parametrize("words", [["rankings", "follow"], ["rankings", "get", "u1"]])
def test_ctrl_c(words: list[str]) -> None:
    """Of a command that has begun to wait for its broker; it says nothing until it is stopped."""
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        process = started([*words, "--broker", broker.bootstrap], SHELFWISE_LOG_LEVEL="error")
        if words[-1] == "follow":
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(5.0)  # it follows
            process.send_signal(signal.SIGINT)
            assert last_words(process) == ["shelfwise: stopped"]
        else:
            assert last_words(process) == ["shelfwise: there is no ranking yet, neither for u1 nor as a substitute"]
        assert process.returncode == 1


def test_what_a_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    process = started(["schemas", "export", str(tmp_path / "Łz"), "--json"], PYTHONIOENCODING="latin-1")
    assert process.stdout is not None
    assert "\\u0141" in process.stdout.read()
    assert last_words(process) == []
    assert process.returncode == 0
