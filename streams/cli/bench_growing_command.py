"""`shelfwise bench growing`: growth of the topics under traffic, killed in the middle."""

from typing import Annotated

import typer

from streams.benchmarks.bench_brokers import Backend
from streams.cli.options import SEED_MAX, JsonOption, finite, print_json


def register(group: typer.Typer) -> None:
    """Add the command to the group of benchmarks."""
    group.command("growing")(growing)


def growing(
    backend: Annotated[Backend, typer.Option(help="Broker to start.")] = Backend.JARS,
    nodes: Annotated[int, typer.Option(min=1, max=3, help="Kafka nodes, 1 or 3; the embedded broker has one.")] = 3,
    listeners: Annotated[int, typer.Option(min=0, max=10_000_000, help="Listeners with a page in state.")] = 10_000,
    kill_after: Annotated[
        float,
        typer.Option(min=0.0, max=3_600, callback=finite, help="Seconds of moving until the first kill; 0: none."),
    ] = 4.0,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of the traffic.")] = 0,
    json: JsonOption = False,
) -> None:
    """Grow from 4 to 12 page partitions while clients write, kill the command once, go on, and audit everything.

    The audit keeps some 5 kB of each listener in memory.
    """
    from streams.benchmarks.bench_growing import GrowingSettings, bench_growing

    settings = GrowingSettings(nodes=nodes, listeners=listeners, kill_after_s=kill_after or None, seed=seed)
    found = bench_growing(settings, backend, lambda said: typer.echo(said, err=True))
    if json:
        print_json(found)
    else:
        seconds = " and ".join(f"{one:,.1f} s" for one in found["grow_s"])
        moved = sum(found["grown"].get("rows_moved", {}).values())
        typer.echo(f"grown in {seconds}, {moved:,} rows moved in the last run; {found['events']:,} events meanwhile")
        typer.echo(f"audit {'holds' if found['audit']['holds'] else 'FAILS'}")
    if not found["passed"]:
        raise typer.Exit(1)
