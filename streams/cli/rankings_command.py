"""`shelfwise rankings`: the subscriber library, from the shell."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.compacted_topics import newest_of
from streams.cli.options import (
    COUNT_MAX,
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    needed_broker,
    settings_of,
)

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.subscribers import RankingSubscriber
    from streams.subscribers.ranking_table import Found


class Since(StrEnum):
    """Starting point of `follow`."""

    START = "start"
    NOW = "now"


CountOption = Annotated[int | None, typer.Option(min=1, max=COUNT_MAX, help="Stop after this many rankings.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Read shelf rankings, as a subscriber does.")
    group.command("get")(get)
    group.command("follow")(follow)
    app.add_typer(group, name="rankings")


def get(
    user: Annotated[str, typer.Argument(help="The listener.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    table: Annotated[bool, typer.Option("--table", help="Print the page as tables, with reasons in words.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the newest ranking for a listener as JSON, or as tables; a substitute if the listener is unknown."""
    if table and json:
        raise typer.BadParameter("give --table or --json", param_hint="--table")
    with _subscriber(broker, config) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        found = subscriber.get(user)
    if found is None:
        raise NoAnswerError(f"there is no ranking yet, neither for {user} nor as a substitute")
    if table:
        _print_tables(found, settings_of(config, broker=broker))
    else:
        typer.echo(msgspec.json.encode(found).decode())
    if not any(score for shelf in found.ranking.shelves for score in shelf.scores):
        _say_why_zero(settings_of(config, broker=broker))


def _print_tables(found: "Found", settings: "Settings") -> None:
    """Print the page; cards have titles if the catalogue may be read, which a subscriber's rights do not include."""
    from aiokafka.errors import TopicAuthorizationFailedError

    from schemas.codec import decode
    from streams.pictures.page_tables import print_page

    try:
        newest = newest_of(settings, "catalogue")
    except TopicAuthorizationFailedError:
        newest = {}
    titles = {card_id: decode("catalogue", value).title for card_id, value in newest.items()}
    print_page(found, titles)


def _say_why_zero(settings: "Settings") -> None:
    """Print on standard error when learning begins, so that scores of zero are not mistaken for a fault."""
    import asyncio

    from streams.connections import aiokafka_options
    from streams.first_settling import first_settling

    told = asyncio.run(first_settling(settings, aiokafka_options(settings, needed_broker(settings))))
    if told is not None:
        typer.echo(f"every score is zero; {told}", err=True)


def follow(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    user: Annotated[str | None, typer.Option(help="Only this listener's.")] = None,
    count: CountOption = None,
    since: Annotated[Since, typer.Option(help="Start with existing rankings, or with new ones.")] = Since.START,
) -> None:
    """Print rankings as JSON lines: the newest of each listener first, then new ones as they arrive."""
    with _subscriber(broker, config) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        new = [] if since is Since.NOW else subscriber.table.users()
        printed = 0
        while True:
            for user_id in dict.fromkeys(new):
                found = subscriber.get(user_id) if user in {None, user_id} else None
                if found is None or found.source != "own":  # withdrawn: readers get a substitute
                    continue
                typer.echo(msgspec.json.encode(found.ranking).decode())
                printed += 1
                if printed == count:
                    return
            new = subscriber.poll()


def _subscriber(broker: str | None, config: Path | None) -> "RankingSubscriber":
    from streams.connections import subscriber_options
    from streams.subscribers import RankingSubscriber

    settings = settings_of(config, broker=broker)
    options = subscriber_options(settings, needed_broker(settings))
    return RankingSubscriber(options.pop("bootstrap_servers"), **options)
