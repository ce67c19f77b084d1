"""The header of a Kafka record batch (format 2), declared once: offsets, sizes and decoding follow from one table.

Source: https://kafka.apache.org/documentation/#recordbatch.
"""

import struct
from functools import cache
from typing import NamedTuple

_TYPES = {
    "base_offset": "q",
    "length": "i",
    "leader_epoch": "i",
    "magic": "b",
    "checksum": "I",
    "attributes": "h",
    "last_offset_delta": "i",
    "first_ms": "q",
    "last_ms": "q",
    "producer_id": "q",
    "producer_epoch": "h",
    "base_sequence": "i",
    "record_count": "i",
}
_HEADER = struct.Struct(">" + "".join(_TYPES.values()))

MAGIC_2 = 2
CODEC, APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20
"""Bits of the attributes."""


class Field(NamedTuple):
    """Offset and size of a field, in bytes."""

    at: int
    size: int


@cache
def field(name: str) -> Field:
    """Look up a field by name.

    >>> field("producer_id"), field("record_count")
    (Field(at=43, size=8), Field(at=57, size=4))
    """
    before = list(_TYPES.values())[: list(_TYPES).index(name)]
    return Field(struct.calcsize(">" + "".join(before)), struct.calcsize(">" + _TYPES[name]))


HEADER_BYTES = _HEADER.size
COUNTED_FROM = sum(field("length"))
"""Start of the bytes that the length counts."""
CHECKED_FROM = field("attributes").at
"""Start of the bytes that the checksum covers."""


class BatchHeader(NamedTuple):
    """The decoded header."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    checksum: int
    attributes: int
    last_offset_delta: int
    first_ms: int
    last_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int


def header_at(data: bytes, start: int) -> BatchHeader:
    """Decode the header of a batch; raises struct.error if it is truncated."""
    return BatchHeader(*_HEADER.unpack_from(data, start))


def value_of(name: str, data: bytes | bytearray, start: int = 0) -> int:
    """Decode one field of the header of a batch."""
    value: int = struct.unpack_from(">" + _TYPES[name], data, start + field(name).at)[0]
    return value


def put(name: str, data: bytearray, value: int) -> None:
    """Overwrite one field of the header of a batch.

    >>> batch = bytearray(HEADER_BYTES)
    >>> put("attributes", batch, TRANSACTIONAL)
    >>> value_of("attributes", batch), header_at(bytes(batch), 0).attributes
    (16, 16)
    """
    struct.pack_into(">" + _TYPES[name], data, field(name).at, value)
