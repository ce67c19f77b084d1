"""Reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import typer

from streams.cli.main import PROGRAM, application
from streams.documentation.markdown_tables import code, page, prose, table

ABOUT = """\
Every command with its options, as `--help` prints them. Exit status 0: done. 1: it ran and failed. 2: wrong usage,
settings or input. In both other cases one line on standard error says what to do. `--json` prints one JSON object on
standard output; logs and progress go to standard error."""


def commands_page() -> str:
    """The page of all commands."""
    return page("Commands", ABOUT, (_section(path, command) for path, command in every_command()))


def every_command() -> Iterator[tuple[str, Any]]:
    """Each command that does something, by its path, in the order of `--help`.

    >>> [path for path, _ in every_command()][:2]
    ['shelfwise demo', 'shelfwise worker']
    """
    yield from _below(PROGRAM, typer.main.get_command(application()))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inside: dict[str, Any] = getattr(command, "commands", {})
    if path != PROGRAM and (not inside or command.invoke_without_command):
        yield path, command
    for name, one in inside.items():
        yield from _below(f"{path} {name}", one)


def _section(path: str, command: Any) -> str:
    context = typer.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    records = [one.get_help_record(context) for one in command.params]
    rows = [[code(spelled), text] for spelled, text in (record for record in records if record is not None)]
    parts = [f"## {path}", prose(command.help), f"```text\n{usage}\n```"]
    return "\n\n".join([*parts, *([table(["argument or option", "meaning"], rows)] if rows else [])])
