"""Divides the state of a partition of listeners among more partitions: which rows go where, and how they change."""

import msgspec

from processors.settlement.book.state_layouts import LISTENER
from processors.settlement.state.row_keys import IMPRESSION_KIND, LISTENER_KIND, listener_in
from processors.settlement.state.rows import PartitionRow

_OFFSETS_FROM = LISTENER.offset("impressions_end")
_OFFSETS_TO = LISTENER.offset("streamed")
_unpack = msgspec.msgpack.Decoder(PartitionRow).decode


def name_of_row(key: bytes) -> bytes | None:
    r"""Name of the listener in a key of settlement, as JSON writes it; None for the row of the partition.

    >>> name_of_row(b"l/ann"), name_of_row(b"i/ann\0page-7"), name_of_row(b"p")
    (b'ann', b'ann', None)
    """
    return listener_in(key) if key.startswith((LISTENER_KIND, IMPRESSION_KIND)) else None


def moved_row(key: bytes, value: bytes) -> bytes:
    """A row in another partition: a listener's does not have the offsets of her newest events, which are elsewhere."""
    if not key.startswith(LISTENER_KIND):
        return value
    return value[:_OFFSETS_FROM] + bytes(_OFFSETS_TO - _OFFSETS_FROM) + value[_OFFSETS_TO:]


def heirs_row(value: bytes) -> bytes:
    """The row of a partition that takes over some listeners of the one with this row: same times, nothing counted."""
    return msgspec.msgpack.encode(msgspec.structs.replace(_unpack(value), counters={}))


def watermark_in(value: bytes) -> int:
    """The watermark in a partition's row."""
    return _unpack(value).watermark_ms
