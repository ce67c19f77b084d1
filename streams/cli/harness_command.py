"""`shelfwise harness`: brokers to try things on, up and down, killed and restarted, from the shell."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import JsonOption, print_json
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError
from streams.harness.interface import Backend

NodeArgument = Annotated[int, typer.Argument(min=1, max=3, help="Number of the node, from 1.")]
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
    nodes: Annotated[int, typer.Option(min=1, max=3, help="1 or 3.")] = 1,
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
    with progress() as tell:
        harness = RemoteHarness(state, backend=backend, nodes=nodes).start(tell)
    _print(harness, json=json)


def down(state: StateOption = None, json: JsonOption = False) -> None:
    """End the brokers and remove what they wrote."""
    harness = _harness(state)
    harness.stop()
    if json:
        print_json({"down": str(harness.folder)})


def status(state: StateOption = None, json: JsonOption = False) -> None:
    """Print the bootstrap servers and how each node is doing; exit 1 where no harness is up."""
    _print(_harness(state), json=json)


def kill(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """End a node at once, as a power cut would."""
    _done(_harness(state), "kill", node, json=json)


def restart(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Bring a killed node back, with what it had written, and return once it is healthy."""
    _done(_harness(state), "restart", node, json=json)


def partition(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Cut a node off: connections stay open and nobody answers."""
    _done(_harness(state), "partition", node, json=json)


def heal(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Reconnect a node that was cut off."""
    _done(_harness(state), "heal", node, json=json)


def _done(harness: Any, deed: Any, node: int, *, json: bool) -> None:
    """Let something be done to a node; how all of them are afterwards is told where JSON is asked for."""
    harness.ask(deed, node)
    if json:
        _print(harness, json=True)


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
