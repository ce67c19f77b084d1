"""`shelfwise forget`: a listener withdrawn from all that is kept, and what only time removes."""

from typing import Annotated

import typer

from schemas.fields import IDENTIFIER_MAX
from schemas.topics import TOPICS, Role
from streams.cli.options import ConfigOption, JsonOption, NeededBrokerOption, needed_broker, print_json, settings_of
from streams.configuration_error import ConfigurationError

DAY_MS = 24 * 3_600_000
NAMING = ("impressions", "stream-ends", "outcomes", "interactions", "impressions.dlq", "stream-ends.dlq")
"""Topics whose records name listeners and are never compacted."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("forget")(forget)


def forget(
    user: Annotated[str, typer.Argument(help="The listener's id, as `user_id` has it.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Ask that a listener be forgotten: state, rankings, what was learned from her; says what only retention removes.

    Workers do it in the order of the log, exactly once. Whatever is sent of her afterwards begins anew.
    """
    import asyncio

    from streams.connections import aiokafka_options
    from streams.publishing import Publisher
    from streams.topics.admin import refuse_unless_there

    if not 1 <= len(user) <= IDENTIFIER_MAX:
        raise ConfigurationError(f"an id has 1 to {IDENTIFIER_MAX} characters, this one {len(user)}")
    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    refuse_unless_there(settings, bootstrap)
    inputs = [topic.name for topic in TOPICS.values() if topic.role is Role.INPUT]

    async def ask() -> None:
        options = {**aiokafka_options(settings, bootstrap)}
        async with Publisher(options.pop("bootstrap_servers"), **options) as publisher:
            for topic in inputs:  # in each, so that no event of hers that came before is read after it
                await publisher.publish(topic, user, None)
            await publisher.flush()

    asyncio.run(ask())
    days = {name: TOPICS[name].retention_ms / DAY_MS for name in NAMING}
    if json:
        print_json({"user": user, "asked_in": inputs, "removed_by_retention_only_days": days})
        return
    typer.echo(f"asked in {' and '.join(inputs)}: state, rankings and what was learned go as workers read it")
    typer.echo("only retention removes: " + ", ".join(f"{name} after {count:g} days" for name, count in days.items()))
