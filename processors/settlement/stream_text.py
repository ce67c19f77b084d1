"""A stream as it is kept: one stretch of bytes, which is also its part of its listener's row of state.

When it ended and began and for how long it was played (8 bytes each), its id and its card, each preceded by its length
in two bytes; then, and only while it is pending, what it names: 0 where it is pending no more, 1 where it names
nothing, 2 and then the name.
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
    """Room that these streams take together."""
    spans = (columns.event_id, columns.card_id, columns.impression_id)
    text = sum(int((span[:, 1] - span[:, 0]).sum()) for span in spans)
    return text + (STREAM_BYTES_MIN + _NAME_BYTES) * len(columns.event_ms)


@borrowing
def write_stream(columns: StreamEndColumns, number: Index, text: IntArray, at: Index) -> int:
    """Write stream-end `number` into a text with `HASH_AHEAD` bytes more than it takes; gives the place after it."""
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
    """When the stream ended."""
    return get_int(text, stream, 8)


@fused
def started_ms_of(text: IntArray, stream: Index) -> int:
    """When it began."""
    return get_int(text, stream + STARTED_MS_AT, 8)


@fused
def played_ms_of(text: IntArray, stream: Index) -> int:
    """For how long it was played."""
    return get_int(text, stream + PLAYED_MS_AT, 8)


@fused
def state_at(text: IntArray, stream: Index) -> int:
    """Where it stands whether the stream is pending: after its card."""
    return text_end(text, text_end(text, stream + ID_AT))


@fused
def stream_end(text: IntArray, stream: Index) -> int:
    """Where the stream ends."""
    at = state_at(text, stream)
    return text_end(text, at + 1) if get_int(text, at, 1) == PENDING_NAMED else at + 1
