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
    refuse_named_topics,
    refuse_unless_writable,
    serving_broker,
    settings_of,
)
from streams.cli.picture_report import is_page, write_picture_report
from streams.configuration_error import ConfigurationError

HISTORY = ("--listener-history",)  # of nobody: the listeners are made up
PLAYED = "shelfwise, a demo of the whole loop with seed"


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
    report: Annotated[
        Path | None,
        typer.Option(help="Write the report to this file: a page with pictures if it ends in .html, else JSON."),
    ] = None,
    console: Annotated[
        bool,
        typer.Option("--console", help="Serve the console (`shelfwise console`) while it plays; print its address."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the broker and the console after the summary, until Ctrl-C.")
    ] = False,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Simulated listeners react to their rankings; half-way the world changes; ends with a summary."""
    import asyncio
    from contextlib import ExitStack

    from rich.console import Console

    from streams.cli.signals import wait_for_signal
    from streams.console.console_process import ConsoleProcess
    from streams.demo.demo_settings import DemoSettings
    from streams.demo.run_demo import run_demo
    from streams.demo.summary import print_summary, summary_facts
    from streams.pictures.drawing import refuse_unless_drawable

    refuse_unless_writable(report)
    refuse_unless_drawable(report if is_page(report) else None)
    refuse_named_topics()
    settings = settings_of(config, broker=broker, seed=seed, log_level="warning")
    if settings.topics != type(settings.topics)():
        raise ConfigurationError("demo uses the names of the table of topics: leave [topics] out of its settings")
    played = DemoSettings(seconds=seconds, events_max=events, seed=seed)
    with ExitStack() as stack:
        bootstrap = stack.enter_context(serving_broker(settings))
        if console:
            stack.enter_context(ConsoleProcess(bootstrap, _tell_console, *HISTORY))
        found = asyncio.run(run_demo(played, settings, bootstrap, Console(stderr=True)))
        if report and is_page(report):
            title = f"{PLAYED} {seed}"
            write_picture_report(settings, bootstrap, report, title, summary_facts(found))
        elif report:
            report.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
        if json:
            typer.echo(msgspec.json.encode(found).decode())
        else:
            print_summary(found, Console())
        if keep:
            typer.echo(f"broker at {bootstrap}: Ctrl-C ends it", err=True)
            wait_for_signal()
    return 0 if found.passed else 1


def _tell_console(address: str) -> None:
    typer.echo(f"the console: {address}", err=True)
