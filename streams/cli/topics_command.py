"""`shelfwise topics`: compares the table of topics with the cluster, and applies it."""

from typing import Annotated

import msgspec
import typer

from streams.cli.options import ConfigOption, JsonOption, NeededBrokerOption, needed_broker, print_json, settings_of
from streams.cli.progress import progress_lines
from streams.topics.programs import Program

PAGE_PARTITIONS_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Plan, apply and verify the topics of the cluster.")
    group.command("plan")(plan)
    group.command("apply")(apply)
    group.command("verify")(verify)
    group.command("acls")(acls)
    group.command("grow")(grow)
    app.add_typer(group, name="topics")


def plan(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show the steps of `apply` without taking them."""
    _run(broker, config, json=json, change=False, strict=False)


def apply(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Create missing topics and raise settings; never shrinks or deletes. Status 1, without changes, on a conflict."""
    _run(broker, config, json=json, change=True, strict=True)


def verify(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Status 0 if the cluster matches the table and keys are in the right partitions, else 1."""
    _run(broker, config, json=json, change=False, strict=True)
    _refuse_misplaced(broker, config)


def acls(
    program: Annotated[Program, typer.Option(help="Program that needs the rights.")] = Program.WORKER,
    principal: Annotated[str, typer.Option(help="Its Kafka principal.")] = "User:shelfwise",
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Print the least rights that a program needs, as commands of Kafka's own tool."""
    from streams.topics.acls import grants

    settings = settings_of(config, broker=broker)
    needed = grants(program, settings)
    if json:
        print_json({"principal": principal, "grants": msgspec.to_builtins(needed)})
        return
    for grant in needed:
        typer.echo(grant.command(settings.broker or "BROKER", principal))


def grow(
    page_partitions: Annotated[
        int, typer.Option(min=2, max=PAGE_PARTITIONS_MAX, help="New number, a multiple of the present one.")
    ],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Grow the topics keyed by user or card, and move state and what is compacted to where keys then belong.

    Stop all workers first; clients go on. A growth that was cut is finished by the same command. Afterwards set
    page_partitions to the new number and start the workers.
    """
    import asyncio

    from streams.growing.grow import grow as grow_topics

    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    with progress_lines() as tell:
        grown = asyncio.run(grow_topics(settings, bootstrap, page_partitions, tell))
    if json:
        print_json(msgspec.to_builtins(grown))
        return
    if grown.before == grown.after:
        typer.echo(f"nothing to do: there are {grown.after} page partitions")
        return
    for what, count in {**grown.rows_moved, **grown.records_moved}.items():
        typer.echo(f"{what:<20} {count:>12,} moved in {grown.seconds[what]:,.1f} s")
    typer.echo(
        f"grown from {grown.before} to {grown.after}: set page_partitions = {grown.after} "
        f"(SHELFWISE_PAGE_PARTITIONS) for everything, and start the workers"
    )


def _refuse_misplaced(broker: str | None, config: ConfigOption) -> None:
    import asyncio

    from aiokafka.errors import KafkaError

    from streams.connections import aiokafka_options
    from streams.topics.admin import TopicsError
    from streams.topics.placing import misplaced_inputs

    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    try:
        found = asyncio.run(misplaced_inputs(bootstrap, aiokafka_options(settings, bootstrap)))
    except (KafkaError, OSError, TimeoutError) as error:  # an operator may lack the right to read them
        typer.echo(
            f"the partitions of keys could not be checked ({error!r}); workers check them as they start", err=True
        )
        return
    if found:
        raise TopicsError("; ".join(map(str, found)))


def _run(broker: str | None, config: ConfigOption, *, json: bool, change: bool, strict: bool) -> None:
    from streams.topics import admin

    settings = settings_of(config, broker=broker)
    with admin.admin_client(settings, needed_broker(settings)) as client:
        steps = admin.planned(settings, client)
        open_steps = admin.apply(settings, client, steps) if change else steps
    if json:
        print_json({"steps": msgspec.to_builtins(steps), "open": len(open_steps)})
    else:
        for step in steps:
            typer.echo(f"{step.action:<15} {step.topic:<24} {step.detail}")
        typer.echo(f"{len(steps)} steps, {len(open_steps)} open")
    if strict and open_steps:
        first = next((step for step in open_steps if step.action == "conflict"), open_steps[0])
        raise admin.TopicsError(
            f"{len(open_steps)} steps are open, the first: {first.action} {first.topic}: {first.detail}"
        )
