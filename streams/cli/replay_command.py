"""`shelfwise replay`: sends real logs through the topics and the agents."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from streams.cli.map_command import ImpressionsOption, StreamEndsOption
from streams.cli.options import (
    BrokerOption,
    ConfigOption,
    GenresOption,
    JsonOption,
    UnitOption,
    print_json,
    refuse_unless_writable,
    serving_broker,
    settings_of,
)
from streams.cli.picture_report import is_page, write_picture_report
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError
from streams.files.units import DurationUnit

if TYPE_CHECKING:
    from streams.replaying.account import Present
    from streams.replaying.replay_run import ReplayFile, ReplayResult
    from streams.settings import Settings

FileArgument = Annotated[Path, typer.Argument(help="File to read, in UTF-8, plain or gzipped.")]
ReportOption = Annotated[
    Path | None, typer.Option(help="Write a page with pictures of the groups to this .html file (extra `plots`).")
]
MADE_UP_BEFORE_MS = 90 * 24 * 3_600_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Replay real logs through the topics and the agents; existing events stay unchanged.")
    group.command("obd")(obd)
    group.command("playtime")(playtime)
    group.command("events")(events)
    group.command("mapped")(mapped)
    app.add_typer(group, name="replay")


def obd(file: FileArgument, broker: BrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Open Bandit Dataset CSV: each row is an impression, each click a stream of 30 s.

    Positions are 1, 2 and 3; a time without a zone is in UTC.
    """
    from streams.files.tables import CsvFile, messages_of
    from streams.replaying import open_bandit
    from streams.replaying.replay_run import ReplayFile

    rejected: Counter[str] = Counter()
    csv_file = CsvFile(file)
    rows = list(messages_of(csv_file, open_bandit.COLUMNS, open_bandit.logged_row, rejected))
    rows.sort(key=lambda row: row.shown_ms)
    happened = [event for row in rows for event in open_bandit.events_of(row, csv_file.digest)]
    happened.sort(key=lambda event: event.event_ms)
    _refuse_if_empty(file, happened, rejected)
    cards = [open_bandit.card_of(item) for item in sorted({row.exposure.item for row in rows})]
    said = ReplayFile(cards=cards, events=happened, rejected=rejected, cards_are_made_up=True)
    return _replay(file, broker, config, lambda _: said, json=json)


def playtime(
    file: FileArgument,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    duration_unit: UnitOption = DurationUnit.AUTO,
    genres: GenresOption = None,
    report: ReportOption = None,
) -> int:
    """CSV of user, item, duration (by position): each row is a stream-end without an impression."""
    from schemas.catalogue import CatalogueCard
    from streams.files.durations import read_durations
    from streams.files.genre_table import read_genres
    from streams.replaying.playtime import PlaytimeReader
    from streams.replaying.replay_run import ReplayFile

    given = read_genres(genres)
    _refuse_unless_page(report)
    table = read_durations(file, duration_unit)
    _refuse_if_empty(file, table.plays, table.refused)

    def said(present: "Present") -> ReplayFile:
        typer.echo(f"{file}: {table.taken}", err=True)
        now_ms = int(time.time() * 1_000)
        first_ms = min(now_ms, max(now_ms - MADE_UP_BEFORE_MS, present.newest_ms))  # nothing comes too late
        reader = PlaytimeReader(table, first_ms=first_ms, last_ms=now_ms)
        streams = list(reader.stream_ends())
        if reader.cut_count:
            typer.echo(f"{reader.cut_count} durations beyond 31 days were cut to 31 days", err=True)
        items = sorted({stream.card_id for stream in streams})
        cards = [
            CatalogueCard(card_id=item, title=item, shelves=("all",), genres=given.get(item, ())) for item in items
        ]
        return ReplayFile(cards=cards, events=streams, rejected=table.refused, cards_are_made_up=True)

    return _replay(file, broker, config, said, json=json, report=report)


def events(
    file: FileArgument,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """JSON lines of our own messages, as written by `simulate --out`."""
    from schemas.catalogue import CatalogueCard
    from streams.replaying.event_lines import read_lines
    from streams.replaying.replay_run import ReplayFile

    rejected: Counter[str] = Counter()
    found = list(read_lines(file, rejected))
    cards = [message for message in found if isinstance(message, CatalogueCard)]
    happened = [message for message in found if not isinstance(message, CatalogueCard)]
    _refuse_if_empty(file, happened, rejected)
    said = ReplayFile(cards=cards, events=happened, rejected=rejected)
    return _replay(file, broker, config, lambda _: said, json=json)


def mapped(
    stream_ends: StreamEndsOption = None,
    impressions: ImpressionsOption = None,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Files of foreign records, by the mapping in the settings ([input.stream_ends], [input.impressions])."""
    from streams.mapping.mapped_files import mapped_rows
    from streams.replaying.replay_run import ReplayFile

    file = stream_ends or impressions
    if file is None:
        raise ConfigurationError("name a file, with --stream-ends, --impressions, or both")
    settings = settings_of(config, broker=broker, log_level="warning")
    found = mapped_rows([("stream-ends", stream_ends), ("impressions", impressions)], settings.input)
    said = ReplayFile(
        cards=found.cards(),
        events=found.events,
        rejected=found.rejected,
        cards_are_made_up=True,
        row_count=found.row_count,
    )
    return _replay(file, broker, config, lambda _: said, json=json)


def _refuse_if_empty(file: Path, found: Sequence[object], rejected: Counter[str]) -> None:
    from streams.files.tables import reasons

    if not found:
        raise ConfigurationError(f"{file}: no row could be read ({reasons(rejected)}); nothing was replayed")


def _replay(
    file: Path,
    broker: str | None,
    config: Path | None,
    said: "Callable[[Present], ReplayFile]",
    *,
    json: bool,
    report: Path | None = None,
) -> int:
    import asyncio

    settings = settings_of(config, broker=broker, log_level="warning")
    with serving_broker(settings) as bootstrap, progress() as tell:
        result = asyncio.run(_replayed(file, settings, bootstrap, said, config, tell))
        if report is not None:
            write_picture_report(settings, bootstrap, report, f"shelfwise, {file.name} replayed")
    if result.already_there:
        new_count = result.impressions + result.stream_ends
        typer.echo(
            f"{file}: {result.already_there:,} of its events existed already and were not sent again, "
            + (f"{new_count:,} are new" if new_count else "nothing has changed"),
            err=True,
        )
    if json:
        print_json(msgspec.to_builtins(result))
    else:
        for name, value in msgspec.to_builtins(result).items():
            typer.echo(f"{name.replace('_', ' '):<24} {value}")
    return 0 if result.adds_up else 1


def _refuse_unless_page(report: Path | None) -> None:
    from streams.pictures.drawing import refuse_unless_drawable

    if report is not None and not is_page(report):
        raise ConfigurationError(f"cannot write {report}: a report is a page, end its name in .html")
    refuse_unless_writable(report)
    refuse_unless_drawable(report)


async def _replayed(
    file: Path,
    settings: "Settings",
    bootstrap: str,
    said: "Callable[[Present], ReplayFile]",
    config: Path | None,
    tell: Any,
) -> "ReplayResult":
    import asyncio

    from streams.connections import aiokafka_options
    from streams.replaying.account import present_events
    from streams.replaying.replay_run import Replay
    from streams.topics.admin import ensure

    await asyncio.to_thread(ensure, settings, bootstrap)
    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    present = await present_events(bootstrap, options)
    replay = Replay(bootstrap, settings, said(present), present)
    reach_ms = settings.settlement.correction_ms + settings.settlement.lateness_ms
    late_ms = present.newest_ms - replay.oldest_ms
    if late_ms > reach_ms:
        typer.echo(
            f"{file} begins {late_ms / 3_600_000:,.0f} h before the newest event in the topics: events more than"
            f" {reach_ms / 3_600_000:.0f} h late are dropped and counted; replay older files first",
            err=True,
        )
    arguments = ["--config", str(config)] if config is not None else []
    return await replay.run(arguments, tell, lambda line: typer.echo(f"{file}: {line}", err=True))
