"""Writes columns of records as Kafka record batches (format 2), compiled: byte for byte like aiokafka's builder."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.compiled import compiled
from streams.exactly_once.records.batch_header import (
    COUNTED_FROM,
    HEADER_BYTES,
    MAGIC_2,
    TRANSACTIONAL,
    Field,
    field,
)
from streams.exactly_once.records.spans import Spans

RECORD_OVERHEAD_MAX = 32  # lengths, attributes, deltas and the number of headers
NOT_CHOSEN = -1
"""The partition of a record whose key decides."""

_BASE_OFFSET = field("base_offset")
_LENGTH = field("length")
_LEADER_EPOCH = field("leader_epoch")
_MAGIC = field("magic")
_CHECKSUM = field("checksum")
_ATTRIBUTES = field("attributes")
_LAST_OFFSET_DELTA = field("last_offset_delta")
_FIRST_MS = field("first_ms")
_LAST_MS = field("last_ms")
_PRODUCER_ID = field("producer_id")
_PRODUCER_EPOCH = field("producer_epoch")
_BASE_SEQUENCE = field("base_sequence")
_RECORD_COUNT = field("record_count")


class RecordColumns(NamedTuple):
    """Records of one topic. ``headers`` are encoded with their count, and absent if a record has none."""

    keys: Spans
    values: Spans
    headers: Spans
    partitions: NDArray[np.int32]
    stamps_ms: NDArray[np.int64]


class Layout(NamedTuple):
    """Consecutive batches in ``data``: start and end, partition, and number of records of each.

    Batches of a partition are in order. Checksums are missing, because producer and sequence are not known yet.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    partitions: NDArray[np.int32]
    counts: NDArray[np.int32]


@compiled
def choose_partitions(
    keys: Spans, partitions: NDArray[np.int32], partition_count: int, keyless: int
) -> NDArray[np.int32]:
    """Choose partitions of records that have none: by key (murmur2), or ``keyless`` without a key."""
    chosen = partitions.copy()
    for index in range(len(partitions)):
        if chosen[index] == NOT_CHOSEN:
            length = keys.lengths[index]
            if length < 0:
                chosen[index] = keyless
            else:
                chosen[index] = (_murmur2(keys.data, keys.starts[index], length) & 0x7FFFFFFF) % partition_count
    return chosen


@compiled
def lay_out(records: RecordColumns, batch_bytes_max: int) -> Layout:
    """Write records into batches by partition, each below ``batch_bytes_max``; a larger record gets its own.

    Raises ValueError if a column points outside its buffer, or a partition is not chosen.
    """
    keys, values, headers, partitions, stamps_ms = records
    count = len(partitions)
    data = np.empty(_room(keys) + _room(values) + _room(headers), np.uint8)
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    first_ms, last_ms = np.empty(count, np.int64), np.empty(count, np.int64)
    batch_partitions, counts = np.empty(count, np.int32), np.zeros(count, np.int32)
    batch, at = -1, 0
    for index in _by_partition(partitions):
        partition, stamp_ms = partitions[index], stamps_ms[index]
        payload = _payload_size(keys, values, headers, index)
        size, fits = 0, False
        if batch >= 0 and batch_partitions[batch] == partition:
            size = 1 + _varint_size(stamp_ms - first_ms[batch]) + _varint_size(counts[batch]) + payload
            fits = at - starts[batch] + _varint_size(size) + size < batch_bytes_max
        if not fits:
            batch, size = batch + 1, 3 + payload
            starts[batch], batch_partitions[batch] = at, partition
            first_ms[batch] = last_ms[batch] = stamp_ms
            at += HEADER_BYTES
        at = _put_varint(data, at, size)
        data[at] = 0  # attributes
        at = _put_varint(data, at + 1, stamp_ms - first_ms[batch])
        at = _put_varint(data, at, counts[batch])
        at = _put_span(data, at, keys, index)
        at = _put_span(data, at, values, index)
        at = _put_headers(data, at, headers, index)
        last_ms[batch] = max(last_ms[batch], stamp_ms)
        counts[batch] += 1
        ends[batch] = at
    made = batch + 1
    for batch in range(made):
        _put_header(data, starts[batch], ends[batch], counts[batch], first_ms[batch], last_ms[batch])
    return Layout(data[:at], starts[:made], ends[:made], batch_partitions[:made], counts[:made])


@compiled
def _room(column: Spans) -> int:
    """Upper bound of the bytes that a column takes in batches, including its share of the overhead."""
    total = 0
    for index in range(len(column.starts)):
        start, length = column.starts[index], column.lengths[index]
        if start < 0 or start + length > len(column.data):
            raise ValueError("a column points outside of its buffer")
        total += max(length, 0) + RECORD_OVERHEAD_MAX + HEADER_BYTES
    return total


@compiled
def _by_partition(partitions: NDArray[np.int32]) -> NDArray[np.int64]:
    """Indices of records sorted by partition, stable."""
    count, highest = len(partitions), -1
    for index in range(count):
        if partitions[index] < 0:
            raise ValueError("the partition of a record is not chosen")
        highest = max(highest, partitions[index])
    next_index = np.zeros(highest + 2, np.int64)
    for index in range(count):
        next_index[partitions[index] + 1] += 1
    for partition in range(highest + 1):
        next_index[partition + 1] += next_index[partition]
    order = np.empty(count, np.int64)
    for index in range(count):
        order[next_index[partitions[index]]] = index
        next_index[partitions[index]] += 1
    return order


@compiled
def _payload_size(keys: Spans, values: Spans, headers: Spans, index: int) -> int:
    key, value, header = keys.lengths[index], values.lengths[index], headers.lengths[index]
    sizes: int = _varint_size(key) + max(key, 0) + _varint_size(value) + max(value, 0)
    return sizes + (1 if header < 0 else header)


@compiled
def _varint_size(value: int) -> int:
    bits, size = (value << 1) ^ (value >> 63), 1
    while bits > 0x7F:
        bits >>= 7
        size += 1
    return size


@compiled
def _put_varint(data: NDArray[np.uint8], at: int, value: int) -> int:
    bits = (value << 1) ^ (value >> 63)
    while bits > 0x7F:
        data[at] = 0x80 | (bits & 0x7F)
        bits >>= 7
        at += 1
    data[at] = bits
    return at + 1


@compiled
def _put_span(data: NDArray[np.uint8], at: int, column: Spans, index: int) -> int:
    start, length = column.starts[index], column.lengths[index]
    at = _put_varint(data, at, length)
    return at if length < 0 else _put_bytes(data, at, column.data, start, length)


@compiled
def _put_headers(data: NDArray[np.uint8], at: int, headers: Spans, index: int) -> int:
    start, length = headers.starts[index], headers.lengths[index]
    if length < 0:
        data[at] = 0  # no headers
        return at + 1
    return _put_bytes(data, at, headers.data, start, length)


@compiled
def _put_bytes(data: NDArray[np.uint8], at: int, source: NDArray[np.uint8], start: int, length: int) -> int:
    to, begin = np.uint64(at), np.uint64(start)
    for offset in range(np.uint64(length)):  # unsigned indices: with signed ones LLVM emits no memcpy
        data[to + offset] = source[begin + offset]
    return at + length


@compiled
def _put_header(data: NDArray[np.uint8], start: int, end: int, count: int, first_ms: int, last_ms: int) -> None:
    _put_field(data, start, _BASE_OFFSET, 0)  # set by the broker
    _put_field(data, start, _LENGTH, end - start - COUNTED_FROM)
    _put_field(data, start, _LEADER_EPOCH, -1)
    _put_field(data, start, _MAGIC, MAGIC_2)
    _put_field(data, start, _CHECKSUM, 0)
    _put_field(data, start, _ATTRIBUTES, TRANSACTIONAL)
    _put_field(data, start, _LAST_OFFSET_DELTA, count - 1)
    _put_field(data, start, _FIRST_MS, first_ms)
    _put_field(data, start, _LAST_MS, last_ms)
    _put_field(data, start, _PRODUCER_ID, -1)
    _put_field(data, start, _PRODUCER_EPOCH, -1)
    _put_field(data, start, _BASE_SEQUENCE, 0)
    _put_field(data, start, _RECORD_COUNT, count)


@compiled
def _put_field(data: NDArray[np.uint8], start: int, field_: Field, value: int) -> None:
    for byte in range(field_.size):
        data[start + field_.at + byte] = (value >> (8 * (field_.size - 1 - byte))) & 0xFF


@compiled
def _murmur2(data: NDArray[np.uint8], start: int, length: int) -> int:
    """Kafka's hash of a key, as an unsigned number."""
    mask, mixer = 0xFFFFFFFF, 0x5BD1E995
    hashed = 0x9747B28C ^ length
    whole = length // 4
    for block in range(whole):
        at = start + 4 * block
        word = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24)
        word = (word * mixer) & mask
        word ^= word >> 24
        word = (word * mixer) & mask
        hashed = ((hashed * mixer) & mask) ^ word
    rest, at = length - 4 * whole, start + 4 * whole
    if rest > 0:
        for byte in range(rest):
            hashed ^= data[at + byte] << (8 * byte)
        hashed = (hashed * mixer) & mask
    hashed ^= hashed >> 13
    hashed = (hashed * mixer) & mask
    return hashed ^ (hashed >> 15)
