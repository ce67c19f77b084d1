"""`shelfwise`: joins the commands, and maps their exceptions to one line and an exit status."""

import os
import sys
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

import typer

from streams.cli import (
    alerts_command,
    audit_command,
    backtest_command,
    bench_command,
    broker_command,
    calibration_command,
    cocluster_command,
    compile_command,
    config_command,
    console_command,
    demo_command,
    dlq_command,
    evaluate_command,
    experiments_command,
    export_command,
    forget_command,
    groups_command,
    harness_command,
    labels_command,
    ladder_command,
    leaderboard_command,
    map_command,
    metrics_command,
    rankings_command,
    replay_command,
    schemas_command,
    simulate_command,
    topics_command,
    worker_command,
)
from streams.configuration_error import ConfigurationError

PROGRAM = "shelfwise"
SUCCESS, FAILED, MISUSED = 0, 1, 2
INTERRUPTED = 130
"""Status of typer after Ctrl-C."""
FAILURES = (
    "aiokafka.errors.KafkaError",
    "kafka.errors.KafkaError",
    "streams.benchmarks.pipeline.BenchFailedError",
    "streams.cli.options.NoAnswerError",
    "streams.worker_process.WorkerEndedError",
    "streams.exactly_once.errors.DriverError",
    "streams.forgetting.asking.NotDoneError",
    "streams.harness.interface.HarnessError",
    "streams.mapping.formats.registry.RegistryError",
    "streams.subscribers.topic_missing.TopicMissingError",
    "streams.topics.admin.TopicsError",
)
"""Exceptions of a job that ran and failed; by name, because importing them would load every client."""
COMMANDS = (
    demo_command, worker_command, broker_command, simulate_command, schemas_command, compile_command,
    cocluster_command, groups_command, alerts_command, calibration_command,
    ladder_command, leaderboard_command, evaluate_command, backtest_command, labels_command,
    experiments_command, metrics_command, topics_command, replay_command, rankings_command, forget_command,
    export_command, dlq_command, audit_command, bench_command, harness_command, config_command, console_command,
    map_command,
)  # fmt: skip


def application() -> typer.Typer:
    """The application with all commands; their dependencies are loaded when one runs."""
    app = typer.Typer(
        name=PROGRAM,
        help="Streaming event processor for home pages made of shelves of cards.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_program)
    for module in COMMANDS:
        module.register(app)
    return app


@cache
def _command() -> Any:
    """The click command, built once: it is stateless."""
    return typer.main.get_command(application())


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0 success, 1 the job failed, 2 wrong usage, settings or input.

    >>> run(["config", "show", "--config", "missing.toml"])
    2
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _refuse_unless_text(given)
        result: Any = _command().main(args=given, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as ended:  # typer exits like this after shell completion, and on a broken pipe
        return _output_closed() if isinstance(ended.__context__, BrokenPipeError) else int(ended.code or 0)
    except BaseException as error:
        status = _told(error)
        if status is None:  # a bug of ours: the traceback helps
            raise
        return status
    return _say("stopped", FAILED) if result == INTERRUPTED else int(result or SUCCESS)


def main() -> None:
    """Entry point of the installed command."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # characters that the terminal cannot show are escaped
        reconfigure(errors="backslashreplace")
    status = run()
    # an interrupt that passed through evaluated text (dataclasses evaluate some when a module is loaded) would make
    # `python -m` end by SIGINT, whatever the status; evaluating text that ends well makes Python forget it
    exec("")  # noqa: S102
    sys.exit(status)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Streaming event processor for home pages made of shelves of cards."""


def _has_failed(error: BaseException) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in FAILURES for kind in type(error).__mro__)


def _told(error: BaseException) -> int | None:
    """Print an exception in one line and return the status; None if it is not one that users should see."""
    if isinstance(error, typer.TyperException):  # wrong usage, of any kind
        return _say(f"{_message(error)} (see `{_path(error)} --help`)", MISUSED)
    if isinstance(error, ConfigurationError):
        return _say(str(error), MISUSED)
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return _say("stopped", FAILED)
    if isinstance(error, MemoryError):
        return _say("out of memory: reduce the size of the job", FAILED)
    if _has_failed(error):
        return _say(str(error) or repr(error), FAILED)
    return _cannot(error) if isinstance(error, OSError) else None


def _refuse_unless_text(arguments: list[str]) -> None:
    """Refuse arguments that are not UTF-8: keys, names and JSON cannot hold them."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise ConfigurationError(f"the argument {argument!a} is not UTF-8: write it in UTF-8") from error


def _cannot(error: OSError) -> int:
    """Map an OSError: an unusable file is a user error, a broken connection is not."""
    if isinstance(error, BrokenPipeError):
        return _output_closed()
    said = error.strerror or repr(error)
    if error.filename is not None:
        return _say(f"cannot use {error.filename}: {said}; name another one, or change its rights", MISUSED)
    try:
        sys.stdout.flush()
    except OSError:
        _write_no_more()
    return _say(f"{said}: try again, or see the log for what was under way", FAILED)


def _output_closed() -> int:
    """The reader of our output has closed the pipe, as `head` does."""
    _write_no_more()
    return _say("the output pipe was closed; the rest was not written", FAILED)


def _write_no_more() -> None:
    """Redirect the output to /dev/null: at exit, Python flushes once more and would print an error."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _message(error: typer.TyperException) -> str:
    return error.format_message() if isinstance(error, typer.BadParameter) else getattr(error, "message", str(error))


def _path(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    return context.command_path if context else PROGRAM


def _say(what: str, status: int) -> int:
    with suppress(OSError, ValueError):
        print(f"{PROGRAM}: {' '.join(what.split())}", file=sys.stderr)  # noqa: T201  the one line of the contract
    return status


if __name__ == "__main__":
    main()
