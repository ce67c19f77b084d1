"""`shelfwise rankings`: the subscriber library, from the shell."""

from typing import Annotated

import msgspec
import typer

from streams.cli.options import COUNT_MAX, ConfigOption, NeededBrokerOption, NoAnswerError, needed_broker, settings_of

CountOption = Annotated[int | None, typer.Option(min=1, max=COUNT_MAX, help="Stop after so many.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Read shelf rankings, as a subscriber does.")
    group.command("get")(get)
    group.command("follow")(follow)
    app.add_typer(group, name="rankings")


def get(user: str, broker: NeededBrokerOption = None, config: ConfigOption = None) -> None:
    """Print the newest ranking for a listener as JSON; of a stand-in where the listener is unknown."""
    from streams.connections import kafka_python_options
    from streams.subscribers import RankingSubscriber

    settings = settings_of(config, broker=broker)
    options = kafka_python_options(settings, needed_broker(settings))
    with RankingSubscriber(options.pop("bootstrap_servers"), **options) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        found = subscriber.get(user)
    if found is None:
        raise NoAnswerError(f"there is no ranking yet, not for {user} nor for anybody")
    typer.echo(msgspec.json.encode(found).decode())


def follow(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    user: Annotated[str | None, typer.Option(help="Only this listener's.")] = None,
    count: CountOption = None,
) -> None:
    """Print rankings as JSON lines, the newest of each listener first, then as they come."""
    from streams.connections import kafka_python_options
    from streams.subscribers import RankingSubscriber

    settings = settings_of(config, broker=broker)
    options = kafka_python_options(settings, needed_broker(settings))
    printed = 0
    with RankingSubscriber(options.pop("bootstrap_servers"), **options) as subscriber:
        while count is None or printed < count:
            for user_id in dict.fromkeys(subscriber.poll()):
                found = subscriber.get(user_id) if user in {None, user_id} else None
                if found is not None and (count is None or printed < count):
                    typer.echo(msgspec.json.encode(found.ranking).decode())
                    printed += 1
