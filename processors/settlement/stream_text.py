"""A stream as it is kept: a contiguous range of bytes, which is also its part of the listener's state row.

Layout: end time, start time and played time (8 bytes each), id and card, each preceded by its length in two bytes; a
state byte: 0 attributed, 1 pending, 2 pending and followed by the id of the impression that it names.
"""

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, fused
from processors.settlement.layout import NONE
from processors.wire.binary import get_int, put_int, put_text, text_end
from processors.wire.loads import address_of
from processors.wire.stream_ends import StreamEndColumns

STARTED_MS_AT, PLAYED_MS_AT, ID_AT = 8, 16, 24
ATTRIBUTED, PENDING, PENDING_NAMED = 0, 1, 2
STREAM_BYTES_MIN = ID_AT + 2 + 2 + 1
_NAME_BYTES = 2


def bytes_of_streams(columns: StreamEndColumns) -> int:
    """Upper bound of the size of these streams."""
    spans = (columns.event_id, columns.card_id, columns.impression_id)
    text = sum(int((span[:, 1] - span[:, 0]).sum()) for span in spans)
    return text + (STREAM_BYTES_MIN + _NAME_BYTES) * len(columns.event_ms)


@borrowing
def write_stream(columns: StreamEndColumns, number: Index, text: IntArray, at: Index) -> int:
    """Write stream-end `number` into a text with `HASH_AHEAD` spare bytes; returns the offset after it."""
    out, data, named = address_of(text), address_of(columns.data), columns.impression_id[number]
    at = put_int(out, at, columns.event_ms[number], 8)
    at = put_int(out, at, columns.started_ms[number], 8)
    at = put_int(out, at, columns.played_ms[number], 8)
    at = put_text(out, at, data, columns.event_id[number, 0], columns.event_id[number, 1])
    at = put_text(out, at, data, columns.card_id[number, 0], columns.card_id[number, 1])
    if named[0] == NONE:
        return put_int(out, at, PENDING, 1)
    return put_text(out, put_int(out, at, PENDING_NAMED, 1), data, named[0], named[1])


@fused
def event_ms_of(text: IntArray, stream: Index) -> int:
    """End of the stream, in event time."""
    return get_int(text, stream, 8)


@fused
def started_ms_of(text: IntArray, stream: Index) -> int:
    """Start of the stream, in event time."""
    return get_int(text, stream + STARTED_MS_AT, 8)


@fused
def played_ms_of(text: IntArray, stream: Index) -> int:
    """Played time."""
    return get_int(text, stream + PLAYED_MS_AT, 8)


@fused
def state_at(text: IntArray, stream: Index) -> int:
    """Offset of the state byte, after the card."""
    return text_end(text, text_end(text, stream + ID_AT))


@fused
def stream_end(text: IntArray, stream: Index) -> int:
    """Offset after the stream."""
    at = state_at(text, stream)
    return text_end(text, at + 1) if get_int(text, at, 1) == PENDING_NAMED else at + 1
