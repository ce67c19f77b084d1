"""Long work tells on a terminal how far it has come, and nothing where standard error is no terminal."""

import os
import pty
import subprocess
import sys

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.cli.progress import progress


def seen_on_a_terminal(words: list[str]) -> str:
    """What a command writes to its standard error, which is a terminal."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", *words],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(screen, 4_096):
            shown += chunk
    except OSError:  # the terminal is gone with the process
        pass
    assert process.wait() == 0
    return shown.decode()


def test_an_audit_tells_a_terminal_what_it_does() -> None:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        assert "judging, records" in seen_on_a_terminal(["audit", "--broker", broker.bootstrap])


def test_nothing_is_told_where_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        capsys.readouterr()
        assert run(["audit", "--broker", broker.bootstrap, "--json"]) == 0
    assert capsys.readouterr().err == ""
    with progress() as tell:
        tell("events sent", 5, 10)
    assert capsys.readouterr().err == ""
