"""`shelfwise forget`: removes a listener from everything that is kept, and lists what only retention removes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.fields import IDENTIFIER_MAX
from schemas.topics import TOPICS
from streams.cli.options import (
    DAYS_MAX_S,
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    finite,
    needed_broker,
    print_json,
    settings_of,
)
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from streams.forgetting.scan import Found
    from streams.settings import Settings

DAY_MS = 24 * 3_600_000
NAMING = ("impressions", "stream-ends", "forwarded", "outcomes", "interactions", "impressions.dlq", "stream-ends.dlq")
"""Topics with listener ids that are never compacted."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("forget")(forget)


def forget(
    user: Annotated[str, typer.Argument(help="The listener's id, as in `user_id`.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Wait until workers are done, then search all topics for the id.")
    ] = False,
    wait_seconds: Annotated[
        float, typer.Option(min=1.0, max=DAYS_MAX_S, callback=finite, help="How long to wait for workers.")
    ] = 120.0,
    json: JsonOption = False,
) -> int:
    """Request that a listener be forgotten: state, rankings, and what was learned; lists what only retention removes.

    Workers process the request in the order of the log, exactly once. Later events of the listener start afresh. With
    --verify the exit status is 1 if workers are not done in time, or if the id remains in anything that is kept.
    """
    import asyncio

    from streams.connections import aiokafka_options
    from streams.forgetting.asking import INPUTS, ask
    from streams.topics.admin import refuse_unless_there

    if not 1 <= len(user) <= IDENTIFIER_MAX:
        raise ConfigurationError(f"an id has 1 to {IDENTIFIER_MAX} characters, this one {len(user)}")
    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    refuse_unless_there(settings, bootstrap)
    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    days = {name: TOPICS[name].retention_ms / DAY_MS for name in NAMING}
    told: dict[str, Any] = {"user": user, "asked_in": list(INPUTS), "removed_by_retention_only_days": days}
    if verify:
        return _verified(user, settings, bootstrap, wait_seconds, options, told, json=json)
    asyncio.run(ask(bootstrap, user, options))
    if json:
        print_json(told)
    else:
        typer.echo(
            f"asked in {' and '.join(INPUTS)}: workers remove state, rankings and what was learned as they read it"
        )
        typer.echo(
            "only retention removes: " + ", ".join(f"{name} after {count:g} days" for name, count in days.items())
        )
    return 0


def _verified(
    user: str,
    settings: "Settings",
    bootstrap: str,
    wait_s: float,
    options: dict[str, Any],
    told: dict[str, Any],
    *,
    json: bool,
) -> int:
    """Request, wait, scan and report; rankings of surfaces that are no longer configured are withdrawn."""
    import asyncio

    from streams.forgetting.asking import NotDoneError, ask_and_wait
    from streams.forgetting.scanning import look
    from streams.mapping.own_topics import own_topics

    waits_for = asyncio.run(ask_and_wait(bootstrap, user, wait_s, options))
    if waits_for is not None:
        raise NotDoneError(
            f"{waits_for} has not processed it within {wait_s:g} s; the request stays in the topics: start a worker, or"
            " let it catch up, and run this again"
        )
    surfaces = {ranking.surface for ranking in settings.listeners.ranking.by_surface()}
    more = own_topics(settings.input, {}).values()
    with progress() as tell:
        found, withdrawn = asyncio.run(look(bootstrap, user, surfaces, options, tell, more))
    kept = sum(one.kept for one in found)
    if json:
        print_json({**told, "withdrawn": withdrawn, "topics": {it.topic: it.figures() for it in found}, "kept": kept})
    else:
        _print(found, withdrawn, kept)
    return 1 if kept else 0


def _print(found: "list[Found]", withdrawn: list[str], kept: int) -> None:
    from streams.forgetting.scan import HEADING

    typer.echo(HEADING)
    for one in found:
        typer.echo(one.line())
    if withdrawn:
        typer.echo(f"rankings of surfaces that the settings do not name were withdrawn: {', '.join(withdrawn)}")
    for one in found:
        for key in one.where[:3]:
            typer.echo(f"{one.topic} keeps {key.decode(errors='replace')!r}")
    if kept:
        typer.echo("the id is still there: newer events contain it, or another name does")
    else:
        typer.echo("nothing that is kept contains the listener's id")
