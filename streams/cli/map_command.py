"""`shelfwise map`: what a mapping makes of a file of foreign records, row by row, or as a file of our messages."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.options import (
    COUNT_MAX,
    ConfigOption,
    JsonOption,
    print_json,
    refuse_unless_writable,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from streams.mapping.mapper import Mapper
    from streams.settings import Settings

StreamEndsOption = Annotated[Path | None, typer.Option("--stream-ends", help="File for [input.stream_ends].")]
ImpressionsOption = Annotated[Path | None, typer.Option("--impressions", help="File for [input.impressions].")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map")(map_files)


def map_files(
    try_file: Annotated[
        Path | None, typer.Option("--try", help="Show what becomes of each field of the first rows of this file.")
    ] = None,
    stream_ends: StreamEndsOption = None,
    impressions: ImpressionsOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the files as our own messages, for `evaluate` and others.")
    ] = None,
    config: ConfigOption = None,
    to: Annotated[
        str | None, typer.Option("--to", help="With two mappings, the one to try: stream-ends or impressions.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Rows to show.")] = 3,
    json: JsonOption = False,
) -> int:
    """Try the mapping of the settings on a file, or convert files with it."""
    settings = settings_of(config)
    if try_file is not None and out is None and stream_ends is None and impressions is None:
        report = _tried(try_file, settings, to, rows)
        if json:
            print_json(report)
        else:
            _show(report)
        return 0 if report["mapped"] else 1
    if try_file is not None or out is None or (stream_ends is None and impressions is None):
        raise ConfigurationError("use `map --try FILE`, or `map --stream-ends FILE --impressions FILE --out FILE`")
    _convert(settings, stream_ends, impressions, out, json=json)
    return 0


def _tried(file: Path, settings: "Settings", to: str | None, count: int) -> dict[str, Any]:
    """What became of the first rows, field by field, and of all rows."""
    from streams.mapping.foreign_files import rows_of
    from streams.mapping.mapped_files import DUPLICATE, PASSED_OVER, mapper_for, zone_missing
    from streams.mapping.trying import tried
    from streams.mapping.unmappable import ZoneMissingError, counted_as

    topic = _topic_of(settings, to)
    mapper: Mapper = mapper_for(topic, settings.input)
    shown, all_rows, rejected, known = [], 0, Counter[str](), set[tuple[str, str]]()
    for row in rows_of(file, mapper):
        all_rows += 1
        try:
            found = tried(mapper, row, in_detail=all_rows <= count)
        except ZoneMissingError as error:
            raise zone_missing(file, row.number, mapper, error) from error
        if found.error is not None:
            rejected[counted_as(found.error)] += 1
        elif found.message is None:
            rejected[PASSED_OVER] += 1
        elif (name := (found.message.user_id, found.message.event_id)) in known:
            rejected[DUPLICATE] += 1
        else:
            known.add(name)
        if all_rows <= count:
            shown.append(found.told())
    return {
        "file": str(file),
        "topic": topic,
        "rows": all_rows,
        "mapped": all_rows - rejected.total(),
        "rejected": dict(rejected),
        "shown": shown,
    }


def _topic_of(settings: "Settings", to: str | None) -> str:
    """The mapping to try: the only one, or the named one."""
    known = list(settings.input.by_topic())
    if to is not None and to not in {"stream-ends", "impressions"}:
        raise ConfigurationError(f"--to is {to}; it is stream-ends or impressions")
    if to is not None:
        return to
    if not known:
        raise ConfigurationError("the settings have no mapping: name the fields in [input.stream_ends] (--config)")
    if len(known) > 1:
        raise ConfigurationError("the settings have two mappings: choose one with --to stream-ends or --to impressions")
    return known[0]


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for row in report["shown"]:
        table = Table(title=f"row {row['row']}: {row['result']}", title_justify="left", title_style="")
        for heading in ("field", "expression", "found", "becomes"):
            table.add_column(heading, overflow="fold")
        for told in row["fields"]:
            style = "red" if told["is_fault"] else ""
            cells = [told[name] for name in ("field", "expression", "found", "becomes")]
            table.add_row(*map(_escaped, cells), style=style)
        console.print(table)
    typer.echo(f"{report['mapped']:,} of {report['rows']:,} rows can be mapped to {report['topic']}")
    for reason, number in sorted(report["rejected"].items(), key=lambda it: -it[1]):
        typer.echo(f"  {number:,} {reason}")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _convert(
    settings: "Settings", stream_ends: Path | None, impressions: Path | None, out: Path, *, json: bool
) -> None:
    from schemas.codec import encode
    from streams.mapping.mapped_files import mapped_rows

    refuse_unless_writable(out)
    found = mapped_rows([("stream-ends", stream_ends), ("impressions", impressions)], settings.input)
    cards = found.cards()
    with out.open("wb") as file:
        file.writelines(encode(message) + b"\n" for message in (*cards, *found.events))
    report = {"rows": found.row_count, "mapped": len(found.events), "cards": len(cards)}
    if json:
        print_json({**report, "rejected": dict(found.rejected), "out": str(out)})
        return
    typer.echo(f"{report['mapped']:,} of {report['rows']:,} rows, with {report['cards']:,} cards, are in {out}")
    for reason, number in found.rejected.most_common():
        typer.echo(f"  {number:,} {reason}")
