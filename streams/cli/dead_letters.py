"""`shelfwise dlq`: what could not be read, why, and another try."""

import asyncio
from collections import Counter
from typing import Annotated, Any

import typer

from schemas.topics import DEAD_LETTER_SUFFIX, TOPICS, Role
from streams.cli.options import ConfigOption, JsonOption, NeededBrokerOption, needed_broker, print_json, settings_of

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
    from streams.dead_letters import read_letters

    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    counted: dict[str, dict[str, int]] = {}
    for topic in TOPICS.values():
        if topic.role is Role.DEAD_LETTERS:
            letters = asyncio.run(read_letters(bootstrap, topic.name))
            if letters:
                counted[topic.name] = dict(Counter(letter.why.reason for letter in letters))
    if json:
        print_json(counted)
        return
    for name, reasons in counted.items():
        for reason, count in sorted(reasons.items()):
            typer.echo(f"{name:<24} {reason:<18} {count}")
    if not counted:
        typer.echo("no dead letters")


def show(
    topic: TopicArgument,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: JsonOption = False,
) -> None:
    """Print dead letters of one topic: where they came from, why they were set aside, and what they hold."""
    from streams.dead_letters import read_letters

    settings = settings_of(config, broker=broker)
    letters = asyncio.run(read_letters(needed_broker(settings), _dead_letter_topic(topic)))[:limit]
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
    reason: Annotated[str | None, typer.Option(help="Only those set aside for this reason.")] = None,
    json: JsonOption = False,
) -> None:
    """Send dead letters to their topic again, each once however often this runs."""
    from streams.dead_letters import replay_letters

    settings = settings_of(config, broker=broker)
    sent = asyncio.run(replay_letters(needed_broker(settings), _dead_letter_topic(topic), reason))
    if json:
        print_json({"replayed": sent})
    else:
        typer.echo(f"{sent} dead letters were sent again")


def _dead_letter_topic(name: str) -> str:
    full = name if name.endswith(DEAD_LETTER_SUFFIX) else name + DEAD_LETTER_SUFFIX
    if full not in TOPICS:
        known = ", ".join(topic.name for topic in TOPICS.values() if topic.role is Role.DEAD_LETTERS)
        raise typer.BadParameter(f"there is no {full}; there are: {known}", param_hint="TOPIC")
    return full
