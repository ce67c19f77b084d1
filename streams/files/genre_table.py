"""Genres of items from a CSV file: item, and its genres with `|` between them."""

from collections import Counter
from pathlib import Path

from streams.configuration_error import ConfigurationError
from streams.files.tables import CsvFile, Row, messages_of, reasons

COLUMNS = ("item", "genres")
SEPARATOR = "|"


def read_genres(file: Path | None) -> dict[str, tuple[str, ...]]:
    """Genres by item, in the order of the file; nothing without a file."""
    if file is None:
        return {}
    refused: Counter[str] = Counter()
    found = dict(messages_of(CsvFile(file), COLUMNS, _row, refused))
    if not found:
        raise ConfigurationError(f"{file}: no row could be read ({reasons(refused)})")
    return found


def _row(_number: int, row: Row) -> tuple[str, tuple[str, ...]]:
    genres = dict.fromkeys(genre.strip() for genre in row["genres"].split(SEPARATOR))
    named = tuple(genre for genre in genres if genre)
    if not row["item"] or not named:
        raise ValueError("an item or its genres are missing")
    return row["item"], named
