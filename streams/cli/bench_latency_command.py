"""`shelfwise bench latency`: how soon rankings follow stream-ends, up to and above what a worker sustains."""

from typing import Annotated, Any

import typer

from streams.benchmarks.bench_brokers import Backend
from streams.cli.options import (
    COUNT_MAX,
    DAYS_MAX_S,
    BrokerOption,
    ConfigOption,
    JsonOption,
    SeedOption,
    finite,
    print_json,
    refuse_unless_open,
    settings_of,
)
from streams.configuration_error import ConfigurationError


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("latency")(latency)


def latency(
    broker: BrokerOption = None,
    backend: Annotated[
        Backend, typer.Option(help="Broker to start if none is named: the embedded one, or Apache Kafka from jars.")
    ] = Backend.JARS,
    shares: Annotated[
        str, typer.Option(help="Rates as shares of the sustained rate, with commas; above 1 is an overload.")
    ] = "0.25,0.5,0.75",
    seconds: Annotated[
        float, typer.Option(min=1.0, max=DAYS_MAX_S, callback=finite, help="How long each rate is held.")
    ] = 30.0,
    sustained: Annotated[
        float,
        typer.Option(
            min=0.0, max=1e9, callback=finite, help="The sustained rate in events per second; measured first if 0."
        ),
    ] = 0.0,
    events: Annotated[
        int, typer.Option(min=1_000, max=COUNT_MAX, help="Events that the sustained rate is measured on.")
    ] = 200_000,
    users: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Number of listeners of the simulated world.")
    ] = 5_000,
    seed: SeedOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Time from a stream-end to the ranking that follows it, as a subscriber sees it; then the audit.

    Each stream-end counts from when it was due, so that stalls are measured, too. Exits with status 1 if the audit does
    not hold.
    """
    from streams.benchmarks.bench_traffic import TrafficSettings
    from streams.benchmarks.latency.latency import LatencySettings, bench_latency

    settings = settings_of(config, broker=broker, log_level="warning")
    if settings.broker is not None:
        refuse_unless_open(settings, settings.broker)
    asked = LatencySettings(
        shares=_shares(shares),
        seconds=seconds,
        sustained=sustained,
        measured_on=events,
        traffic=TrafficSettings(seed=seed or 0, users=users),
    )
    found = bench_latency(settings, backend, asked, lambda line: typer.echo(line, err=True))
    if json:
        print_json(found)
    else:
        _print(found)
    return 0 if found["audit_holds"] else 1


def _shares(text: str) -> tuple[float, ...]:
    """Shares with commas.

    >>> _shares("0.25, 3")
    (0.25, 3.0)
    """
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if not shares or not all(0.0 < share <= 100.0 for share in shares):
        raise ConfigurationError(f"--shares: {text!r} is not a list of numbers above 0, at most 100, like 0.25,0.5")
    return shares


def _print(found: dict[str, Any]) -> None:
    """One line for each rate."""
    typer.echo(f"sustained {found['sustained_events_per_s']:,} events/s ({found['broker']})")
    typer.echo(
        f"{'rate':>5} {'events/s':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'drained s':>9} {'MB':>6}  never"
    )
    for share, row in found["rates"].items():
        times = " ".join(f"{row.get(name, float('nan')):>8,.0f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
        rest = f"{row['drained_after_s']:>9,.1f} {row['worker_memory_peak_mb']:>6,.0f}  {row['never_followed']:,}"
        typer.echo(f"{share:>5} {row['events_per_s']:>9,.0f} {times} {rest}")
    typer.echo("audit holds" if found["audit_holds"] else "audit FAILS")
