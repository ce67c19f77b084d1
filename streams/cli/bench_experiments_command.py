"""`shelfwise bench experiments`: decisions on planted experiments, through the whole pipeline."""

from typing import Annotated

import typer

from streams.benchmarks.bench_brokers import Backend
from streams.cli.options import SEED_MAX, JsonOption, print_json


def register(group: typer.Typer) -> None:
    """Add the command to the group of benchmarks."""
    group.command("experiments")(experiments)


def experiments(
    backend: Annotated[Backend, typer.Option(help="Broker to start.")] = Backend.EMBEDDED,
    listeners: Annotated[int, typer.Option(min=200, max=100_000, help="Listeners.")] = 3_000,
    days: Annotated[int, typer.Option(min=2, max=10, help="Days of two hours, after two before the start.")] = 8,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of assignment and behaviour.")] = 1,
    json: JsonOption = False,
) -> None:
    """Four planted experiments (an effect, none, a broken split, a KPI sold), a worker killed, decisions, audit."""
    from streams.benchmarks.experiments.bench_experiments import bench_experiments
    from streams.benchmarks.experiments.planted_tests import PlantedTests

    planted = PlantedTests(listeners=listeners, days=days, seed=seed)
    found = bench_experiments(planted, backend, lambda said: typer.echo(said, err=True))
    if json:
        print_json(found)
    else:
        for name, one in found["decisions"].items():
            right = "right" if one["is_right"] else f"WRONG, expected {' or '.join(one['expected'])}"
            typer.echo(f"{name:<16} {one['decision'] or 'none':<13} {right}; {'; '.join(one.get('reasons', []))}")
        holds = "holds" if found["audit"]["holds"] else "FAILS"
        typer.echo(f"audit {holds}, {found['events']:,} events, {found['exposures_to_experiments']:,} exposures")
    if not found["passed"]:
        raise typer.Exit(1)
