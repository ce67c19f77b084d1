"""`shelfwise compile`: machine code ahead of need, to be shipped or just to be there."""

from pathlib import Path
from typing import Annotated

import typer

from streams.configuration_error import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compile")(compile_all)


def compile_all(
    out: Annotated[
        Path | None, typer.Option(help="Keep it there and nowhere else, for any processor of this architecture.")
    ] = None,
    ship: Annotated[bool, typer.Option("--ship", help="As --out, within the installed package.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Load everything; status 1 where something had to be compiled.")
    ] = False,
) -> int:
    """Compile what is missing, so that no start has to; without options for this machine, where code is kept."""
    import asyncio

    from rich.console import Console

    from processors.machine_code.places import SHIPPED
    from streams.compiling.before_start import compile_ahead
    from streams.compiling.shipping import TASKS, compiled_here, ship_generic

    if check:
        compiled = compiled_here()
        typer.echo(f"compiled anew: {', '.join(compiled)}" if compiled else "nothing had to be compiled")
        return 1 if compiled else 0
    folder = SHIPPED if ship else out
    if folder is None:
        asyncio.run(compile_ahead(TASKS, Console(stderr=True)))
        return 0
    try:
        count = ship_generic(folder)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}") from error
    typer.echo(f"{count} functions in {folder}")
    return 0
