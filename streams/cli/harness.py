"""`shelfwise harness`: brokers to try things on, up and down, killed and restarted, from the shell."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import JsonOption, print_json
from streams.harness.interface import Backend
from streams.settings import ConfigurationError

NodeArgument = Annotated[int, typer.Argument(min=1, help="Number of the node, from 1.")]
StateOption = Annotated[Path | None, typer.Option("--state", help="Folder of the harness; each can hold one.")]
BackendOption = Annotated[Backend, typer.Option(help="Where the brokers come from.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Brokers to try things on: start them, kill them, cut them off, restart them.")
    for command in (up, down, status, kill, restart, partition, heal):
        group.command(command.__name__)(command)
    app.add_typer(group, name="harness")


def up(
    backend: BackendOption = Backend.JARS,
    nodes: Annotated[int, typer.Option(help="1 or 3.")] = 1,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Start brokers, return once they are healthy, and print the bootstrap servers."""
    from streams.harness.backends import new_harness
    from streams.harness.interface import HarnessError
    from streams.harness.remote import RemoteHarness

    try:
        new_harness(backend, nodes)
    except HarnessError as error:
        raise ConfigurationError(str(error)) from error
    harness = RemoteHarness(state, backend=backend, nodes=nodes).start()
    _print(harness, json=json)


def down(state: StateOption = None) -> None:
    """End the brokers and remove what they wrote."""
    _harness(state).stop()


def status(state: StateOption = None, json: JsonOption = False) -> None:
    """Print the bootstrap servers and how each node is doing; exit 1 where no harness is up."""
    _print(_harness(state), json=json)


def kill(node: NodeArgument = 1, state: StateOption = None) -> None:
    """End a node at once, as a power cut would."""
    _harness(state).kill(node)


def restart(node: NodeArgument = 1, state: StateOption = None) -> None:
    """Bring a killed node back, with what it had written, and return once it is healthy."""
    _harness(state).restart(node)


def partition(node: NodeArgument = 1, state: StateOption = None) -> None:
    """Cut a node off: connections stay open and nobody answers."""
    _harness(state).partition(node)


def heal(node: NodeArgument = 1, state: StateOption = None) -> None:
    """Reconnect a node that was cut off."""
    _harness(state).heal(node)


def _harness(state: Path | None) -> Any:
    from streams.harness.remote import RemoteHarness

    return RemoteHarness(state)


def _print(harness: Any, *, json: bool) -> None:
    answer = harness.ask("status")
    if json:
        nodes = {str(number): status for number, status in answer.status.items()}
        print_json({"bootstrap": answer.bootstrap, "backend": answer.backend, "nodes": nodes})
        return
    typer.echo(answer.bootstrap)
    for number, node in answer.status.items():
        typer.echo(f"node {number}: {node}", err=True)
