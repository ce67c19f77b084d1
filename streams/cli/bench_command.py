"""`shelfwise bench`: benchmarks and storms."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.benchmarks.bench_brokers import Backend
from streams.cli import (
    bench_evaluation_commands,
    bench_experiments_command,
    bench_growing_command,
    bench_latency_command,
)
from streams.cli.options import (
    COUNT_MAX,
    DAYS_MAX_S,
    SEED_MAX,
    BrokerOption,
    ConfigOption,
    JsonOption,
    SeedOption,
    finite,
    print_json,
    refuse_named_topics,
    refuse_unless_open,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from streams.settings import Settings

BackendOption = Annotated[
    Backend, typer.Option(help="Broker to start if none is named: the embedded one, or Apache Kafka from jars.")
]
ClustersOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=1_000_000, help="Clusters of faults within seconds of each other.", show_default="2 in 3 minutes"
    ),
]
ForgetOption = Annotated[
    int,
    typer.Option(min=0, max=200, help="Listeners to forget during the storm; all topics are then scanned for them."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer()
    group.callback(help="Benchmarks and storms. They write events: use a separate broker.")(refuse_named_topics)
    group.command("pipeline")(pipeline)
    group.command("storm")(storm)
    group.command("mutations")(mutations)
    group.command("peers")(peers)
    group.command("cocluster")(cocluster)
    group.command("recovery")(recovery)
    group.command("memory")(memory)
    group.command("compile")(compilation)
    bench_evaluation_commands.register(group)
    bench_experiments_command.register(group)
    bench_growing_command.register(group)
    bench_latency_command.register(group)
    app.add_typer(group, name="bench")


def compilation(json: JsonOption = False) -> None:
    """CPU time of compiling everything from an empty cache: a minute."""
    from streams.benchmarks.compilation import bench_compilation

    tell(bench_compilation(), json=json)


def pipeline(
    broker: BrokerOption = None,
    backend: BackendOption = Backend.EMBEDDED,
    events: Annotated[
        int, typer.Option(min=1_000, max=COUNT_MAX, help="Number of events to fill the log with.")
    ] = 100_000,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=DAYS_MAX_S, callback=finite, help="Stop after this many seconds.")
    ] = None,
    users: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Number of listeners of the simulated world.")
    ] = 5_000,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Throughput of one worker with all tasks on a filled log, and the cost of each stage."""
    from streams.benchmarks.bench_traffic import TrafficSettings
    from streams.benchmarks.pipeline import bench_pipeline

    settings = _settings(config, broker)
    traffic = TrafficSettings(seed=seed or 0, users=users)
    tell(bench_pipeline(settings, backend, events=events, seconds=seconds, traffic=traffic), json=json)


def storm(
    nodes: Annotated[int, typer.Option(min=1, max=3, help="Kafka nodes, 1 or 3; the embedded broker has one.")] = 3,
    workers: Annotated[int, typer.Option(min=1, max=100, help="Number of workers at the start.")] = 2,
    minutes: Annotated[float, typer.Option(min=0.3, max=43_200, callback=finite, help="Duration of the storm.")] = 15.0,
    seed: SeedOption = None,
    backend: BackendOption = Backend.JARS,
    rate: Annotated[int, typer.Option(min=1, max=1_000_000, help="Events per second.")] = 150,
    freeze_seconds: Annotated[
        float, typer.Option(min=1.0, max=3_600.0, callback=finite, help="How long a zombie is frozen.")
    ] = 60.0,
    clusters: ClustersOption = None,
    busy: Annotated[
        int, typer.Option(min=0, max=1_000, help="Number of other processes that load the processors.")
    ] = 0,
    forget: ForgetOption = 20,
    logs: Annotated[Path | None, typer.Option(help="Folder for the workers' logs.")] = None,
    json: JsonOption = False,
) -> int:
    """Kill, freeze and scale workers and kill brokers on a seeded schedule, then audit everything.

    Exits with status 1 if the audit fails, a worker ended by itself, or a planned act failed; logs and brokers' data
    are then kept. The same options repeat the same schedule.
    """
    from streams.benchmarks.storm.schedule import StormSettings
    from streams.benchmarks.storm.storm import bench_storm
    from streams.harness.interface import HarnessError

    embedded = backend is Backend.EMBEDDED
    if nodes not in ({1} if embedded else {1, 3}):
        raise typer.BadParameter("the embedded broker has 1 node, the jars backend 1 or 3", param_hint="--nodes")
    settings_of(None, log_level="warning")
    try:
        planned = StormSettings(
            seed=1 if seed is None else seed,
            seconds=60.0 * minutes,
            nodes=nodes,
            workers=workers,
            worker_kills=max(3, round(2.4 * minutes)),
            broker_kills=max(1, round(0.4 * minutes)),
            scale_changes=max(2, round(0.4 * minutes)),
            freezes=round(minutes / 7),
            freeze_s=freeze_seconds,
            fault_bursts=max(2, round(2.0 * minutes)) if embedded else 0,
            clusters=round(minutes / 1.5) if clusters is None else clusters,
            busy=busy,
            events_per_second=rate,
            forget=forget,
        )
        if logs:
            logs.mkdir(parents=True, exist_ok=True)
        found = bench_storm(planned, backend, logs)
    except (ValueError, OSError, HarnessError) as error:
        raise ConfigurationError(str(error)) from error
    tell(found, json=json)
    return 0 if found["passed"] else 1


def mutations(
    count: Annotated[int, typer.Option(min=100, max=COUNT_MAX, help="Number of mutated messages.")] = 1_000_000,
    broker: BrokerOption = None,
    backend: BackendOption = Backend.EMBEDDED,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Send corrupted messages: each is counted, or becomes a dead letter with its reason and its bytes unchanged."""
    from streams.benchmarks.mutations import bench_mutations

    settings = _settings(config, broker)
    found = bench_mutations(settings, backend, count=count, seed=seed or 0)
    tell(found, json=json)
    return 0 if found["passed"] else 1


def peers(
    events: Annotated[
        int, typer.Option(min=1_000, max=COUNT_MAX, help="Number of events to fill the log with.")
    ] = 200_000,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Number of repeats; medians are reported.")] = 1,
    broker: BrokerOption = None,
    backend: BackendOption = Backend.JARS,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Compare a bare client, stock Faust, Quix, Bytewax and the whole pipeline on one log, each in its own process."""
    from streams.benchmarks.peers.compare import bench_peers

    settings = _settings(config, broker)
    if settings.broker is not None and repeats > 1:
        raise ConfigurationError("--repeats: a named broker has one log; leave --broker out, or repeat the command")
    tell(
        bench_peers(
            settings, backend, events=events, seed=seed or 0, repeats=repeats,
            tell=lambda line: typer.echo(line, err=True),
        ),
        json=json,
    )  # fmt: skip


def cocluster(
    worlds: Annotated[str, typer.Option(help="Planted worlds, as letters of abcd; empty for none.")] = "abcd",
    seeds: Annotated[
        int, typer.Option(min=1, max=1_000, help="Number of runs of each world; medians are reported.")
    ] = 5,
    world_seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of the first run; the others follow.")] = 1,
    shrink: Annotated[int, typer.Option(min=1, max=1_000, help="Divide the size of the worlds by this.")] = 1,
    batch: Annotated[bool, typer.Option(help="Also fit in batch; this takes minutes for world d.")] = True,
    interactions: Annotated[
        int, typer.Option(min=0, max=COUNT_MAX, help="Interactions of the run that measures cost by size.")
    ] = 0,
    surprise: Annotated[bool, typer.Option(help="Also run Surprise's CoClustering on the same table.")] = False,
    json: JsonOption = False,
) -> None:
    """Recovery of planted groups, online, in batch and at best, and cost by size, up to 8 million interactions."""
    from streams.benchmarks.coclustering.against_surprise import bench_against_surprise
    from streams.benchmarks.coclustering.planted import PlantedSettings, bench_planted
    from streams.benchmarks.coclustering.scale import bench_scale

    try:
        settings = PlantedSettings(worlds=tuple(worlds), seeds=seeds, world_seed=world_seed, shrink=shrink, batch=batch)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    found: dict[str, Any] = {"benchmark": "cocluster", "worlds": bench_planted(settings, _progress)}
    if interactions:
        found["scale"] = bench_scale(interactions, _progress)
    if surprise:
        found["surprise"] = bench_against_surprise()
    tell(found, json=json)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def recovery(
    listeners: Annotated[
        int, typer.Option(min=1_000, max=100_000_000, help="Number of listeners whose state is restored.")
    ] = 1_000_000,
    broker: BrokerOption = None,
    backend: BackendOption = Backend.EMBEDDED,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Restore a large state: duration, memory, and the longest time without progress."""
    from streams.benchmarks.recovery import bench_recovery

    settings = _settings(config, broker)
    tell(bench_recovery(settings, backend, listeners=listeners), json=json)


def memory(
    events: Annotated[int, typer.Option(min=20_000, max=COUNT_MAX, help="Number of events.")] = 10_000_000,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Pass events through the four cores with bounded state, and print memory use ten times.

    Exits with status 1 if it grows.
    """
    from streams.benchmarks.memory import bench_memory

    found = bench_memory(settings_of(config, log_level="warning"), events=events, seed=seed or 0)
    tell(found, json=json)
    return 0 if found["flat"] else 1


def _settings(config: Path | None, broker: str | None) -> "Settings":
    """Settings; a named broker is checked first, because a client would retry for ever."""
    settings = settings_of(config, broker=broker, log_level="warning")
    if settings.broker is not None:
        refuse_unless_open(settings, settings.broker)
    return settings


def tell(found: dict[str, Any], *, json: bool) -> None:
    """Print a result: one JSON object, or one line per figure."""
    if json:
        print_json(found)
        return
    for name, value in found.items():
        if isinstance(value, dict):
            typer.echo(name)
            for key, figure in value.items():
                typer.echo(f"    {key:<26} {_shown(figure)}")
        else:
            typer.echo(f"{name:<30} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
