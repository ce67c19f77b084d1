"""Writes tables row by row into CSV or Parquet; a file appears under its name when it is complete."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from streams.configuration_error import ConfigurationError
from streams.exporting.columns import Column, ValueRow, names_of

BATCH_ROWS = 50_000
"""Rows in memory at a time, and of a row group of Parquet."""
EXTRA = "shelfwise[export]"
SUFFIXES = (".csv", ".parquet")


class TableFile(Protocol):
    """A file that takes rows."""

    def add(self, row: ValueRow) -> None:
        """Write one row."""
        ...


def refuse_unless_exportable(file: Path) -> None:
    """Raise `ConfigurationError` unless the file's ending is known and its library is installed.

    >>> refuse_unless_exportable(Path("groups.xls"))
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: cannot write groups.xls: end its name in .csv or .parquet
    """
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"cannot write {file}: end its name in {' or '.join(SUFFIXES)}")
    if file.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise ConfigurationError(f"cannot write {file}: pip install '{EXTRA}', or write .csv")


@contextmanager
def table_file(file: Path, columns: Sequence[Column]) -> Iterator[TableFile]:
    """A file that takes rows; after an error there is none, and what was there before stays."""
    part = file.with_name(f"{file.name}.part")
    try:
        with (_parquet if file.suffix.lower() == ".parquet" else _csv)(part, columns) as opened:
            yield opened
        part.replace(file)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


class _Csv:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, row: ValueRow) -> None:
        self._writer.writerow(row)


@contextmanager
def _csv(part: Path, columns: Sequence[Column]) -> Iterator[TableFile]:
    with part.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(names_of(columns))
        yield _Csv(writer)


class _Parquet:
    def __init__(self, writer: Any, columns: Sequence[Column]) -> None:
        self._writer, self._columns = writer, columns
        self._rows: list[ValueRow] = []

    def add(self, row: ValueRow) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa

        schema = _schema(self._columns)
        columns = zip(*self._rows, strict=True) if self._rows else [() for _ in self._columns]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._rows = []


@contextmanager
def _parquet(part: Path, columns: Sequence[Column]) -> Iterator[TableFile]:
    from pyarrow import parquet

    with parquet.ParquetWriter(part, _schema(columns), compression="zstd") as writer:
        table = _Parquet(writer, columns)
        yield table
        table.flush()


def _schema(columns: Sequence[Column]) -> Any:
    import pyarrow as pa

    types = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}
    return pa.schema([(column.name, types[column.kind]) for column in columns])
