"""`shelfwise replay`: real logs into the topics, through the same agents."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streams.cli.options import BrokerOption, ConfigOption, JsonOption, print_json, serving_broker, settings_of
from streams.settings import ConfigurationError

FileArgument = Annotated[Path, typer.Argument(help="File to read; .gz is unpacked.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Replay real logs through the topics and the agents.")
    group.command("obd")(obd)
    group.command("playtime")(playtime)
    group.command("events")(events)
    app.add_typer(group, name="replay")


def obd(file: FileArgument, broker: BrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Open Bandit Dataset CSV: each row an impression, each click a stream of 30 s."""
    from streams.replaying import open_bandit
    from streams.replaying.rows import messages_of

    rejected: Counter[str] = Counter()
    per_row = list(messages_of(file, open_bandit.COLUMNS, open_bandit.events_of, rejected))
    cards = {card.card_id: card for card in messages_of(file, open_bandit.COLUMNS, _card, Counter())}
    flat = sorted((event for row in per_row for event in row), key=lambda event: event.event_ms)
    return _replay(broker, config, cards.values(), flat, rejected, json=json)


def _card(_number: int, row: dict[str, str]) -> Any:
    from streams.replaying.open_bandit import card_of

    return card_of(row)


def playtime(
    file: FileArgument,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    duration_unit: Annotated[str, typer.Option(help="hours, seconds or ms.")] = "hours",
) -> int:
    """CSV of user, item, duration (by position): each row a stream-end without impression."""
    from schemas.catalogue import CatalogueCard
    from streams.replaying.playtime import MS_OF, PlaytimeReader
    from streams.replaying.rows import messages_of, open_text

    if duration_unit not in MS_OF:
        raise typer.BadParameter(f"it is one of {', '.join(MS_OF)}", param_hint="--duration-unit")
    with open_text(file) as opened:
        header = [name.strip() for name in opened.readline().rstrip("\r\n").split(",")]
    if len(header) < 3:
        raise ConfigurationError(f"{file} has {len(header)} columns; it needs three: user, item, duration")
    columns = (header[0], header[1], header[2])
    rejected: Counter[str] = Counter()
    reader = PlaytimeReader(columns, duration_unit, base_ms=int(time.time() * 1_000) - 90 * 24 * 3_600_000)
    streams = list(messages_of(file, columns, reader.stream_end, rejected))
    items = sorted({stream.card_id for stream in streams})
    cards = [CatalogueCard(card_id=item, title=item, shelves=("all",)) for item in items]
    if reader.cut_count:
        typer.echo(f"{reader.cut_count} durations beyond 31 days were cut to 31 days", err=True)
    return _replay(broker, config, cards, streams, rejected, json=json)


def events(
    file: FileArgument,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """JSON lines of our own messages, as `simulate --out` writes them."""
    from schemas.catalogue import CatalogueCard
    from streams.replaying.event_lines import read_lines

    rejected: Counter[str] = Counter()
    found = list(read_lines(file, rejected))
    cards = [message for message in found if isinstance(message, CatalogueCard)]
    others = [message for message in found if not isinstance(message, CatalogueCard)]
    return _replay(broker, config, cards, others, rejected, json=json)


def _replay(
    broker: str | None,
    config: Path | None,
    cards: Iterable[Any],
    found: list[Any],
    rejected: Counter[str],
    *,
    json: bool,
) -> int:
    from streams.replaying.run import replay

    settings = settings_of(config, broker=broker, log_level="warning")
    if not found:
        raise ConfigurationError(f"no row could be read ({dict(rejected)}); nothing was replayed")
    with serving_broker(settings) as bootstrap:
        result = asyncio.run(replay(bootstrap, settings, cards, found, rejected))
    if json:
        print_json(msgspec.to_builtins(result))
    else:
        for name, value in msgspec.to_builtins(result).items():
            typer.echo(f"{name.replace('_', ' '):<24} {value}")
    return 0 if result.adds_up else 1
