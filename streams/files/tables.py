"""Rows of a CSV file, parsed by `csv`, so that quoted commas and line breaks are treated alike everywhere."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TypeVar

from streams.configuration_error import ConfigurationError
from streams.files.text import lines_of

T = TypeVar("T")
Row = dict[str, str]
REASON_CHARACTERS_MAX = 100
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class CsvFile:
    """The rows of a file in order and, once they are read, a digest of its content.

    The digest covers the uncompressed lines without their endings, so equal content gives equal names to its rows.
    """

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        self.path = path
        self._delimiter = delimiter
        self._digest = blake2b(digest_size=8)

    @property
    def digest(self) -> str:
        """The digest of the content read so far."""
        return self._digest.hexdigest()

    def rows(self) -> Iterator[list[str]]:
        """Rows that are not blank, including the header; raises `ConfigurationError` if the file is not CSV."""
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True, skipinitialspace=True)
        while True:
            first = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ConfigurationError(
                    f"{self.path}: the row that begins in line {first} is not CSV ({error}); correct its quotes"
                ) from error
            if row:
                yield row

    def header(self, rows: Iterator[list[str]], columns: Sequence[str]) -> list[str]:
        """Consume the header; raises `ConfigurationError` unless it has each of these columns once."""
        names = [name.strip() for name in next(rows, [])]
        missing = [name for name in columns if name not in names]
        if missing:
            raise ConfigurationError(
                f"{self.path} has no column {', '.join(missing)}; it needs a header line with {', '.join(columns)}"
            )
        twice = [name for name in columns if names.count(name) > 1]
        if twice:
            raise ConfigurationError(f"{self.path} has the column {', '.join(twice)} more than once: leave one")
        return names

    def _lines(self) -> Iterator[str]:
        for line in lines_of(self.path):
            self._digest.update(line.rstrip("\r\n").encode() + b"\n")
            yield line


def messages_of(
    file: CsvFile, columns: Sequence[str], message: Callable[[int, Row], T], rejected: Counter[str]
) -> Iterator[T]:
    """One message per row, by column names; rows that `message` refuses with `ValueError` are counted by reason."""
    rows = file.rows()
    names = file.header(rows, columns)
    for number, row in enumerate(rows):
        reason = misfit(row, len(names))
        if reason:
            rejected[reason] += 1
            continue
        try:
            yield message(number, dict(zip(names, row, strict=False)))
        except ValueError as error:
            rejected[str(error)[:REASON_CHARACTERS_MAX]] += 1


def misfit(row: list[str], width: int) -> str:
    """Why a row does not fit a header of `columns`; empty if it does. Empty cells at its end are ignored.

    >>> misfit(["u1"], 3), misfit(["u1", "c1", "3", ""], 3), misfit(["u1", "Doom", "II", "3"], 3)
    ('too_few_columns', '', 'too_many_columns')
    """
    if len(row) < width:
        return "too_few_columns"
    return "too_many_columns" if any(row[width:]) else ""


def whole_number(name: str, text: str) -> int:
    """Parse an integer in ASCII digits; Python's `int` also accepts `1_000` and digits of other scripts.

    >>> whole_number("position", " 3")
    3
    >>> whole_number("position", "1_0")
    Traceback (most recent call last):
    ValueError: position is not a whole number
    """
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError(f"{name} is not a whole number")
    return int(text)


def number(name: str, text: str) -> float:
    """Parse a decimal number; Python's `float` also accepts `1_000` and digits of other scripts.

    >>> number("propensity_score", "0.25")
    0.25
    >>> number("propensity_score", "0,25")
    Traceback (most recent call last):
    ValueError: propensity_score is not a number
    """
    try:
        return float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        raise ValueError(f"{name} is not a number") from None


def reasons(rejected: Counter[str], most: int = 3) -> str:
    """The most frequent reasons, as part of a line.

    >>> reasons(Counter({"not_a_number": 3, "empty_id": 1}))
    'not_a_number 3, empty_id 1'
    """
    shown = [f"{reason} {count:,}" for reason, count in rejected.most_common(most)]
    rest = sum(rejected.values()) - sum(count for _, count in rejected.most_common(most))
    return ", ".join(chain(shown, [f"others {rest:,}"] if rest else [])) or "it is empty"
