"""`shelfwise backtest`: what another configuration would have made of the events of a cluster, or of a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from streams.cli.options import (
    BrokerOption,
    JsonOption,
    needed_broker,
    print_json,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from streams.backtesting.replayed import Line
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    config: Annotated[Path, typer.Option(help="TOML file with the candidate's settings.")],
    live: Annotated[
        Path | None, typer.Option(help="TOML file with the settings to compare with; by default those in force.")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(help="File of our own messages, as written by `simulate --out`, in place of a broker."),
    ] = None,
    broker: BrokerOption = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Compare pages shown from this time on, for example 2026-03-01T06:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Compare pages shown before this time.")] = None,
    pin_model: Annotated[
        Path | None, typer.Option(help="Learn nothing: use the broadcast state in this file (`audit --save-model`).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Replay events under two configurations, and compare outcomes and rankings, page by page.

    All events are replayed in one process, in order of arrival, so that what was learned is there when the compared
    pages are shown. Settlement is a function of the events, so equal settings give equal outcomes.
    """
    from schemas.fields import EVENT_MS_MAX
    from streams.backtesting.backtest import backtest as run_backtest
    from streams.pinned_model import load_model

    own, other = settings_of(live, broker=broker), settings_of(config, broker=broker)
    from_ms, to_ms = _milliseconds(since, 0), _milliseconds(until, EVENT_MS_MAX)
    if from_ms >= to_ms:
        raise ConfigurationError("--from is not before --to: no page was shown then")
    pinned = None if pin_model is None else load_model(pin_model)
    lines = lines_of(events, own)
    found = run_backtest(lines, own, other, pinned=pinned, from_ms=from_ms, to_ms=to_ms)
    if json:
        print_json(found)
    else:
        _print(found)


def lines_of(events: Path | None, settings: "Settings") -> "list[Line]":
    """Lines of a file of events, or the inputs of the named broker."""
    import asyncio
    from collections import Counter

    from streams.backtesting.cluster_lines import cluster_lines
    from streams.connections import aiokafka_options
    from streams.replaying.event_lines import read_lines

    if events is not None:
        rejected: Counter[str] = Counter()
        lines: list[Line] = list(read_lines(events, rejected))
        if not lines:
            reason = f": {next(iter(rejected))}" if rejected else ""
            raise ConfigurationError(f"{events} has no line that is a message of ours{reason}")
        return lines
    options = aiokafka_options(settings, needed_broker(settings))
    return asyncio.run(cluster_lines(options.pop("bootstrap_servers"), options))


def _milliseconds(text: str | None, otherwise: int) -> int:
    """A time in ISO 8601, in UTC where it names no zone; raises `ConfigurationError` for another text.

    >>> _milliseconds("1970-01-01T00:01Z", 0), _milliseconds(None, 7)
    (60000, 7)
    """
    if text is None:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not a time in ISO 8601, for example 2026-03-01T06:00Z") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000)


def _print(found: dict[str, Any]) -> None:
    from schemas.policy_values import PolicyValue
    from streams.standings_table import print_standings

    told = found["outcomes"]
    typer.echo(
        f"{told['live']:,} outcomes, {told['candidate']:,} by the candidate's settings; "
        f"{found['outcomes_changed']:,} are in one run only, or differ"
    )
    for name, one in found["settlement"].items():
        typer.echo(f"settlement, {name}: {one['live']:.4f}, then {one['candidate']:.4f}; {_told(one)}")
    print_standings(msgspec.convert(found["ranking"], list[PolicyValue]))


def _told(one: dict[str, Any]) -> str:
    if one["interval_anytime"] is None:
        return f"difference {one['difference']:+.4f} over {one['pages']:,} pages, no interval yet"
    low, high = one["interval_anytime"]
    return f"difference {one['difference']:+.4f} ({low:+.4f} to {high:+.4f} at any time, {one['pages']:,} pages)"
