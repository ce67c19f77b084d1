"""Files of foreign records, read row by row in the format of a mapping."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from schemas.codec import UnreadableError
from streams.configuration_error import ConfigurationError
from streams.files.tables import CsvFile
from streams.files.text import lines_of
from streams.mapping.formats.cloud_events import CloudEvents
from streams.mapping.formats.csv_format import by_column
from streams.mapping.formats.decoder import Decoder
from streams.mapping.formats.json_format import JsonFormat
from streams.mapping.mapper import Mapper, names_in
from streams.mapping.mapping_settings import section_of


class Row(NamedTuple):
    """A row, from 1: its plain values, or why it cannot be read."""

    number: int
    event: Any
    error: UnreadableError | None = None


def rows_of(path: Path, mapper: Mapper) -> Iterator[Row]:
    """The rows of a file: lines of JSON or CloudEvents, CSV, or an Avro container.

    Raises `ConfigurationError` if the file is not of this format, or has no column that the mapping names.
    """
    kind = mapper.mapping.format
    if kind == "csv":
        return _csv_rows(path, mapper)
    if kind == "avro":
        return _avro_rows(path)
    if kind == "protobuf":
        raise ConfigurationError(f"{path}: there are no files of Protobuf records; use a file of JSON lines")
    return _json_rows(path, CloudEvents() if kind == "cloudevents" else JsonFormat())


def _json_rows(path: Path, decoder: Decoder) -> Iterator[Row]:
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            try:
                yield Row(number, decoder.event(line.encode(), ()))
            except UnreadableError as error:
                yield Row(number, None, error)


def _csv_rows(path: Path, mapper: Mapper) -> Iterator[Row]:
    mapping = mapper.mapping
    rows = CsvFile(path, mapping.delimiter).rows()
    first = next(rows, [])
    columns = list(mapping.columns) or [name.strip() for name in first]
    _refuse_unknown(path, mapper, columns)
    if mapping.columns and [name.strip() for name in first] != columns:
        yield _csv_row(1, columns, first)  # without a header line
    for number, row in enumerate(rows, start=2):
        yield _csv_row(number, columns, row)


def _csv_row(number: int, columns: Sequence[str], row: list[str]) -> Row:
    try:
        return Row(number, by_column(columns, row))
    except UnreadableError as error:
        return Row(number, None, error)


def _refuse_unknown(path: Path, mapper: Mapper, columns: Sequence[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path} has the column {', '.join(twice)} more than once: leave one")
    for name, setting in sorted(names_in(mapper).items()):
        if name not in columns:
            near = get_close_matches(name, columns, n=1)
            way_out = f"the nearest is {near[0]}" if near else f"it has {', '.join(columns)}"
            raise ConfigurationError(
                f"{path} has no column {name}, which {section_of(mapper.mapping)}.{setting} names; {way_out}"
            )


def _avro_rows(path: Path) -> Iterator[Row]:
    try:
        from fastavro import reader
    except ImportError as error:
        raise ConfigurationError(
            "avro needs a library that is not installed: pip install 'shelfwise[formats]'"
        ) from error
    try:
        with path.open("rb") as file:
            for number, event in enumerate(reader(file), start=1):
                yield Row(number, event)
    except (EOFError, ValueError, TypeError, KeyError, IndexError, StopIteration) as error:
        raise ConfigurationError(f"{path} is not an Avro container file, or is damaged: {error!r:.120}") from error
