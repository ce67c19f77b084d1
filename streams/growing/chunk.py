"""Rows of one transaction of a move: the newest version of each key, up to a size."""

import numpy as np

from streams.exactly_once.records.produced import ProducedColumns
from streams.exactly_once.records.spans import Spans

BYTES_MAX, ROWS_MAX = 8 * 1_048_576, 20_000


class Chunk:
    """Rows by key, with the partition that each belongs to; None deletes.

    >>> chunk = Chunk(); chunk.put(b"a", b"1", 5); chunk.put(b"a", b"22", 5); chunk.put(b"b", None, 9)
    >>> list(chunk.columns("sums").each())[0].value, chunk.live_count, chunk.is_full
    (b'22', 1, False)
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes | None] = {}
        self._places: dict[bytes, int] = {}
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it should be written now."""
        return self._bytes >= BYTES_MAX or len(self.rows) >= ROWS_MAX

    @property
    def live_count(self) -> int:
        """Number of rows that are not deletions."""
        return sum(value is not None for value in self.rows.values())

    def put(self, key: bytes, value: bytes | None, place: int) -> None:
        """Add a row, or replace an earlier version."""
        self.rows[key], self._places[key] = value, place
        self._bytes += len(key) + len(value or b"")

    def columns(self, topic: str) -> ProducedColumns:
        """The rows as records of a topic."""
        places = np.fromiter(self._places.values(), np.int32, len(self._places))
        return ProducedColumns(topic, Spans.of(self.rows), Spans.of(self.rows.values()), places)

    def clear(self) -> None:
        """Begin the next one."""
        self.rows.clear()
        self._places.clear()
        self._bytes = 0
