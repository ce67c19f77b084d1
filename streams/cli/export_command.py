"""`shelfwise export`: groups, cards, statistics and outcomes as CSV or Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.known_groups_reading import groups_of_broker
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    needed_broker,
    print_json,
    refuse_unless_writable,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.exporting.columns import ExportTable
    from streams.settings import Settings

ToOption = Annotated[Path, typer.Option(help="File to write: .csv, or .parquet (needs the extra `export`).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Write tables from committed records: for notebooks, warehouses and spreadsheets.")
    for command in (groups, cards, statistics, outcomes):
        group.command()(command)
    app.add_typer(group, name="export")


def groups(
    to: ToOption, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """A row for each co-cluster: streams, typical time, and the threshold of each reward."""
    from streams.exporting.columns import groups_table

    _export(to, broker, config, lambda settings: groups_table(groups_of_broker(settings)), json=json)


def cards(
    to: ToOption, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """A row for each card: title, genres, and its soft card group."""
    from streams.exporting.columns import cards_table

    _export(to, broker, config, lambda settings: cards_table(groups_of_broker(settings)), json=json)


def statistics(
    to: ToOption, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """A row for each card, user group and reward: exposures and sums of the reward."""
    from schemas.codec import decode
    from streams.cli.compacted_topics import newest_of
    from streams.exporting.columns import statistics_table

    def table(settings: "Settings") -> "ExportTable":
        newest = newest_of(settings, "card-statistics")
        return statistics_table(decode("card-statistics", value) for value in newest.values())

    _export(to, broker, config, table, json=json)


def outcomes(
    to: ToOption, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """A row for each settled exposure and each correction, as the log has them; memory does not grow with it."""
    import asyncio

    from streams.connections import aiokafka_options

    settings = _checked(to, broker, config)
    options = aiokafka_options(settings, needed_broker(settings))
    _tell(to, asyncio.run(_outcomes(options, to)), json=json)


def _export(
    to: Path, broker: str | None, config: Path | None, table_of: "Callable[[Settings], ExportTable]", *, json: bool
) -> None:
    from streams.exporting.table_files import table_file

    table = table_of(_checked(to, broker, config))
    count = 0
    with table_file(to, table.columns) as file:
        for row in table.rows:
            file.add(row)
            count += 1
    _tell(to, count, json=json)


async def _outcomes(options: dict[str, Any], to: Path) -> int:
    from schemas.codec import decode
    from schemas.outcomes import one_by_one
    from streams.auditing.reading import stream_committed
    from streams.exporting.columns import OUTCOMES, outcome_row
    from streams.exporting.table_files import table_file

    count = 0
    with table_file(to, OUTCOMES) as file:
        async for record in stream_committed(options.pop("bootstrap_servers"), "outcomes", options):
            for one in one_by_one([decode("outcomes", record.value)]):
                file.add(outcome_row(one))
                count += 1
    return count


def _checked(to: Path, broker: str | None, config: Path | None) -> "Settings":
    """The settings; a file that cannot be written is refused before anything is read."""
    from streams.exporting.table_files import refuse_unless_exportable

    refuse_unless_writable(to)
    refuse_unless_exportable(to)
    return settings_of(config, broker=broker)


def _tell(to: Path, count: int, *, json: bool) -> None:
    if json:
        print_json({"file": str(to), "rows": count})
    else:
        typer.echo(f"{to}: {count:,} rows")
