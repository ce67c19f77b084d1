"""Reads Kafka record batches (format 2) into columns, compiled: the same records as aiokafka, but not one by one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.compiled import by_reference, compiled
from streams.exactly_once.records.spans import Spans


@by_reference
class BatchRanges(NamedTuple):
    """Ranges of batches in one buffer, with the fields of their headers.

    ``appended_ms`` is the timestamp of all records of the batch, or -1 if each has its own, relative to
    ``first_ms``. Records below ``from_offsets`` are skipped.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counts: NDArray[np.int64]
    base_offsets: NDArray[np.int64]
    first_ms: NDArray[np.int64]
    appended_ms: NDArray[np.int64]
    from_offsets: NDArray[np.int64]


class ReadColumns(NamedTuple):
    """Columns of the records."""

    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    keys: Spans
    values: Spans
    headers: Spans


@compiled
def read_columns(data: NDArray[np.uint8], ranges: BatchRanges) -> ReadColumns:
    """Read all records of the batches in order.

    Raises ValueError if a batch does not contain exactly the stated number of records, each within its length.
    """
    count = np.int64(0)
    for batch_count in ranges.counts:
        count += batch_count
    offsets, timestamps = np.empty(count, np.int64), np.empty(count, np.int64)
    keys = Spans(data, np.empty(count, np.int64), np.empty(count, np.int64))
    values = Spans(data, np.empty(count, np.int64), np.empty(count, np.int64))
    headers = Spans(data, np.empty(count, np.int64), np.empty(count, np.int64))
    row = 0
    for batch in range(len(ranges.starts)):
        at, end = ranges.starts[batch], ranges.ends[batch]
        for _ in range(ranges.counts[batch]):
            size, at = _taken_varint(data, at, end)
            record_end = at + size
            if size < 1 or record_end > end:
                raise ValueError("a record reaches beyond its batch")
            delta_ms, at = _taken_varint(data, at + 1, record_end)  # skips the attributes, which are unused
            delta, at = _taken_varint(data, at, record_end)
            keys.starts[row], keys.lengths[row], at = _taken_span(data, at, record_end)
            values.starts[row], values.lengths[row], at = _taken_span(data, at, record_end)
            headers.starts[row] = at
            at, header_count = _past_headers(data, at, record_end)
            headers.lengths[row] = at - headers.starts[row] if header_count > 0 else -1
            if at != record_end:
                raise ValueError("a record is shorter than its length")
            offset = ranges.base_offsets[batch] + delta
            if offset >= ranges.from_offsets[batch]:
                offsets[row] = offset
                appended_ms = ranges.appended_ms[batch]
                timestamps[row] = ranges.first_ms[batch] + delta_ms if appended_ms < 0 else appended_ms
                row += 1
        if at != end:
            raise ValueError("a batch holds more than its records")
    return ReadColumns(
        offsets[:row],
        timestamps[:row],
        Spans(data, keys.starts[:row], keys.lengths[:row]),
        Spans(data, values.starts[:row], values.lengths[:row]),
        Spans(data, headers.starts[:row], headers.lengths[:row]),
    )


@compiled
def _taken_varint(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    bits, shift = np.int64(0), np.int64(0)
    while at < end and shift < 64:
        byte = np.int64(data[at])
        bits |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return int(((bits >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(bits & 1)), at
    raise ValueError("a number reaches beyond its record")


@compiled
def _taken_span(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int, int]:
    """Start, length (-1: None) and end of a byte string."""
    length, at = _taken_varint(data, at, end)
    if length < 0:
        return at, -1, at
    if length > end - at:
        raise ValueError("a byte string reaches beyond its record")
    return at, length, at + length


@compiled
def _past_headers(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """End and number of headers."""
    count, at = _taken_varint(data, at, end)
    if count < 0:
        raise ValueError("a record has less than no headers")
    for _ in range(count):
        _, length, at = _taken_span(data, at, end)
        if length < 0:
            raise ValueError("a header has no name")
        _, _, at = _taken_span(data, at, end)
    return at, count
