"""Rows of a CSV file, plain or gzipped, one at a time; bad rows are counted by reason and gone on with."""

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar, cast

from streams.settings import ConfigurationError

T = TypeVar("T")
Row = dict[str, str]


def open_text(path: Path) -> IO[str]:
    """Open a text file, unpacked where its name ends in .gz; raises `ConfigurationError` where it cannot be."""
    try:
        if path.suffix == ".gz":
            return cast("IO[str]", gzip.open(path, "rt", encoding="utf-8", newline=""))
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}; name a file that exists") from error


def messages_of(
    path: Path, columns: tuple[str, ...], message: Callable[[int, Row], T], rejected: Counter[str]
) -> Iterator[T]:
    """One message a row; what `message` refuses with `ValueError` is counted in `rejected` by its reason.

    Raises `ConfigurationError` where the file is no CSV with these columns.
    """
    with open_text(path) as file:
        reader = csv.DictReader(file)
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigurationError(f"{path} has no column {', '.join(missing)}; it needs {', '.join(columns)}")
            for number, row in enumerate(reader):
                try:
                    yield message(number, row)
                except (ValueError, TypeError) as error:
                    rejected[str(error)[:100]] += 1
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigurationError(f"{path} cannot be read to its end: {error}") from error
