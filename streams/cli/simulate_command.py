"""`shelfwise simulate`: generates the events of a planted world, with the ground truth."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
import typer

from streams.cli.options import (
    COUNT_MAX,
    SEED_MAX,
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    finite,
    print_json,
    refuse_unless_open,
    refuse_unless_writable,
    settings_of,
)
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError

STEP_MS = 1_000
TOGETHER = 500
END_MS = 10**12
LIVE_DELAY_MAX_MS = 1_000
PATIENCE_MS = 60_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    world: Annotated[str, typer.Option(help="Name of the planted world: W1 to W6.")] = "W1",
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of the world and of its listeners.")] = 0,
    users: Annotated[int, typer.Option(min=1, max=10_000_000, help="Number of listeners.")] = 2_000,
    cards: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of cards.")] = 120,
    impressions: Annotated[
        int, typer.Option(min=1, max=COUNT_MAX, help="Number of random pages that they open.")
    ] = 10_000,
    out: Annotated[
        Path | None, typer.Option(help="Write JSON lines to FILE, and the ground truth to FILE.truth.json.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=1_000_000.0, callback=finite, help="Pages per second, live; by default all at once."),
    ] = None,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Listeners open random pages, play and stop: events to a file or into the topics."""
    import asyncio

    import numpy as np

    from processors.worlds.home_page import HomePageSettings, SimulatedHome
    from processors.worlds.satisfaction import SatisfactionWorld, world_settings

    settings = settings_of(config, broker=broker)
    if (settings.broker is None and out is None) or (broker is not None and out is not None):
        raise typer.BadParameter("name either --broker or --out", param_hint="--out")
    if out is not None:  # a broker of the environment is not meant
        settings = settings.model_copy(update={"broker": None})
    if rate is not None and settings.broker is None:
        raise typer.BadParameter("pages are opened live into topics: name --broker", param_hint="--rate")
    refuse_unless_writable(out)
    if settings.broker is not None:
        refuse_unless_open(settings, settings.broker)
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
        count = asyncio.run(_live(settings, home, users, pages=impressions, pages_per_second=rate, rng=rng))
    else:
        truth = {"world": world, "seed": seed, **_truth(planted)}
        count = _at_once(settings, home, _visits(rng, users, impressions), out, truth)
    if json:
        print_json({"events": count, "world": world, "seed": seed})
    else:
        typer.echo(f"{count} events were {'written' if out else 'sent'}", err=True)


def _truth(planted: Any) -> dict[str, Any]:
    return {name: getattr(planted, name).tolist() for name in ("user_group", "card_group", "log_mean")}


def _visits(rng: Any, users: int, pages: int) -> Iterator[tuple[list[int], list[int]]]:
    """Visits: who opens a page and when, one second apart, within the last day."""
    base_ms = int(time.time() * 1_000) - pages * STEP_MS - 24 * 3_600_000
    for first in range(0, pages, TOGETHER):
        count = min(TOGETHER, pages - first)
        yield (
            rng.integers(users, size=count).tolist(),
            [base_ms + (first + number) * STEP_MS for number in range(count)],
        )


def _at_once(settings: Any, home: Any, visits: Any, out: Path | None, truth: dict[str, Any]) -> int:
    """Write all events of these visits to a file or into topics; return their number."""
    from streams.replaying.live import renamed

    with progress() as tell:
        done = last_ms = 0
        for users, times_ms in visits:
            home.visit(users, times_ms, {})
            done, last_ms = done + len(users), times_ms[-1]
            tell("pages opened", done)
        # another run has other visits, whatever the seed: their events need names of their own
        run = f"{truth['world']}-{truth['seed']}-{last_ms}"
        events = [renamed(event, run) for event in home.events_until(last_ms + END_MS)]
        if out is not None:
            _write(out, home.catalogue, events, truth)
        else:
            _send(settings, home.catalogue, events, tell)
    return len(events)


def _way_out(settings: Any) -> str:
    """A hint for a long wait: how to shorten it."""
    is_short = settings.settlement.horizon_ms <= PATIENCE_MS
    return "" if is_short else "; workers with SHELFWISE_PROFILE=quick show learning within a minute"


def _write(out: Path, catalogue: Any, events: Any, truth: dict[str, Any]) -> None:
    from streams.replaying.event_lines import write_lines

    write_lines(out, [*catalogue, *events])
    out.with_name(out.name + ".truth.json").write_bytes(orjson.dumps(truth))


def _send(settings: Any, catalogue: Any, events: Any, tell: Any) -> None:
    import asyncio

    from streams.connections import aiokafka_options
    from streams.replaying.replay_run import send
    from streams.topics.admin import refuse_unless_there

    refuse_unless_there(settings, settings.broker)
    asyncio.run(send(settings.broker, catalogue, events, tell=tell, **aiokafka_options(settings, settings.broker)))


async def _live(settings: Any, home: Any, users: int, **pace: Any) -> int:
    import asyncio

    from streams.connections import aiokafka_options
    from streams.first_settling import told
    from streams.replaying.live import live
    from streams.topics.admin import refuse_unless_there

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await asyncio.to_thread(refuse_unless_there, settings, settings.broker)
    options = aiokafka_options(settings, settings.broker)
    typer.echo(f"{told(settings, round(time.time() * 1_000))}, by these settings{_way_out(settings)}", err=True)
    return await live(settings.broker, home, users, **pace, stop=stop, options=options)
