"""`shelfwise simulate`: the events of a planted world, with its truth."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import orjson
import typer

from streams.cli.options import ConfigOption, NeededBrokerOption, settings_of
from streams.settings import ConfigurationError

STEP_MS = 1_000
LIVE_DELAY_MAX_MS = 1_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    world: Annotated[str, typer.Option(help="Name of the planted world: W1 to W6.")] = "W1",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world and of its listeners.")] = 0,
    users: Annotated[int, typer.Option(min=1, help="How many listeners.")] = 2_000,
    cards: Annotated[int, typer.Option(min=1, help="How many cards.")] = 120,
    impressions: Annotated[int, typer.Option(min=1, help="How many pages they open, all random ones.")] = 10_000,
    out: Annotated[Path | None, typer.Option(help="Write JSON lines there, and the truth to FILE.truth.json.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Pages a second, live; none: all at once.")] = None,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
) -> None:
    """Listeners open random pages, play and stop: events to a file or into the topics."""
    from processors.worlds.home_page import HomePageSettings, SimulatedHome
    from processors.worlds.satisfaction import SatisfactionWorld, world_settings

    settings = settings_of(config, broker=broker)
    if (settings.broker is None) == (out is None):
        raise typer.BadParameter("name either --broker or --out", param_hint="--out")
    if rate is not None and settings.broker is None:
        raise typer.BadParameter("pages are opened live into topics: name --broker", param_hint="--rate")
    try:
        planted = SatisfactionWorld(world_settings(world, users=users, cards=cards), world_seed=seed)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    behaviour = HomePageSettings(control_share=1.0)
    if rate is not None:
        behaviour = msgspec.structs.replace(behaviour, delay_max_ms=LIVE_DELAY_MAX_MS)
    home = SimulatedHome(planted, behaviour, seed=seed)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x51B,)))
    if rate is not None:
        sent = asyncio.run(_live(settings, home, users, pages=impressions, pages_per_second=rate, rng=rng))
        typer.echo(f"{sent} events were sent", err=True)
        return
    base_ms = int(time.time() * 1_000) - impressions * STEP_MS - 24 * 3_600_000
    for first in range(0, impressions, 500):
        count = min(500, impressions - first)
        times = [base_ms + (first + number) * STEP_MS for number in range(count)]
        home.visit(rng.integers(users, size=count).tolist(), times, {})
    events = home.events_until(base_ms + 10**12)
    truth = {
        "world": world,
        "seed": seed,
        "user_group": planted.user_group.tolist(),
        "card_group": planted.card_group.tolist(),
        "log_mean": planted.log_mean.tolist(),
    }
    if out is not None:
        _write(out, home.catalogue, events, truth)
    else:
        _send(settings, home.catalogue, events)
    typer.echo(f"{len(events)} events of {impressions} pages", err=True)


def _write(out: Path, catalogue: Any, events: Any, truth: dict[str, Any]) -> None:
    from streams.replaying.event_lines import write_lines

    try:
        write_lines(out, [*catalogue, *events])
        out.with_name(out.name + ".truth.json").write_bytes(orjson.dumps(truth))
    except OSError as error:
        raise ConfigurationError(f"cannot write {out}: {error.strerror}") from error


def _send(settings: Any, catalogue: Any, events: Any) -> None:
    from streams.connections import aiokafka_options
    from streams.replaying.run import send
    from streams.topics.admin import refuse_unless_there

    refuse_unless_there(settings, settings.broker)
    asyncio.run(send(settings.broker, catalogue, events, **aiokafka_options(settings, settings.broker)))


async def _live(settings: Any, home: Any, users: int, **pace: Any) -> int:
    from streams.connections import aiokafka_options
    from streams.replaying.live import live
    from streams.topics.admin import refuse_unless_there

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await asyncio.to_thread(refuse_unless_there, settings, settings.broker)
    options = aiokafka_options(settings, settings.broker)
    return await live(settings.broker, home, users, **pace, stop=stop, options=options)
