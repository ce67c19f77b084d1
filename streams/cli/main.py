"""`shelfwise`: joins the commands, and turns what they raise into one line and an exit status."""

import sys
from typing import Any

import typer
from aiokafka.errors import KafkaError
from kafka.errors import KafkaError as KafkaPythonError

from streams.cli import (
    audit,
    bench,
    broker,
    compiling,
    config,
    dead_letters,
    demo,
    evaluate,
    harness,
    labels,
    ladder,
    rankings,
    replay,
    schemas,
    simulate,
    topics,
    worker,
)
from streams.cli.cocluster import cocluster
from streams.cli.options import NoAnswerError
from streams.exactly_once.errors import DriverError
from streams.harness.interface import HarnessError
from streams.settings import ConfigurationError
from streams.subscribers.ranking_table import TopicMissingError
from streams.topics.admin import TopicsError

SUCCESS, FAILED, MISUSED = 0, 1, 2
FAILURES = (
    TopicsError,
    TopicMissingError,
    DriverError,
    HarnessError,
    KafkaError,
    KafkaPythonError,
    NoAnswerError,
)
"""The job ran and could not be done."""


def application() -> typer.Typer:
    """All commands, joined."""
    app = typer.Typer(
        name="shelfwise",
        help="Streaming event processor for home pages made of shelves of cards.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for module in (demo, worker, broker, simulate, schemas, compiling):
        module.register(app)
    app.command("cocluster")(cocluster)
    for module in (ladder, evaluate, labels, topics, replay, rankings, dead_letters, audit, bench, harness, config):
        module.register(app)
    return app


def run(arguments: list[str] | None = None) -> int:
    """Run one command; gives its exit status: 0 success, 1 the job failed, 2 wrong usage or configuration.

    >>> run(["config", "show", "--config", "missing.toml"])
    2
    """
    command = typer.main.get_command(application())
    try:
        result: Any = command.main(args=arguments, prog_name="shelfwise", standalone_mode=False)
    except typer.TyperException as error:  # wrong usage, of any kind
        return _say(f"{_message(error)} (see `{_path(error)} --help`)", MISUSED)
    except ConfigurationError as error:
        return _say(str(error), MISUSED)
    except FAILURES as error:
        return _say(str(error) or repr(error), FAILED)
    except (typer.Abort, KeyboardInterrupt):
        return _say("stopped", FAILED)
    return result if isinstance(result, int) else SUCCESS


def main() -> None:
    """Entry point of the installed command."""
    sys.exit(run())


def _message(error: typer.TyperException) -> str:
    return error.format_message() if isinstance(error, typer.BadParameter) else getattr(error, "message", str(error))


def _path(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    return context.command_path if context else "shelfwise"


def _say(what: str, status: int) -> int:
    print(f"shelfwise: {' '.join(what.split())}", file=sys.stderr)  # noqa: T201  the one line that the contract asks for
    return status


if __name__ == "__main__":
    main()
