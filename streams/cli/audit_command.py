"""`shelfwise audit`: checks that every event counts exactly once, and that all sums are right."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    needed_broker,
    print_json,
    refuse_unless_writable,
    settings_of,
)
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError
from streams.reachable import refuse_unless_reachable

if TYPE_CHECKING:
    from processors.telling import Tell
    from streams.auditing.comparison import Snapshot
    from streams.auditing.findings import Audit
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    closed: Annotated[bool, typer.Option(help="Require that every exposure has settled.")] = False,
    against: Annotated[
        str | None,
        typer.Option(help="Also compare with another run's outputs: a broker, or a file written by --snapshot."),
    ] = None,
    snapshot: Annotated[Path | None, typer.Option(help="Write the data that --against compares to this file.")] = None,
    save_model: Annotated[
        Path | None, typer.Option(help="Write the broadcast state to this file, for `worker --pin-model`.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Check the committed inputs and outputs. Wait until workers are idle before you run it.

    Exits with status 1 if a check fails; each failed check is named, with examples.
    """
    import asyncio

    refuse_unless_writable(snapshot)
    refuse_unless_writable(save_model)
    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    reference = _reference(settings, against) if against else None
    with progress() as tell:
        found, differing = asyncio.run(_audit(settings, bootstrap, closed, reference, snapshot, save_model, tell))
        is_early = found.exposures > 0 and not found.settled
        early = asyncio.run(_why_early(settings, bootstrap)) if is_early else None
    if json:
        print_json({**msgspec.to_builtins(found), "differences": differing, "holds": found.holds and not differing})
    else:
        counted = {name: getattr(found, name) for name in found.__struct_fields__[1:-2]}
        typer.echo("  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counted.items()))
        if early is not None:
            typer.echo(early)
        for finding in found.findings:
            typer.echo(f"{finding.check} {finding.count:,}: {'; '.join(finding.examples)}")
        typer.echo("".join(f"differs: {line}\n" for line in differing[:20]), nl=False)
        typer.echo("the audit passed" if found.holds and not differing else "the audit failed")
    return 0 if found.holds and not differing else 1


async def _audit(
    settings: "Settings",
    bootstrap: str,
    closed: bool,
    reference: "Snapshot | None",
    snapshot_file: Path | None,
    model_file: Path | None,
    tell: "Tell",
) -> "tuple[Audit, list[str]]":
    import asyncio

    from streams.audit_rules import audit_rules
    from streams.auditing.audit import audit as run_audit
    from streams.auditing.comparison import differences, snapshot
    from streams.connections import aiokafka_options
    from streams.pinned_model import saved_model

    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    found = await run_audit(bootstrap, audit_rules(settings, closed=closed), options=options, tell=tell)
    differing: list[str] = []
    if reference or snapshot_file:
        taken = await snapshot(bootstrap, options)
        differing = list(differences(taken, reference)) if reference else []
        if snapshot_file:
            await asyncio.to_thread(snapshot_file.write_bytes, msgspec.json.encode(taken))
    if model_file:
        await asyncio.to_thread(model_file.write_bytes, await saved_model(bootstrap, options))
    return found, differing


async def _why_early(settings: "Settings", bootstrap: str) -> str | None:
    """When the first exposure settles, so that an audit without any is not mistaken for a fault."""
    from streams.connections import aiokafka_options
    from streams.first_settling import first_settling

    return await first_settling(settings, aiokafka_options(settings, bootstrap))


def _reference(settings: "Settings", against: str) -> "Snapshot":
    """The other run: the file of this name if it exists, else a broker."""
    import asyncio

    from streams.auditing.comparison import load_snapshot, snapshot
    from streams.connections import aiokafka_options
    from streams.files.text import bytes_of

    if Path(against).exists():
        try:
            return load_snapshot(bytes_of(Path(against)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigurationError(f"{against} is not a snapshot: {error}; --snapshot writes one") from error
    refuse_unless_reachable(against)
    options = aiokafka_options(settings, against)
    del options["bootstrap_servers"]
    return asyncio.run(snapshot(against, options))
