"""`shelfwise bench`: benchmarks and storms, each run to its end and printed."""

from typing import Annotated, Any

import typer

from streams.benchmarks.backends import Backend
from streams.cli.options import BrokerOption, ConfigOption, JsonOption, SeedOption, print_json, settings_of

BackendOption = Annotated[
    Backend, typer.Option(help="Broker to start where none is named: the embedded one, or Apache Kafka from jars.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Benchmarks and storms. They write events: use a broker of their own.")
    group.command("pipeline")(pipeline)
    app.add_typer(group, name="bench")


def pipeline(
    broker: BrokerOption = None,
    backend: BackendOption = Backend.EMBEDDED,
    events: Annotated[int, typer.Option(min=1_000, help="How many events to fill the log with.")] = 100_000,
    seconds: Annotated[float | None, typer.Option(min=1.0, help="Stop after so many seconds of catching up.")] = None,
    users: Annotated[int, typer.Option(min=1, help="Listeners of the simulated world.")] = 5_000,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """One worker with all tasks catches up with a filled log: events a second, and where their time goes."""
    from streams.benchmarks.pipeline import bench_pipeline
    from streams.benchmarks.traffic import TrafficSettings

    settings = settings_of(config, broker=broker, log_level="warning")
    traffic = TrafficSettings(seed=seed or 0, users=users)
    tell(bench_pipeline(settings, backend, events=events, seconds=seconds, traffic=traffic), json=json)


def tell(found: dict[str, Any], *, json: bool) -> None:
    """Print a result: one JSON object, or a line for each figure."""
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
