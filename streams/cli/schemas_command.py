"""`shelfwise schemas`: exports message contracts for programs in other languages."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from streams.cli.options import JsonOption, print_json
from streams.configuration_error import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Export the message contracts.")
    group.callback()(lambda: None)
    group.command("export")(export)
    app.add_typer(group, name="schemas")


def export(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; created if missing.")],
    json: JsonOption = False,
) -> None:
    """Write a JSON Schema of each message, and asyncapi.json for the data flow."""
    from importlib.metadata import version

    from schemas.export import asyncapi, json_schemas

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, schema in json_schemas().items():
            (directory / f"{name}.schema.json").write_bytes(orjson.dumps(schema, option=orjson.OPT_INDENT_2))
        document = asyncapi(version("shelfwise"))
        (directory / "asyncapi.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise ConfigurationError(f"cannot write to {directory}: {error.strerror}") from error
    if json:
        print_json({"directory": str(directory), "schemas": sorted(json_schemas())})
    else:
        typer.echo(f"{len(json_schemas())} schemas and asyncapi.json in {directory}", err=True)
