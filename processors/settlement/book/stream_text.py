"""A stream as it is kept: a contiguous range of bytes, which is also its part of the listener's state row."""

from processors.arrays import Index, IntArray, Offset
from processors.compiled import borrowing, fused
from processors.settlement.book.layout import NO_TEXT
from processors.settlement.book.state_layouts import PENDING, PENDING_NAMED, PLAYING, STATE_MASK, STREAM
from processors.wire.binary import get_int, span_in
from processors.wire.loads import address_of
from processors.wire.stream_ends import StreamEndColumns

STREAM_BYTES_MIN = STREAM.bytes_min
STREAM_ID_AT = STREAM.offset("event_id")
_STATE_BYTES = 1
_put_stream = STREAM.put()

event_ms_of, started_ms_of, played_ms_of = (STREAM.get(name) for name in ("event_ms", "started_ms", "played_ms"))
"""End of the stream and its start, in event time; played time."""

state_at, card_at, stream_end = STREAM.place("state"), STREAM.place("card_id"), STREAM.end()
named_at = STREAM.place("impression_id")
"""Offset of the impression that a stream names, or of its end if it names none."""


def bytes_of_streams(columns: StreamEndColumns) -> int:
    """Upper bound of the size of these streams."""
    spans = (columns.event_id, columns.card_id, columns.impression_id, columns.stream_id)
    text = sum(int((span[:, 1] - span[:, 0]).sum()) for span in spans)
    return text + STREAM.bytes_max * len(columns.event_ms)


@borrowing
def write_stream(columns: StreamEndColumns, number: Index, text: IntArray, at: Offset) -> Offset:
    """Write stream-end `number` into a text with `HASH_AHEAD` spare bytes; returns the offset after it."""
    named, playing = span_in(columns.impression_id, number), span_in(columns.stream_id, number)
    state = PENDING if named[0] == NO_TEXT else PENDING_NAMED
    if playing[0] != NO_TEXT:
        state |= PLAYING
    return _put_stream(
        address_of(text),
        at,
        address_of(columns.data),
        event_ms=columns.event_ms[number],
        started_ms=columns.started_ms[number],
        played_ms=columns.played_ms[number],
        event_id=span_in(columns.event_id, number),
        card_id=span_in(columns.card_id, number),
        state=state,
        stream_id=playing,
        impression_id=named,
    )


@fused
def state_of(text: IntArray, state: Offset) -> int:
    """Whether a stream is attributed, pending or of no exposure, from its state byte."""
    return get_int(text, state, 1) & STATE_MASK


@fused
def is_playing_at(text: IntArray, state: Offset) -> bool:
    """Whether a stream had not ended, from its state byte."""
    return get_int(text, state, 1) & PLAYING != 0


@fused
def same_stream_at(text: IntArray, stream: Offset) -> Offset:
    """Offset of the id of the stream that a record is of: its own, or the one that is still playing."""
    at = state_at(text, stream)
    return at + _STATE_BYTES if is_playing_at(text, at) else stream + STREAM_ID_AT
