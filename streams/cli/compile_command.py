"""`shelfwise compile`: creates machine code in advance, for this machine or to be shipped."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import JsonOption, print_json
from streams.configuration_error import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compile")(compile_all)


def compile_all(
    out: Annotated[
        Path | None, typer.Option(help="Write it to this folder only, for any processor of this architecture.")
    ] = None,
    ship: Annotated[bool, typer.Option("--ship", help="Like --out, into the installed package.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Load everything; status 1 if anything had to be compiled.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Compile missing machine code, so that no start has to; by default for this machine, into its cache."""
    import asyncio

    from rich.console import Console

    from processors.machine_code.places import SHIPPED, described_places
    from streams.compiling.before_start import compile_ahead
    from streams.compiling.shipping import TASKS, compiled_here, ship_generic

    if check:
        compiled = compiled_here()
        line = f"compiled: {', '.join(compiled)}" if compiled else "nothing had to be compiled"
        _tell({"compiled_anew": list(compiled)}, line, json=json)
        return 1 if compiled else 0
    folder = SHIPPED if ship else out
    if folder is None:
        asyncio.run(compile_ahead(TASKS, Console(stderr=True)))
        _tell({"kept_in": described_places()}, f"machine code is cached in {described_places()}", json=json)
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)  # checked before minutes of work
        count = ship_generic(folder)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}") from error
    _tell({"functions": count, "kept_in": str(folder)}, f"{count} functions in {folder}", json=json)
    return 0


def _tell(found: dict[str, Any], line: str, *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        typer.echo(line)
