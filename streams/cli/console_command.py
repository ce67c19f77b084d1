"""`shelfwise console`: what the topics know, in the browser."""

from typing import Annotated

import typer

from streams.cli.options import ConfigOption, JsonOption, NeededBrokerOption, needed_broker, print_json, settings_of
from streams.configuration_error import ConfigurationError

LOOPBACK = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("console")(console)


def console(
    broker: NeededBrokerOption = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 for any free one.")] = 8400,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at. Pages have no password: leave it at loopback, or put a proxy before it."
        ),
    ] = LOOPBACK,
    name: Annotated[
        list[str] | None, typer.Option(help="Host name by which browsers reach it, besides localhost; repeatable.")
    ] = None,
    allow_editing: Annotated[
        bool,
        typer.Option(
            "--allow-editing",
            help="Whoever reaches it may rename card groups and change experiments (rights: console-editor).",
        ),
    ] = False,
    listener_history: Annotated[
        bool,
        typer.Option(
            "--listener-history",
            help="Read what listeners were shown and streamed, and show it on their pages (rights: console-history).",
        ),
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Serve pages about co-clusters, listeners, rewards, drift, evidence and dead letters, until Ctrl-C.

    Reads the topics as a subscriber does (`shelfwise topics acls --program console`), of what listeners did nothing
    unless told to, and writes nothing unless editing is allowed.
    """
    import asyncio

    from streams.console.serving import address_of, bound_socket, serve_until_signal

    settings = settings_of(config, broker=broker, log_level="warning")
    bootstrap = needed_broker(settings)
    try:
        listening = bound_socket(host, port)
    except OSError as error:
        raise ConfigurationError(f"cannot listen at {host}:{port}: {error.strerror}; give another --port") from error
    address = address_of(listening)

    def ready() -> None:
        if json:
            print_json({"address": address})
        else:
            typer.echo(f"the console is at {address} (Ctrl-C ends it)")

    options = {"allow_editing": allow_editing, "listener_history": listener_history}
    names = (host, *(name or ()))
    asyncio.run(serve_until_signal(settings, bootstrap, listening, names=names, ready=ready, **options))
