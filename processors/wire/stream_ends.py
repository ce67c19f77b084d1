"""Stream-ends from bytes to columns."""

from collections.abc import Sequence
from typing import NamedTuple

from processors.arrays import IntArray
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.stream_ends import StreamEnd


class StreamEndColumns(NamedTuple):
    """Stream-ends [n] in the order of their records; a span [start, end) contains a string as JSON writes it."""

    data: IntArray  # uint8, what spans point into
    record: IntArray  # [n], index in the batch
    event_ms: IntArray  # [n]
    started_ms: IntArray  # [n]
    played_ms: IntArray  # [n]
    event_id: IntArray  # [n, 2]
    user_id: IntArray  # [n, 2]
    card_id: IntArray  # [n, 2]
    impression_id: IntArray  # [n, 2], -1 if it names none


_FIELDS = StreamEndColumns._fields[2:]
_READER = Reader(StreamEnd, keep=_FIELDS, key="user_id", event_ms="event_ms")


def read_stream_ends(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> StreamEndColumns:
    """Columns of the stream-ends in these records."""
    return _columns(_READER.read_records(values, keys, timestamps_ms, slow))


def stream_ends_of(messages: Sequence[StreamEnd]) -> StreamEndColumns:
    """Columns of these messages.

    >>> stream = StreamEnd(event_id="s1", user_id="u1", card_id="c7", started_ms=0, event_ms=9, played_ms=8)
    >>> columns = stream_ends_of([stream]); start, end = columns.card_id[0]
    >>> columns.event_ms, columns.data[start:end].tobytes()
    (array([9]), b'c7')
    """
    return _columns(_READER.read_messages(messages))


def _columns(shredded: Shredded) -> StreamEndColumns:
    return StreamEndColumns(shredded.data, shredded.record, *map(shredded.values_of, _FIELDS))
