"""`shelfwise labels`: labels of the card groups, and names given by editors."""

from math import expm1
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.compacted_topics import newest_of, publish
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    print_json,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from schemas.learning import CardGroupName, CoClusters
    from streams.settings import Settings

GROUPS_MAX = 10_000
GroupArgument = Annotated[
    int, typer.Argument(min=0, max=GROUPS_MAX, help="Number of the card group, as shown by `labels list`.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Labels of the card groups.")
    group.command("list")(show)
    group.command("name")(name)
    group.command("clear")(clear)
    app.add_typer(group, name="labels")


def show(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the card groups: label, most frequent genre, share of the cards, typical streaming time."""
    model = _newest(settings_of(config, broker=broker))
    typical_s = typical_times_s(model)
    rows = [
        {
            "group": group,
            "label": model.labels[group] if model.labels else None,
            "most_frequent_genre": model.most_frequent[group] if model.most_frequent else None,
            "share_of_cards": round(share, 4),
            "typical_s": round(typical_s[group], 1),
            "threshold_s": {reward: [row[group] for row in matrix] for reward, matrix in model.thresholds_s.items()},
        }
        for group, share in enumerate(model.card_prior)
    ]
    if json:
        print_json({"generation": model.generation, "version": model.version, "card_groups": rows})
        return
    for row in rows:
        label, genre = row["label"] or "-", row["most_frequent_genre"] or "-"
        share = f"{row['share_of_cards']:.1%} of the cards"
        typer.echo(
            f"{row['group']:>3}  {label:<24} most frequent {genre:<16} {share:<20} typically {row['typical_s']:,.0f} s"
        )


def typical_times_s(model: "CoClusters") -> list[float]:
    """Geometric mean of the streaming times of each card group, over user groups weighted by streams."""
    found = []
    for group in range(len(model.card_prior)):
        means, counts = ([row[group] for row in matrix] for matrix in (model.mean, model.count))
        weights = counts if sum(counts) > 0.0 else list(model.user_prior)
        mean = sum(weight * one for weight, one in zip(weights, means, strict=True)) / sum(weights)
        found.append(expm1(mean))
    return found


def name(
    group: GroupArgument,
    label: Annotated[str, typer.Argument(help="The new name.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Name a card group; the name follows its cards when groups change."""
    from schemas.codec import encode
    from schemas.learning import CardGroupName

    settings = settings_of(config, broker=broker)
    model = _newest(settings)
    if group >= len(model.card_prior):
        raise ConfigurationError(f"there is no card group {group}; there are 0 to {len(model.card_prior) - 1}")
    try:
        message = CardGroupName(group=group, generation=model.generation, name=label)
    except ValueError as error:
        raise ConfigurationError(f"{label!r} cannot be a name: {error}") from error
    publish(settings, "card-group-names", message.key, encode(message))
    before = f", before {model.labels[group]!r}" if model.labels else ""
    said = f"card group {group} is named {label!r}{before}"
    _tell(settings, said, {"group": group, "name": label, "generation": model.generation}, json=json)


def clear(
    group: GroupArgument, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Remove the name of this card group."""
    from schemas.codec import decode

    settings = settings_of(config, broker=broker)
    given = newest_of(settings, "card-group-names").get(str(group))
    if given is None:
        raise NoAnswerError(f"no name has been given to card group {group}: nothing was removed")
    taken: CardGroupName = decode("card-group-names", given)
    publish(settings, "card-group-names", str(group), None)
    said = f"the name {taken.name!r}, given to card group {group}, is removed"
    _tell(settings, said, {"group": group, "name": None, "generation": taken.generation}, json=json)


def _tell(settings: "Settings", said: str, done: dict[str, Any], *, json: bool) -> None:
    """Report what was done, and when readers see it: labels are published with the co-clusters."""
    shows = "with the next co-clusters that a worker publishes"
    if json:
        print_json({**done, "shows": shows})
    else:
        every_s = settings.publish_interval_ms / 1_000
        typer.echo(f"{said}; it shows {shows}: once listeners stream again, within about {every_s:g} s")


def _newest(settings: "Settings") -> "CoClusters":
    from schemas.codec import decode

    found = newest_of(settings, "co-clusters")
    if not found:
        raise NoAnswerError("there are no co-clusters yet: a worker publishes them once it has seen enough streams")
    model: CoClusters = decode("co-clusters", [*found.values()][-1])
    return model
