"""`shelfwise worker`: runs the agents until a signal stops it."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import (
    BrokerOption,
    ConfigOption,
    SeedOption,
    refuse_unless_open,
    serving_broker,
    settings_of,
)
from streams.reachable import NoBrokerError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    broker: BrokerOption = None,
    config: ConfigOption = None,
    tasks: Annotated[
        str | None,
        typer.Option(help="Comma-separated, of mapping, listeners, cards, learner, model, leaderboard, metrics."),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Serve /metrics, /livez and /readyz on this port.")
    ] = None,
    seed: SeedOption = None,
    pin_model: Annotated[
        Path | None,
        typer.Option(help="Read the broadcast state from this file (`audit --save-model`) instead of the topics."),
    ] = None,
) -> None:
    """Run the agents until SIGTERM or SIGINT, then commit and leave cleanly."""
    import asyncio

    from streams.pinned_model import load_model
    from streams.running_worker import work

    pinned = load_model(pin_model) if pin_model else None
    names = tuple(tasks.split(",")) if tasks else None
    settings = settings_of(config, broker=broker, tasks=names, metrics_port=metrics_port, seed=seed)
    if settings.broker is not None:  # it may still be starting: the worker waits for it
        with suppress(NoBrokerError):
            refuse_unless_open(settings, settings.broker)
        asyncio.run(work(settings, settings.broker, pinned=pinned))
        return
    with serving_broker(settings) as bootstrap:
        asyncio.run(work(settings, bootstrap, pinned=pinned))
