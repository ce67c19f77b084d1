"""`shelfwise demo`: the whole loop in one command."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.cli.options import (
    COUNT_MAX,
    DAYS_MAX_S,
    SEED_MAX,
    BrokerOption,
    ConfigOption,
    JsonOption,
    finite,
    refuse_unless_writable,
    serving_broker,
    settings_of,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    seconds: Annotated[
        float,
        typer.Option(min=5, max=DAYS_MAX_S, callback=finite, help="Duration; below 60 the drift verdict is omitted."),
    ] = 60.0,
    events: Annotated[int | None, typer.Option(min=1, max=COUNT_MAX, help="Stop after this many events.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of the world and of all random draws.")] = 202,
    report: Annotated[Path | None, typer.Option(help="Write the report to this file, as JSON.")] = None,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Simulated listeners react to their rankings; half-way the world changes; ends with a summary."""
    import asyncio

    from rich.console import Console

    from streams.demo.demo_settings import DemoSettings
    from streams.demo.run_demo import run_demo
    from streams.demo.summary import print_summary

    refuse_unless_writable(report)
    settings = settings_of(config, broker=broker, seed=seed, log_level="warning")
    played = DemoSettings(seconds=seconds, events_max=events, seed=seed)
    console = Console(stderr=True)
    with serving_broker(settings) as bootstrap:
        found = asyncio.run(run_demo(played, settings, bootstrap, console))
    if report:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        print_summary(found, Console())
    return 0 if found.passed else 1
