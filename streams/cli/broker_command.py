"""`shelfwise broker`: the embedded broker, for development and tests."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import ConfigOption, settings_of
from streams.configuration_error import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("broker")(broker)


def broker(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on loopback; 0 for any free one.")] = 9092,
    data: Annotated[
        Path | None, typer.Option(help="Folder for data that survives the process; without it, memory only.")
    ] = None,
    create_topics: Annotated[bool, typer.Option(help="Create the topics of the table.")] = True,
    config: ConfigOption = None,
) -> None:
    """Serve an embedded broker on loopback until SIGTERM or SIGINT. Not for production."""
    from streams.broker.embedded import BrokerPortTakenError, EmbeddedBroker
    from streams.cli.signals import wait_for_signal
    from streams.topics.admin import ensure

    settings = settings_of(config)
    try:
        with EmbeddedBroker(port=port, data_dir=data) as embedded:
            if create_topics:
                ensure(settings, embedded.bootstrap)
            typer.echo(f"embedded broker, for development and tests: {embedded.bootstrap}", err=True)
            wait_for_signal()
    except BrokerPortTakenError as error:
        raise ConfigurationError(str(error)) from error
