"""`shelfwise config`: the effective settings after flags, environment and file."""

import typer

from streams.cli.options import BrokerOption, ConfigOption, JsonOption, print_json, settings_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Show the settings.")
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(
    config: ConfigOption = None,
    broker: BrokerOption = None,
    json: JsonOption = False,  # noqa: ARG001  output is always JSON; scripts may pass the flag to every command
) -> None:
    """Print all settings as JSON, secrets masked."""
    print_json(settings_of(config, broker=broker).masked())
