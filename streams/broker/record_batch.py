"""Record batches of format 2: header fields, checksum, records, control markers.

    base offset i64 · length i32 · leader epoch i32 · magic i8 · crc u32 · attributes i16
    · last offset delta i32 · first timestamp i64 · maximum timestamp i64 · producer id i64
    · producer epoch i16 · base sequence i32 · record count i32 · records

The checksum covers everything from the attributes on, so a broker may stamp base offset and leader epoch
without touching it. Source: https://kafka.apache.org/documentation/#recordbatch.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import codec
from aiokafka.record.util import decode_varint, encode_varint
from crc32c import crc32c

from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.reading.batches import records_of

HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH_OFFSET, MAGIC_OFFSET, CRC_OFFSET, ATTRIBUTES_OFFSET = 8, 16, 17, 21
LENGTH_END = 12  # the length counts what follows it
MAX_TIMESTAMP_OFFSET = 35
NO_PRODUCER = -1
NO_SEQUENCE = -1

_CODEC_MASK, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
DELETE_HORIZON = 0x40  # the first timestamp is the expiry of tombstones
_DECODERS = {1: codec.gzip_decode, 2: codec.snappy_decode, 3: codec.lz4_decode, 4: codec.zstd_decode}
_MARKER = struct.Struct(">hh")
_MARKER_VALUE = struct.Struct(">hi")


class BatchHeader(NamedTuple):
    """The 61 bytes before a batch's records, in wire order."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.length + LENGTH_END

    @property
    def last_offset(self) -> int:
        """Offset of the last record, even if compaction has removed it."""
        return self.base_offset + self.last_offset_delta

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record; sequences wrap at 2^31 - 1."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def is_transactional(self) -> bool:
        """Whether the records become visible only with a commit marker."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether this batch is a transaction marker."""
        return bool(self.attributes & _CONTROL)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a batch, with its absolute offset and timestamp."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[bytes, bytes | None], ...] = ()


def parse_header(data: bytes | bytearray | memoryview, position: int = 0) -> BatchHeader:
    """Read the header at `position`; raises `struct.error` if fewer than 61 bytes are left."""
    return BatchHeader._make(HEADER.unpack_from(data, position))


def has_valid_checksum(data: bytes | bytearray | memoryview, header: BatchHeader) -> bool:
    """Whether the checksum of a whole batch is right."""
    checksum: int = crc32c(memoryview(data)[ATTRIBUTES_OFFSET : header.size])
    return checksum == header.crc


def split(data: bytes) -> list[tuple[BatchHeader, memoryview]]:
    """Cut the records field of a Produce request into validated batches; raises `KafkaFailure`."""
    view = memoryview(data)
    batches = []
    position = 0
    while position < len(view):
        if len(view) - position < HEADER.size:
            raise KafkaFailure(ErrorCode.CORRUPT_MESSAGE, "a batch is truncated")
        if view[position + MAGIC_OFFSET] != 2:
            raise KafkaFailure(ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, "only record batches of format 2")
        header = parse_header(view, position)
        batch = view[position : position + header.size]
        if len(batch) != header.size or header.length < HEADER.size - LENGTH_END:
            raise KafkaFailure(ErrorCode.CORRUPT_MESSAGE, "a batch is truncated")
        if not has_valid_checksum(batch, header):
            raise KafkaFailure(ErrorCode.CORRUPT_MESSAGE, "the checksum does not match")
        if header.record_count <= 0 or header.record_count != header.last_offset_delta + 1:
            raise KafkaFailure(ErrorCode.INVALID_RECORD, "record count and last offset do not agree")
        if header.is_control:
            raise KafkaFailure(ErrorCode.INVALID_RECORD, "clients write no control batches")
        batches.append((header, batch))
        position += header.size
    return batches


def stamped(batch: bytes | bytearray | memoryview, base_offset: int, append_time_ms: int | None = None) -> bytearray:
    """Copy a batch with its offset in the log, and with the append time if the topic requires it."""
    copy = bytearray(batch)
    struct.pack_into(">q", copy, 0, base_offset)
    struct.pack_into(">i", copy, LENGTH_END, 0)
    if append_time_ms is not None:
        (attributes,) = struct.unpack_from(">h", copy, ATTRIBUTES_OFFSET)
        struct.pack_into(">h", copy, ATTRIBUTES_OFFSET, attributes | _LOG_APPEND_TIME)
        struct.pack_into(">q", copy, MAX_TIMESTAMP_OFFSET, append_time_ms)
        struct.pack_into(">I", copy, CRC_OFFSET, crc32c(memoryview(copy)[ATTRIBUTES_OFFSET:]))
    return copy


def read_records(batch: bytes | bytearray | memoryview) -> Iterator[Record]:
    """Decode the records of one batch, decompressing them if necessary; raises `KafkaFailure`."""
    header = parse_header(batch)
    payload = bytes(memoryview(batch)[HEADER.size : header.size])
    compression = header.attributes & _CODEC_MASK
    if compression:
        if compression not in _DECODERS:
            raise KafkaFailure(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        payload = _DECODERS[compression](payload)
    data = bytearray(payload)
    position = 0
    for _ in range(header.record_count):
        record, position = _read_record(data, position, header)
        yield record


def has_null_key(batch: bytes | bytearray | memoryview) -> bool:
    """Whether a batch has a record without key, which a compacted topic refuses."""
    return any(record.key is None for record in records_of(bytearray(batch)))


def _read_record(data: bytearray, position: int, header: BatchHeader) -> tuple[Record, int]:
    length, position = decode_varint(data, position)
    end = position + length
    timestamp_delta, position = decode_varint(data, position + 1)  # one byte of unused attributes
    offset_delta, position = decode_varint(data, position)
    key, position = _read_bytes(data, position)
    value, position = _read_bytes(data, position)
    header_count, position = decode_varint(data, position)
    headers = []
    for _ in range(header_count):
        name, position = _read_bytes(data, position)
        header_value, position = _read_bytes(data, position)
        headers.append((name or b"", header_value))
    if position != end:
        raise KafkaFailure(ErrorCode.CORRUPT_MESSAGE, "a record's length is wrong")
    timestamp_ms = (
        header.max_timestamp_ms if header.attributes & _LOG_APPEND_TIME else header.first_timestamp_ms + timestamp_delta
    )
    return Record(header.base_offset + offset_delta, timestamp_ms, key, value, tuple(headers)), position


def _read_bytes(data: bytearray, position: int) -> tuple[bytes | None, int]:
    length, position = decode_varint(data, position)
    if length < 0:
        return None, position
    return bytes(data[position : position + length]), position + length


def rebuild(header: BatchHeader, records: Sequence[Record]) -> bytearray:
    """Write a batch with `header`'s identity (offsets, producer, sequence) and fewer records.

    The result is uncompressed. It may be empty: such a batch still carries its producer's last sequence, which is why
    compaction keeps it.
    """
    payload = bytearray()
    for record in records:
        _write_record(payload, record, header)
    is_append_time = bool(header.attributes & _LOG_APPEND_TIME)
    max_timestamp_ms = (
        header.max_timestamp_ms
        if is_append_time
        else max((record.timestamp_ms for record in records), default=header.max_timestamp_ms)
    )
    fields = header._replace(
        length=HEADER.size - LENGTH_END + len(payload),
        attributes=header.attributes & ~_CODEC_MASK,
        max_timestamp_ms=max_timestamp_ms,
        record_count=len(records),
        crc=0,
    )
    batch = bytearray(HEADER.pack(*fields)) + payload
    struct.pack_into(">I", batch, CRC_OFFSET, crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
    return batch


def _write_record(payload: bytearray, record: Record, header: BatchHeader) -> None:
    body = bytearray(b"\0")
    encode_varint(record.timestamp_ms - header.first_timestamp_ms, body.append)
    encode_varint(record.offset - header.base_offset, body.append)
    _write_bytes(body, record.key)
    _write_bytes(body, record.value)
    encode_varint(len(record.headers), body.append)
    for name, value in record.headers:
        _write_bytes(body, name)
        _write_bytes(body, value)
    encode_varint(len(body), payload.append)
    payload += body


def _write_bytes(body: bytearray, value: bytes | None) -> None:
    if value is None:
        encode_varint(-1, body.append)
        return
    encode_varint(len(value), body.append)
    body += value


def marker(producer_id: int, producer_epoch: int, timestamp_ms: int, *, committed: bool) -> bytearray:
    """Build the control batch that ends a transaction in one partition."""
    header = BatchHeader(
        0,
        0,
        0,
        2,
        0,
        _TRANSACTIONAL | _CONTROL,
        0,
        timestamp_ms,
        timestamp_ms,
        producer_id,
        producer_epoch,
        NO_SEQUENCE,
        1,
    )  # fmt: skip  the order of the wire, as above
    key, value = _MARKER.pack(0, int(committed)), _MARKER_VALUE.pack(0, 0)
    return rebuild(header, [Record(0, timestamp_ms, key, value)])


def is_commit(control_batch: bytes | bytearray | memoryview) -> bool:
    """Whether a control batch is a commit marker; otherwise it is an abort marker."""
    (record,) = read_records(control_batch)
    _, kind = _MARKER.unpack(record.key or b"")
    return bool(kind == 1)
