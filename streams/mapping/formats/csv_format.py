"""Records that are a line of CSV, whose columns are named in the settings."""

import csv
from collections.abc import Sequence
from typing import Any

from schemas.codec import UnreadableError
from streams.files.tables import misfit
from streams.mapping.formats.decoder import Headers


class CsvFormat:
    """One line a record; an empty cell is absent.

    >>> CsvFormat(["user", "card", "secs"], ",").event(b"u1,'Doom, II',".replace(b"'", b'"'), ())
    {'user': 'u1', 'card': 'Doom, II', 'secs': None}
    """

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        self._columns = columns
        self._delimiter = delimiter

    def event(self, value: bytes, headers: Headers) -> Any:  # noqa: ARG002  the protocol's
        """The cells by column."""
        try:
            rows = list(csv.reader([value.decode()], delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableError("undecodable", f"not a line of CSV: {error}") from error
        if len(rows) != 1:
            raise UnreadableError("undecodable", f"{len(rows)} lines of CSV where one is expected")
        return by_column(self._columns, rows[0])


def by_column(columns: Sequence[str], row: list[str]) -> dict[str, str | None]:
    """The cells of a row by column; raises `UnreadableError` if they do not fit."""
    if reason := misfit(row, len(columns)):
        raise UnreadableError("undecodable", f"{reason}: {len(row)} cells for {len(columns)} columns")
    return {name: cell or None for name, cell in zip(columns, row, strict=False)}
