"""Help of every command: quick, because nothing is loaded that only the work needs."""

import importlib
import subprocess
import sys
from importlib.metadata import version

import pytest

from streams.cli.main import FAILURES, run
from tests.cli.bad_inputs import COMMANDS

HEAVY = {
    "numpy", "scipy", "numba", "llvmlite", "river", "pandas", "faust", "mode", "kafka", "aiokafka", "structlog",
    "prometheus_client", "pydantic_settings", "asyncio", "starlette", "uvicorn", "jinja2",
}  # fmt: skip
HELP_OF_ALL = """
import sys
from streams.cli.main import run
from tests.cli.bad_inputs import COMMANDS
for words in ([], *(command.split() for command in COMMANDS), *([command.split()[0]] for command in COMMANDS)):
    assert run([*words, "--help"]) == 0
print(sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_the_help_of_every_command_loads_nothing_that_only_work_needs() -> None:
    printed = subprocess.run([sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True)
    loaded = {word.strip("' ") for word in printed.stderr.strip().strip("[]").split(",")}
    assert "typer" in loaded
    assert not loaded & HEAVY
    assert printed.stdout.count("Usage: shelfwise ") >= len(COMMANDS)


SELDOM = {"river", "scipy.stats", "scipy.optimize", "pandas"}
"""For some policies, a fit and intervals: together they took as long to load as everything else."""


def test_a_worker_starts_without_what_it_seldom_needs() -> None:
    program = "import sys, streams.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not SELDOM & set(loaded.stdout.split())


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"shelfwise {version('shelfwise')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_program_has_one_name_however_it_is_started(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    assert capsys.readouterr().out.lstrip().startswith(f"Usage: shelfwise {command} ")


def test_a_shell_completes_commands() -> None:
    asked = {"COMP_WORDS": "shelfwise re", "COMP_CWORD": "1", "_SHELFWISE_COMPLETE": "complete_bash", "PATH": ""}
    found = subprocess.run(
        [sys.executable, "-m", "streams.cli.main"], env=asked, capture_output=True, text=True, check=False
    )
    assert found.stdout.split() == ["replay"]
    assert found.stderr == ""


NOT_A_RESULT = {"worker", "broker", "rankings follow"}
"""They run until they are stopped; the last prints one JSON object a line."""


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - NOT_A_RESULT))
def test_every_result_can_be_asked_for_as_json(command: str) -> None:
    assert "--json" in {name for parameter in COMMANDS[command].params for name in parameter.opts}


@pytest.mark.parametrize("name", FAILURES)
def test_what_says_that_a_job_failed_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Exception)
