"""`shelfwise harness`: test brokers that can be started, killed and restarted from the shell."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import JsonOption, print_json
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError
from streams.harness.interface import Backend

NodeArgument = Annotated[int, typer.Argument(min=1, max=3, help="Number of the node, from 1.")]
StateOption = Annotated[Path | None, typer.Option("--state", help="Folder of the harness; one harness per folder.")]
BackendOption = Annotated[Backend, typer.Option(help="Kind of brokers.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Test brokers: start, kill, isolate and restart them.")
    for command in (up, down, status, kill, restart, partition, heal):
        group.command(command.__name__)(command)
    app.add_typer(group, name="harness")


def up(
    backend: BackendOption = Backend.JARS,
    nodes: Annotated[int, typer.Option(min=1, max=3, help="1 or 3.")] = 1,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Start brokers, wait until they are healthy, and print the bootstrap servers."""
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
    """Stop the brokers and delete their data."""
    harness = _harness(state)
    harness.stop()
    if json:
        print_json({"down": str(harness.folder)})


def status(state: StateOption = None, json: JsonOption = False) -> None:
    """Print the bootstrap servers and the state of each node; status 1 if no harness is up."""
    _print(_harness(state), json=json)


def kill(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Kill a node with SIGKILL."""
    _done(_harness(state), "kill", node, json=json)


def restart(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Restart a killed node with its data, and wait until it is healthy."""
    _done(_harness(state), "restart", node, json=json)


def partition(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Isolate a node: connections stay open but get no answer."""
    _done(_harness(state), "partition", node, json=json)


def heal(node: NodeArgument = 1, state: StateOption = None, json: JsonOption = False) -> None:
    """Reconnect an isolated node."""
    _done(_harness(state), "heal", node, json=json)


def _done(harness: Any, deed: Any, node: int, *, json: bool) -> None:
    """Apply an action to a node; with JSON, print the state of all nodes afterwards."""
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
