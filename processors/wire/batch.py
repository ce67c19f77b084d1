"""Values of a batch of records end to end, as compiled readers take them, and what happens to those that are declined.

A reader takes a value only where it has the usual form; any other is declined and read by `schemas.codec`. What that
accepts is written again, and so read by the same reader, now trusted: all records of a batch are in the same columns.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray
from processors.compiled import compiled, fused
from processors.wire.cursor import LEAD, LOST
from processors.wire.loads import WORD
from schemas.codec import VALUE_BYTES_MAX
from schemas.fields import EVENT_AHEAD_MAX_MS


class Column(NamedTuple):
    """Byte strings of n records anywhere in one buffer; a length of -1 is none.

    >>> column = Column.of([b"ab", None]); column.starts.tolist(), column.lengths.tolist()
    ([0, 2], [2, -1])
    """

    data: IntArray  # uint8
    starts: IntArray  # [n]
    lengths: IntArray  # [n]

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> "Column":
        """A column of these."""
        listed = list(values)
        lengths = np.array([-1 if value is None else len(value) for value in listed], dtype=np.int64)
        sizes = np.maximum(lengths, 0)
        return cls(np.frombuffer(b"".join(filter(None, listed)), dtype=np.uint8), np.cumsum(sizes) - sizes, lengths)

    @classmethod
    def none(cls, count: int) -> "Column":
        """A column of `count` times nothing."""
        return cls(np.zeros(0, dtype=np.uint8), np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64))

    def with_others(self, places: IntArray, values: Sequence[bytes | None]) -> "Column":
        """The same with other values [m] in these places [m]."""
        others, starts, lengths = Column.of(values), self.starts.copy(), self.lengths.copy()
        starts[places], lengths[places] = len(self.data) + others.starts, others.lengths
        return Column(np.concatenate((self.data, others.data)), starts, lengths)


Values = Sequence[bytes | None] | Column
Slow = Callable[[int], bytes | None]
"""Canonical bytes of a declined record, by its index in the batch; none where it carries no message."""

_BEYOND = bytes(40)
"""Bytes that may be looked at behind the last: a key is compared by words."""


class Batch(NamedTuple):
    """Values of n records, a zero byte after each; spans of their parts point into `data`."""

    data: IntArray  # uint8
    starts: IntArray  # [n]
    ends: IntArray  # [n]
    trusted: BoolArray  # [n]
    keys: IntArray  # uint8, those of the records end to end
    key_ends: IntArray  # [n]
    timestamps_ms: IntArray  # [n]
    texts_at: int  # where the texts begin that records do not have themselves, behind the last value

    @classmethod
    def of(cls, values: Column, keys: Column, timestamps_ms: IntArray, trusted: BoolArray, texts: bytes) -> "Batch":
        r"""Bring these records together.

        >>> columns = Column.of([b"{}", None]), Column.of([b"u1", None])
        >>> batch = Batch.of(*columns, np.array([5, 6]), np.zeros(2, bool), b"home")
        >>> batch.starts.tolist(), batch.ends.tolist(), batch.data[17:25].tobytes()
        ([17, 20], [19, 20], b'{}\x00\x00home')
        """
        lengths, key_lengths = np.maximum(values.lengths, 0), np.maximum(keys.lengths, 0)
        ends, key_ends = len(LEAD) + np.cumsum(lengths + 1), np.cumsum(key_lengths)
        texts_at = len(LEAD) + 1 + int((lengths + 1).sum())
        data = np.zeros(texts_at + len(texts) + len(_BEYOND), dtype=np.uint8)
        data[texts_at : texts_at + len(texts)] = np.frombuffer(texts, dtype=np.uint8)
        joined_keys = np.zeros(int(key_lengths.sum()) + 1, dtype=np.uint8)
        gather(values.data, values.starts, lengths, ends - lengths, data)
        gather(keys.data, keys.starts, key_lengths, key_ends - key_lengths, joined_keys)
        return cls(
            data=data,
            starts=ends - lengths,
            ends=ends,
            trusted=trusted,
            keys=joined_keys,
            key_ends=key_ends,
            timestamps_ms=np.ascontiguousarray(timestamps_ms, dtype=np.int64),
            texts_at=texts_at,
        )

    @property
    def longest(self) -> int:
        """Bytes of the longest value that is looked at."""
        lengths = self.ends - self.starts
        return int(lengths[self.trusted | (lengths <= VALUE_BYTES_MAX)].max(initial=0))


def column_of_values(values: Values) -> Column:
    """These as a column."""
    return values if isinstance(values, Column) else Column.of(values)


def end_to_end(parts: Sequence[bytes]) -> tuple[IntArray, IntArray]:
    """Parts end to end with a word of nothing behind them, and where each of them stands [n, 2].

    >>> data, spans = end_to_end([b"ab", b"c"]); data[:3].tobytes(), spans.tolist()
    (b'abc', [[0, 2], [2, 3]])
    """
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    ends = np.cumsum(lengths)
    return np.frombuffer(b"".join(parts) + bytes(WORD), dtype=np.uint8), np.stack([ends - lengths, ends], axis=1)


@compiled
def gather(data: IntArray, starts: IntArray, lengths: IntArray, into: IntArray, out: IntArray) -> None:
    """Copy each span of `data` to its place in `out`."""
    for index in range(len(starts)):
        out[into[index] : into[index] + lengths[index]] = data[starts[index] : starts[index] + lengths[index]]


@fused
def is_acceptable(batch: Batch, index: int, event_ms: int, start: int, end: int) -> bool:
    """Whether a record's key is the user between `start` and `end`, and its event not too far ahead of the record."""
    if batch.trusted[index]:
        return True
    key_start = batch.key_ends[index - 1] if index else 0
    if batch.key_ends[index] - key_start != end - start:
        return False
    for place in range(end - start):
        if batch.keys[key_start + place] != batch.data[start + place]:
            return False
    record_ms = batch.timestamps_ms[index]
    return bool(record_ms <= 0 or event_ms <= record_ms + EVENT_AHEAD_MAX_MS)


@fused
def start_of(batch: Batch, index: int) -> int:
    """Where a value is read: nowhere, where it is larger than any message may be."""
    start = int(batch.starts[index])
    return LOST if not batch.trusted[index] and batch.ends[index] - start > VALUE_BYTES_MAX else start
