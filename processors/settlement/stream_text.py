"""A stream as it is kept: a contiguous range of bytes, which is also its part of the listener's state row.

Layout: end time, start time and played time (8 bytes each), id and card, each preceded by its length in two bytes; a
state byte: 0 attributed, 1 pending, 2 pending and followed by the id of the impression that it names, 3 still playing
and of no exposure. With `PLAYING` it is of a stream that had not ended at its end time: the state byte is followed by
the id of the stream, and then by that of the impression.
"""

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, fused
from processors.settlement.layout import NONE
from processors.wire.binary import get_int, put_int, put_text, text_end
from processors.wire.loads import address_of
from processors.wire.stream_ends import StreamEndColumns

STARTED_MS_AT, PLAYED_MS_AT, ID_AT = 8, 16, 24
ATTRIBUTED, PENDING, PENDING_NAMED, ORGANIC = 0, 1, 2, 3
STATE_MASK, PLAYING = 3, 4
STREAM_BYTES_MIN = ID_AT + 2 + 2 + 1
_NAME_BYTES = 2


def bytes_of_streams(columns: StreamEndColumns) -> int:
    """Upper bound of the size of these streams."""
    spans = (columns.event_id, columns.card_id, columns.impression_id, columns.stream_id)
    text = sum(int((span[:, 1] - span[:, 0]).sum()) for span in spans)
    return text + (STREAM_BYTES_MIN + 2 * _NAME_BYTES) * len(columns.event_ms)


@borrowing
def write_stream(columns: StreamEndColumns, number: Index, text: IntArray, at: Index) -> int:
    """Write stream-end `number` into a text with `HASH_AHEAD` spare bytes; returns the offset after it."""
    out, data, named = address_of(text), address_of(columns.data), columns.impression_id[number]
    playing = columns.stream_id[number]
    at = put_int(out, at, columns.event_ms[number], 8)
    at = put_int(out, at, columns.started_ms[number], 8)
    at = put_int(out, at, columns.played_ms[number], 8)
    at = put_text(out, at, data, columns.event_id[number, 0], columns.event_id[number, 1])
    at = put_text(out, at, data, columns.card_id[number, 0], columns.card_id[number, 1])
    state = PENDING if named[0] == NONE else PENDING_NAMED
    if playing[0] == NONE:
        at = put_int(out, at, state, 1)
    else:
        at = put_text(out, put_int(out, at, state | PLAYING, 1), data, playing[0], playing[1])
    return int(at) if named[0] == NONE else put_text(out, at, data, named[0], named[1])


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
def state_of(text: IntArray, state: Index) -> int:
    """Whether a stream is attributed, pending or of no exposure, from its state byte."""
    return get_int(text, state, 1) & STATE_MASK


@fused
def is_playing_at(text: IntArray, state: Index) -> bool:
    """Whether a stream had not ended, from its state byte."""
    return get_int(text, state, 1) & PLAYING != 0


@fused
def name_at(text: IntArray, state: Index) -> int:
    """Offset after the state byte, and after the id of the stream if it had not ended."""
    return text_end(text, state + 1) if is_playing_at(text, state) else int(state + 1)


@fused
def same_stream_at(text: IntArray, stream: Index) -> int:
    """Offset of the id of the stream that a record is of: its own, or the one that is still playing."""
    at = state_at(text, stream)
    return int(at + 1) if is_playing_at(text, at) else int(stream + ID_AT)


@fused
def stream_end(text: IntArray, stream: Index) -> int:
    """Offset after the stream."""
    at = state_at(text, stream)
    return text_end(text, name_at(text, at)) if state_of(text, at) == PENDING_NAMED else name_at(text, at)
