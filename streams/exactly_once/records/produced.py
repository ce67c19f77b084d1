"""Records and state rows that a task produces, one by one or in columns."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.records.spans import Spans


class Produced(NamedTuple):
    """A record to be written.

    Without a partition, Kafka's partitioner (murmur2) chooses by key; without a key, the number of the task's own
    partition (modulo) is used. Without a timestamp, the time of writing is used.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class ProducedColumns(NamedTuple):
    """Records of one topic to be written, in columns: like ``Produced``, without headers.

    The columns have the same size. Without ``partitions`` the keys decide.

    >>> columns = ProducedColumns("sums", Spans.of([b"a", b"b"]), Spans.of([b"1", None]))
    >>> list(columns.each())[1]
    Produced(topic='sums', key=b'b', value=None, headers=(), partition=None, timestamp_ms=None)
    """

    topic: str
    keys: Spans
    values: Spans
    partitions: NDArray[np.int32] | None = None
    timestamps_ms: NDArray[np.int64] | None = None

    @property
    def record_count(self) -> int:
        """Number of records."""
        return self.keys.size

    def each(self) -> Iterator[Produced]:
        """Iterate over single records."""
        absent: list[int | None] = [None] * self.record_count
        partitions = absent if self.partitions is None else self.partitions.tolist()
        stamps = absent if self.timestamps_ms is None else self.timestamps_ms.tolist()
        for key, value, partition, stamp_ms in zip(
            self.keys.each(), self.values.each(), partitions, stamps, strict=True
        ):
            yield Produced(self.topic, key, value, (), partition, stamp_ms)


class StateRow(NamedTuple):
    """A row of a task's state; a value of None deletes it."""

    key: bytes
    value: bytes | None


class RowColumns(NamedTuple):
    """Rows of a task's state in columns of the same size; a value of None deletes, keys are never None.

    >>> list(RowColumns(Spans.of([b"a", b"b"]), Spans.of([b"1", None])).each())
    [StateRow(key=b'a', value=b'1'), StateRow(key=b'b', value=None)]
    """

    keys: Spans
    values: Spans

    @property
    def record_count(self) -> int:
        """Number of rows."""
        return self.keys.size

    def each(self) -> Iterator[StateRow]:
        """Iterate over single rows."""
        for key, value in zip(self.keys.each(), self.values.each(), strict=True):
            assert key is not None
            yield StateRow(key, value)


Outputs: TypeAlias = Iterable[Produced | ProducedColumns]
"""Output of a task, as records or columns, in the order of writing."""

Rows: TypeAlias = Iterable[StateRow | RowColumns]
"""Changed state rows, single or in columns."""


def record_count(things: Sequence[Produced | ProducedColumns | StateRow | RowColumns]) -> int:
    """Count records, single or in columns.

    >>> record_count([StateRow(b"a", None), RowColumns(Spans.of([b"b", b"c"]), Spans.of([b"2", b"3"]))])
    3
    """
    more = [it.record_count - 1 for it in things if isinstance(it, (ProducedColumns, RowColumns))]
    return len(things) + sum(more)
