"""The values of a batch, concatenated for compiled readers, and how declined records are read.

A reader accepts a value only in its usual form; others are declined and decoded by `schemas.codec`. What the codec
accepts is encoded again and read by the same reader, now as trusted, so that all records of a batch end up in the same
columns.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray, Offset
from processors.compiled import by_reference, compiled, fused
from processors.wire.cursor import LEAD, LOST
from processors.wire.loads import WORD
from schemas.codec import VALUE_BYTES_MAX
from schemas.fields import EVENT_AHEAD_MAX_MS


class Column(NamedTuple):
    """Byte strings of n records in one buffer; length -1 means None.

    >>> column = Column.of([b"ab", None]); column.starts.tolist(), column.lengths.tolist()
    ([0, 2], [2, -1])
    """

    data: IntArray  # uint8
    starts: IntArray  # [n]
    lengths: IntArray  # [n]

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> "Column":
        """A column of these values."""
        listed = list(values)
        lengths = np.array([-1 if value is None else len(value) for value in listed], dtype=np.int64)
        sizes = np.maximum(lengths, 0)
        return cls(joined(filter(None, listed)), np.cumsum(sizes) - sizes, lengths)

    @classmethod
    def none(cls, count: int) -> "Column":
        """A column of `count` times None."""
        return cls(np.zeros(0, dtype=np.uint8), np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64))

    def with_others(self, places: IntArray, values: Sequence[bytes | None]) -> "Column":
        """The same column with values [m] replaced at these places [m]."""
        others, starts, lengths = Column.of(values), self.starts.copy(), self.lengths.copy()
        starts[places], lengths[places] = len(self.data) + others.starts, others.lengths
        return Column(np.concatenate((self.data, others.data)), starts, lengths)


def joined(parts: Iterable[bytes]) -> IntArray:
    """The parts concatenated, writable: compiled code would have another version for a read-only array."""
    return np.frombuffer(bytearray().join(parts), dtype=np.uint8)


Values = Sequence[bytes | None] | Column
Slow = Callable[[int], bytes | None]
"""Canonical bytes of a declined record, by its index in the batch; None if it contains no valid message."""

_BEYOND = bytes(40)
"""Readable bytes after the last value, because keys are compared by words."""


@by_reference
class Batch(NamedTuple):
    """Values of n records, each followed by a zero byte; spans of their parts refer to `data`."""

    data: IntArray  # uint8
    starts: IntArray  # [n]
    ends: IntArray  # [n]
    trusted: BoolArray  # [n]
    keys: IntArray  # uint8, keys of the records, concatenated
    key_ends: IntArray  # [n]
    timestamps_ms: IntArray  # [n]
    texts_at: Offset  # start of texts that are not part of any record, after the last value

    @classmethod
    def of(cls, values: Column, keys: Column, timestamps_ms: IntArray, trusted: BoolArray, texts: bytes) -> "Batch":
        r"""Concatenate these records.

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
        gather(_read_only(values.data), values.starts, lengths, ends - lengths, data)
        gather(_read_only(keys.data), keys.starts, key_lengths, key_ends - key_lengths, joined_keys)
        return cls(
            data=data,
            starts=ends - lengths,
            ends=ends,
            trusted=trusted,
            keys=joined_keys,
            key_ends=key_ends,
            timestamps_ms=np.ascontiguousarray(timestamps_ms, dtype=np.int64),
            texts_at=Offset(texts_at),
        )

    @property
    def longest(self) -> int:
        """Length of the longest value to be read."""
        lengths = self.ends - self.starts
        return int(lengths[self.trusted | (lengths <= VALUE_BYTES_MAX)].max(initial=0))


def column_of_values(values: Values) -> Column:
    """These values as a column."""
    return values if isinstance(values, Column) else Column.of(values)


def end_to_end(parts: Sequence[bytes]) -> tuple[IntArray, IntArray]:
    """The parts concatenated, with a zero word at the end, and the span of each [n, 2].

    >>> data, spans = end_to_end([b"ab", b"c"]); data[:3].tobytes(), spans.tolist()
    (b'abc', [[0, 2], [2, 3]])
    """
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    ends = np.cumsum(lengths)
    return joined([*parts, bytes(WORD)]), np.stack([ends - lengths, ends], axis=1)


def _read_only(data: IntArray) -> IntArray:
    """A view that cannot be written, as records from Kafka cannot: the only version of `gather`."""
    view = data.view()
    view.flags.writeable = False
    return view


@compiled
def gather(data: IntArray, starts: IntArray, lengths: IntArray, positions: IntArray, into: IntArray) -> None:
    """Copy each span of `data` to its position in `into`."""
    for index in range(len(starts)):
        start, to = np.uint64(starts[index]), np.uint64(positions[index])
        for offset in range(np.uint64(lengths[index])):  # unsigned indices: with signed ones LLVM emits no memcpy
            into[to + offset] = data[start + offset]


@fused
def is_acceptable(batch: Batch, index: int, event_ms: int, start: Offset, end: Offset) -> bool:
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
def start_of(batch: Batch, index: int) -> Offset:
    """Start of the value; a value longer than any valid message starts where nothing can be read."""
    start = Offset(batch.starts[index])
    return LOST if not batch.trusted[index] and batch.ends[index] - start > VALUE_BYTES_MAX else start
