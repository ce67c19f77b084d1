"""Every command is walked with what users hand over by mistake: one line that says what to do, and status 2."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from tests.cli.bad_inputs import (
    ACCEPTED,
    COMMANDS,
    CONTENTS,
    FLOAT_WORDS,
    INT_WORDS,
    PLACES,
    Parameter,
    everything_of,
    parameters_of,
)

Captured = pytest.CaptureFixture[str]
PATIENCE_S = 180


def shown(parameter: Parameter) -> str:
    return f"{parameter.command} {parameter.given or parameter.name.upper()}"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with EmbeddedBroker() as started:
        assert run(["topics", "apply", "--broker", started.bootstrap]) == 0
        yield started.bootstrap


@contextmanager
def not_for_ever(words: list[str]) -> Iterator[None]:
    """What should have been refused may be a worker that waits for events."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"{words} was taken, and runs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def refused(words: list[str], capsys: Captured) -> str:
    """The one line with which these words are refused."""
    capsys.readouterr()
    with not_for_ever(words):
        status = run(words)
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert status == 2, f"{words} ended with {status}: {printed.err[-300:]}"
    assert printed.out == "", words
    assert len(lines) == 1, f"{words}: {lines}"
    assert lines[0].startswith("shelfwise: ")
    assert len(lines[0]) < 1_000
    return lines[0]


@pytest.mark.parametrize("parameter", everything_of("file"), ids=shown)
def test_a_file_that_is_none(parameter: Parameter, broker: str, tmp_path: Path, capsys: Captured) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    refused(parameter.words(str(tmp_path / "missing"), broker, tmp_path), capsys)
    refused(parameter.words(str(loop), broker, tmp_path), capsys)
    for place in PLACES.values():
        refused(parameter.words(str(place), broker, tmp_path), capsys)
    for name, content in CONTENTS.items():
        if (parameter.name, name) not in ACCEPTED:
            file = tmp_path / name
            file.write_bytes(content)
            refused(parameter.words(str(file), broker, tmp_path), capsys)


@pytest.mark.parametrize("parameter", [*everything_of("int"), *everything_of("float")], ids=shown)
def test_a_number_that_cannot_be(parameter: Parameter, broker: str, tmp_path: Path, capsys: Captured) -> None:
    for word in INT_WORDS if parameter.kind == "int" else FLOAT_WORDS:
        refused(parameter.words(word, broker, tmp_path), capsys)


@pytest.mark.parametrize("parameter", everything_of("written"), ids=shown)
def test_a_place_where_no_file_can_be_written(
    parameter: Parameter, broker: str, tmp_path: Path, capsys: Captured
) -> None:
    without = f"--{parameter.name}"
    for place in (tmp_path, tmp_path / "missing" / "file", Path("/proc/self/file")):
        words = parameter.words(str(place), broker, tmp_path)
        if parameter.command == "simulate":  # a file or a broker
            words = [word for word in words if not word.startswith("--broker")]
        assert without not in words
        refused(words, capsys)


@pytest.mark.parametrize("parameter", everything_of("folder"), ids=shown)
def test_a_place_where_no_folder_can_be(parameter: Parameter, broker: str, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file / "below", Path("/proc/self/below")):
        words = parameter.words(str(place), broker, tmp_path)
        capsys.readouterr()
        with not_for_ever(words):
            status = run(words)
        printed = capsys.readouterr()
        if parameter.command == "harness down":  # it is down
            assert (status, printed.err) == (0, "")
        else:
            assert status == (1 if parameter.command.startswith("harness ") and "up" not in words else 2), words
            assert len(printed.err.splitlines()) == 1, printed.err


@pytest.mark.parametrize("command", COMMANDS)
def test_bytes_that_are_no_text(command: str, broker: str, tmp_path: Path, capsys: Captured) -> None:
    for parameter in parameters_of(command):
        if parameter.kind in {"other", "file"} and parameter.name not in {"broker", "help"}:
            assert "UTF-8" in refused(parameter.words("b\udce9", broker, tmp_path), capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_and_an_argument_too_many(command: str, capsys: Captured) -> None:
    refused([*command.split(), "--no-such-option"], capsys)
    refused([*command.split(), *"12345"], capsys)


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if any(it.name == "broker" for it in parameters_of(name))]
)
@pytest.mark.parametrize(
    "address", ["kafka", "127.0.0.1:0", "127.0.0.1:99999999999", "127.0.0.1:١", ":9092", "a b:1", ""]
)
def test_an_address_that_is_none(command: str, address: str, tmp_path: Path, capsys: Captured) -> None:
    if command in {"topics acls", "config show"}:  # they print it, and connect to nothing
        return
    of_broker = Parameter(command, "broker", "--broker", "other")
    refused(of_broker.words(address, "", tmp_path), capsys)
