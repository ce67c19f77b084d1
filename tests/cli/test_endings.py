"""However a command ends, by ctrl-C, a closed pipe or a full disk: one line on standard error, and no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from tests.subscribers.conftest import ranking, write

DEADLINE_S = 180.0


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


def test_ctrl_c() -> None:
    """Of a command that follows: the ranking that it prints says that it does."""
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        write(broker.bootstrap, [("u1", ranking("u1", 1))])
        process = started(["rankings", "follow", "--broker", broker.bootstrap], SHELFWISE_LOG_LEVEL="error")
        assert process.stdout is not None
        assert '"u1"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert last_words(process) == ["shelfwise: stopped"]
        assert process.returncode == 1


INTERRUPTED_IMPORT = """
import signal
import sys
from streams.cli.main import main
class Interrupting:
    def find_spec(self, name, *_):
        if name == "streams.settings":
            sys.meta_path.remove(self)
            exec("signal.raise_signal(signal.SIGINT)")
sys.meta_path.insert(0, Interrupting())
main()
"""


def test_ctrl_c_while_modules_are_loaded(tmp_path: Path) -> None:
    """Dataclasses and named tuples evaluate text, which Python remembers as a program that was interrupted."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_IMPORT)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    words = [sys.executable, "-m", "interrupted", "config", "show"]
    found = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    assert (found.returncode, found.stderr) == (1, "shelfwise: stopped\n")


def test_a_question_without_an_answer_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        capsys.readouterr()
        assert run(["rankings", "get", "u1", "--broker", broker.bootstrap]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "shelfwise: there is no ranking yet, neither for u1 nor as a substitute"


def test_what_a_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    process = started(["schemas", "export", str(tmp_path / "Łz"), "--json"], PYTHONIOENCODING="latin-1")
    assert process.stdout is not None
    assert "\\u0141" in process.stdout.read()
    assert last_words(process) == []
    assert process.returncode == 0
