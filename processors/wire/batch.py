"""Values of a batch of records end to end, as compiled readers take them, and what happens to those that are declined.

A reader takes a value only where it has the usual form; any other is declined and read by `schemas.codec`. What that
accepts is written again, and so read by the same reader, now trusted: all records of a batch are in the same columns.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from processors.cocluster.arrays import BoolArray, IntArray
from processors.compiled import compiled, fused
from processors.wire.cursor import LEAD, LOST
from schemas.codec import VALUE_BYTES_MAX
from schemas.fields import EVENT_AHEAD_MAX_MS

Columns = TypeVar("Columns")


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

    def with_others(self, places: IntArray, values: Sequence[bytes | None]) -> "Column":
        """The same with other values [m] in these places [m]."""
        others, starts, lengths = Column.of(values), self.starts.copy(), self.lengths.copy()
        starts[places], lengths[places] = len(self.data) + others.starts, others.lengths
        return Column(np.concatenate((self.data, others.data)), starts, lengths)


Values = Sequence[bytes | None] | Column
Slow = Callable[[int], bytes | None]
"""Canonical bytes of a declined record, by its index in the batch; none where it carries no message."""

TAIL_TEXTS = ("home", "default", "unknown")
"""Defaults of fields that a record left out: behind the last value, so that spans can point to them."""

_TAIL = b"\0".join(text.encode() for text in TAIL_TEXTS) + bytes(17)
_TAIL_STARTS = np.cumsum([0, *(len(text) + 1 for text in TAIL_TEXTS)])


class Batch(NamedTuple):
    """Values of n records, a zero byte after each; spans of their parts point into `data`."""

    data: IntArray  # uint8
    starts: IntArray  # [n]
    ends: IntArray  # [n]
    trusted: BoolArray  # [n]
    keys: IntArray  # uint8, those of the records end to end
    key_ends: IntArray  # [n]
    timestamps_ms: IntArray  # [n]

    @classmethod
    def of(cls, values: Column, keys: Column, timestamps_ms: IntArray, trusted: BoolArray) -> "Batch":
        r"""Bring these records together.

        >>> batch = Batch.of(Column.of([b"{}", None]), Column.of([b"u1", None]), np.array([5, 6]), np.zeros(2, bool))
        >>> batch.starts.tolist(), batch.ends.tolist(), batch.data[17:21].tobytes()
        ([17, 20], [19, 20], b'{}\x00\x00')
        """
        lengths, key_lengths = np.maximum(values.lengths, 0), np.maximum(keys.lengths, 0)
        ends, key_ends = len(LEAD) + np.cumsum(lengths + 1), np.cumsum(key_lengths)
        data = np.zeros(len(LEAD) + 1 + int((lengths + 1).sum()) + len(_TAIL), dtype=np.uint8)
        data[len(data) - len(_TAIL) :] = np.frombuffer(_TAIL, dtype=np.uint8)
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
        )

    @property
    def longest(self) -> int:
        """Bytes of the longest value that is looked at."""
        lengths = self.ends - self.starts
        return int(lengths[self.trusted | (lengths <= VALUE_BYTES_MAX)].max(initial=0))

    def tail_span(self, text: str) -> tuple[int, int]:
        """Where one of the `TAIL_TEXTS` stands."""
        start = len(self.data) - len(_TAIL) + int(_TAIL_STARTS[TAIL_TEXTS.index(text)])
        return start, start + len(text)


def read_all(
    values: Values,
    keys: Values,
    timestamps_ms: IntArray,
    slow: Slow,
    read: Callable[[Batch], tuple[Columns, IntArray]],
) -> Columns:
    """Columns of all records that carry a message, in order; `read` gives columns and which records it declined."""
    column, key_column = _column_of(values), _column_of(keys)
    trusted = np.zeros(len(column.starts), dtype=np.bool_)
    columns, declined = read(Batch.of(column, key_column, timestamps_ms, trusted))
    if not len(declined):
        return columns
    canonical = [slow(index) for index in declined.tolist()]
    trusted[declined] = True
    column = column.with_others(declined, canonical)
    columns, missing = read(Batch.of(column, key_column, timestamps_ms, trusted))
    assert (column.lengths[missing] < 0).all(), "canonical bytes are always read"
    return columns


def read_unkeyed(values: Values, slow: Slow, read: Callable[[Batch], tuple[Columns, IntArray]]) -> Columns:
    """Like `read_all`, of a topic of our own: keys and times of its records are not looked at."""
    column = _column_of(values)
    return read_all(column, _no_keys(len(column.starts)), np.zeros(len(column.starts), dtype=np.int64), slow, read)


def read_trusted(values: Sequence[bytes], read: Callable[[Batch], tuple[Columns, IntArray]]) -> Columns:
    """Columns of values that `schemas.codec.encode` wrote."""
    count = len(values)
    trusted = np.ones(count, dtype=np.bool_)
    columns, missing = read(Batch.of(Column.of(values), _no_keys(count), np.zeros(count, dtype=np.int64), trusted))
    assert not len(missing), "canonical bytes are always read"
    return columns


def _no_keys(count: int) -> Column:
    return Column(np.zeros(0, dtype=np.uint8), np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64))


def _column_of(values: Values) -> Column:
    return values if isinstance(values, Column) else Column.of(values)


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
