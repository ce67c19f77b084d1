"""Values of a batch of records end to end, as compiled readers take them, and what happens to those that are declined.

A reader takes a value only where it has the usual form; any other is declined and read by `schemas.codec`. What that
accepts is written again, and so read by the same reader, now trusted: all records of a batch are in the same columns.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar, cast

import numpy as np

from processors.cocluster.arrays import BoolArray, IntArray
from processors.compiled import fused
from processors.wire.cursor import LEAD, LOST
from schemas.codec import EVENT_AHEAD_MAX_MS, VALUE_BYTES_MAX

Columns = TypeVar("Columns")
Values = Sequence[bytes | None]
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
    def of(cls, values: Values, keys: Values, timestamps_ms: IntArray, trusted: BoolArray) -> "Batch":
        r"""Join these records.

        >>> batch = Batch.of([b"{}", None], [b"u1", None], np.array([5, 6]), np.zeros(2, dtype=bool))
        >>> batch.starts.tolist(), batch.ends.tolist(), batch.data[17:21].tobytes()
        ([17, 20], [19, 20], b'{}\x00\x00')
        """
        present, known = _present(values), _present(keys)
        lengths = np.fromiter(map(len, present), np.int64, len(present))
        ends = len(LEAD) + np.cumsum(lengths + 1)
        return cls(
            data=np.frombuffer(b"\0".join(chain((LEAD,), present, (_TAIL,))), dtype=np.uint8),
            starts=ends - lengths,
            ends=ends,
            trusted=trusted,
            keys=np.frombuffer(b"".join(known) + b"\0", dtype=np.uint8),
            key_ends=np.cumsum(np.fromiter(map(len, known), np.int64, len(known))),
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
    trusted = np.zeros(len(values), dtype=np.bool_)
    columns, declined = read(Batch.of(values, keys, timestamps_ms, trusted))
    if not len(declined):
        return columns
    again = list(values)
    for index in declined.tolist():
        again[index] = slow(index)
    trusted[declined] = True
    columns, missing = read(Batch.of(again, keys, timestamps_ms, trusted))
    assert all(again[index] is None for index in missing.tolist()), "canonical bytes are always read"
    return columns


def read_unkeyed(values: Values, slow: Slow, read: Callable[[Batch], tuple[Columns, IntArray]]) -> Columns:
    """Like `read_all`, of a topic of our own: keys and times of its records are not looked at."""
    return read_all(values, [b""] * len(values), np.zeros(len(values), dtype=np.int64), slow, read)


def read_trusted(values: Sequence[bytes], read: Callable[[Batch], tuple[Columns, IntArray]]) -> Columns:
    """Columns of values that `schemas.codec.encode` wrote."""
    count = len(values)
    batch = Batch.of(values, [b""] * count, np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_))
    columns, missing = read(batch)
    assert not len(missing), "canonical bytes are always read"
    return columns


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


def _present(values: Values) -> Sequence[bytes]:
    return [value or b"" for value in values] if None in values else cast("Sequence[bytes]", values)
