"""Stream-ends, and streams that are still playing, from bytes to columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.stream_ends import StreamEvent

_ENDED, _PLAYING = 0, 1


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
    stream_id: IntArray  # [n, 2], of a stream that is still playing; -1 if it has ended


_FIELDS, _OF_PLAYING = StreamEndColumns._fields[2:-1], "stream_id"
_READER = Reader(StreamEvent, keep=(*_FIELDS, _OF_PLAYING), key="user_id", event_ms="event_ms")


def read_stream_ends(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> StreamEndColumns:
    """Columns of the stream-ends in these records."""
    return _columns(_READER.read_records(values, keys, timestamps_ms, slow))


def stream_ends_of(messages: Sequence[StreamEvent]) -> StreamEndColumns:
    """Columns of these messages.

    >>> from schemas.stream_ends import StreamEnd, StreamPlaying
    >>> playing = StreamPlaying(event_id="p1", stream_id="s1", user_id="u1", card_id="c7", started_ms=0, event_ms=5,
    ...     played_ms=5)
    >>> stream = StreamEnd(event_id="s1", user_id="u1", card_id="c7", started_ms=0, event_ms=9, played_ms=8)
    >>> columns = stream_ends_of([playing, stream]); start, end = columns.card_id[1]
    >>> columns.event_ms, columns.data[start:end].tobytes(), columns.stream_id[:, 0] < 0
    (array([5, 9]), b'c7', array([False,  True]))
    """
    return _columns(_READER.read_messages(messages))


def _columns(shredded: Shredded) -> StreamEndColumns:
    ended = [shredded.values_of(name, _ENDED) for name in _FIELDS]
    none = np.full_like(ended[-1], -1)
    is_playing = shredded.member == _PLAYING
    if not is_playing.any():
        return StreamEndColumns(*(shredded.data, shredded.record, *ended, none))
    playing = [shredded.values_of(name, _PLAYING) for name in (*_FIELDS, _OF_PLAYING)]
    place = np.empty(len(is_playing), dtype=np.int64)
    place[~is_playing], place[is_playing] = np.arange(len(none)), len(none) + np.arange(len(playing[0]))
    together = [np.concatenate(both)[place] for both in zip([*ended, none], playing, strict=True)]
    return StreamEndColumns(*(shredded.data, shredded.record, *together))
