"""`shelfwise dlq`: dead letters, with their reasons, and how to replay them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from streams.cli.options import (
    COUNT_MAX,
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    needed_broker,
    print_json,
    settings_of,
)

if TYPE_CHECKING:
    from streams.settings import Settings

TopicArgument = Annotated[str, typer.Argument(help="Name of the topic, with or without .dlq.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, show and replay dead letters.")
    group.command("list")(list_letters)
    group.command("show")(show)
    group.command("replay")(replay)
    app.add_typer(group, name="dlq")


def list_letters(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Count the dead letters of every topic by reason."""
    import asyncio

    from streams.dead_letter_replay import count_letters

    counted: dict[str, dict[str, int]] = {}
    settings, bootstrap, options = _connection(broker, config)
    for name in _dead_letter_topics(settings):
        reasons = asyncio.run(count_letters(bootstrap, name, **options))
        if reasons:
            counted[name] = dict(reasons)
    if json:
        print_json(counted)
        return
    for name, by_reason in counted.items():
        for reason, count in sorted(by_reason.items()):
            typer.echo(f"{name:<24} {reason:<18} {count}")
    if not counted:
        typer.echo("no dead letters")


def show(
    topic: TopicArgument,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Maximum number of letters.")] = 20,
    json: JsonOption = False,
) -> None:
    """Print dead letters of one topic, with origin, reason and content."""
    import asyncio

    from streams.dead_letter_replay import read_letters

    settings, bootstrap, options = _connection(broker, config)
    name = _dead_letter_topic(topic, settings)
    letters = asyncio.run(read_letters(bootstrap, name, limit, **options))
    shown: list[dict[str, Any]] = [letter.shown() for letter in letters]
    if json:
        print_json({"letters": shown})
        return
    for letter in shown:
        typer.echo(f"{letter['source']}  {letter['reason']}: {letter['detail']}\n    {letter['value']}")


def replay(
    topic: TopicArgument,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    reason: Annotated[str | None, typer.Option(help="Only letters with this reason.")] = None,
    json: JsonOption = False,
) -> None:
    """Send dead letters to their topic again, each exactly once however often this runs.

    Those of a mapping are mapped again, with the settings as they are now.
    """
    import asyncio

    from schemas.dead_letters import DeadLetterReason
    from streams.dead_letter_replay import replay_letters, unchanged
    from streams.mapped_letters import mapped_again

    if reason not in {None, *get_args(DeadLetterReason)}:
        known = ", ".join(get_args(DeadLetterReason))
        raise typer.BadParameter(
            f"no dead letter has the reason {reason!r}; the reasons: {known}", param_hint="--reason"
        )
    settings, bootstrap, options = _connection(broker, config)
    name = _dead_letter_topic(topic, settings)
    again = mapped_again(settings, name) or unchanged
    sent = asyncio.run(replay_letters(bootstrap, name, reason, again, **options))
    if json:
        print_json({"replayed": sent})
    else:
        typer.echo(f"{sent} dead letters were sent again")


def _connection(broker: str | None, config: Path | None) -> "tuple[Settings, str, dict[str, Any]]":
    from streams.connections import aiokafka_options

    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    return settings, bootstrap, aiokafka_options(settings, bootstrap)


def _dead_letter_topics(settings: "Settings") -> list[str]:
    """Names of all dead-letter topics, with those of the mappings in the settings."""
    from schemas.topics import TOPICS, Role
    from streams.mapping.own_topics import own_topics

    every = {**TOPICS, **own_topics(settings.input, {})}
    return [topic.name for topic in every.values() if topic.role is Role.DEAD_LETTERS]


def _dead_letter_topic(name: str, settings: "Settings") -> str:
    from schemas.topics import DEAD_LETTER_SUFFIX

    full = name if name.endswith(DEAD_LETTER_SUFFIX) else name + DEAD_LETTER_SUFFIX
    known = _dead_letter_topics(settings)
    if full not in known:
        raise typer.BadParameter(f"there is no {full}; there are: {', '.join(known)}", param_hint="TOPIC")
    return full
