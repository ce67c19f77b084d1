"""`shelfwise labels`: what the card groups are called, and an editor's say in it."""

import asyncio
from typing import Annotated, Any

import typer

from schemas.codec import decode, encode
from schemas.learning import CardGroupName, CoClusters
from streams.auditing.reading import read_committed
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    needed_broker,
    print_json,
    settings_of,
)
from streams.connections import aiokafka_options
from streams.publishing import Publisher
from streams.settings import ConfigurationError, Settings

GroupArgument = Annotated[int, typer.Argument(min=0, help="Number of the card group, as `labels list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Names of the card groups.")
    group.command("list")(show)
    group.command("name")(name)
    group.command("clear")(clear)
    app.add_typer(group, name="labels")


def show(broker: NeededBrokerOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the card groups: label, most frequent genre, share of the cards, typical streaming time."""
    model = _newest(settings_of(config, broker=broker))
    rows = [
        {
            "group": group,
            "label": model.labels[group] if model.labels else None,
            "most_frequent_genre": model.most_frequent[group] if model.most_frequent else None,
            "share_of_cards": round(share, 4),
            "threshold_s": {reward: [row[group] for row in matrix] for reward, matrix in model.thresholds_s.items()},
        }
        for group, share in enumerate(model.card_prior)
    ]
    if as_json:
        print_json({"generation": model.generation, "version": model.version, "card_groups": rows})
        return
    for row in rows:
        label, genre = row["label"] or "-", row["most_frequent_genre"] or "-"
        typer.echo(f"{row['group']:>3}  {label:<24} most frequent {genre:<16} {row['share_of_cards']:.1%} of the cards")


def name(
    group: GroupArgument,
    label: Annotated[str, typer.Argument(help="What to call it.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
) -> None:
    """Name a card group; the name follows its cards when groups change."""
    settings = settings_of(config, broker=broker)
    model = _newest(settings)
    if group >= len(model.card_prior):
        raise ConfigurationError(f"there is no card group {group}; there are 0 to {len(model.card_prior) - 1}")
    try:
        message = CardGroupName(group=group, generation=model.generation, name=label)
    except ValueError as error:
        raise ConfigurationError(f"{label!r} cannot be a name: {error}") from error
    _publish(settings, str(group), encode(message))


def clear(group: GroupArgument, broker: NeededBrokerOption = None, config: ConfigOption = None) -> None:
    """Take back the name that was given to this number."""
    _publish(settings_of(config, broker=broker), str(group), None)


def _newest(settings: Settings) -> CoClusters:
    bootstrap, options = _connection(settings)
    found = asyncio.run(read_committed(bootstrap, "co-clusters", options))
    if not found or not found[-1][1]:
        raise NoAnswerError("there are no co-clusters yet: a worker publishes them once it has seen enough streams")
    model: CoClusters = decode("co-clusters", found[-1][1])
    return model


def _publish(settings: Settings, key: str, value: bytes | None) -> None:
    bootstrap, options = _connection(settings)

    async def publish() -> None:
        async with Publisher(bootstrap, **options) as publisher:
            await publisher.publish("card-group-names", key, value)
            await publisher.flush()

    asyncio.run(publish())


def _connection(settings: Settings) -> tuple[str, dict[str, Any]]:
    options = aiokafka_options(settings, needed_broker(settings))
    return options.pop("bootstrap_servers"), options
