"""Stream-ends from bytes to columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import IntArray
from processors.compiled import compiled
from processors.wire.batch import Batch, Slow, Values, is_acceptable, read_all, read_trusted, start_of
from processors.wire.cursor import blank
from processors.wire.fields import (
    IDENTIFIER,
    IDENTIFIER_OR_NULL,
    NUMBER,
    STRINGS,
    TAG,
    Field,
    flat_object,
    table_of,
)
from processors.wire.loads import address_of
from schemas.codec import encode
from schemas.fields import DURATION_MS_MAX, EVENT_MS_MAX
from schemas.stream_ends import StreamEnd

_TABLE = table_of(
    StreamEnd,
    Field("type", TAG),
    Field("event_id", IDENTIFIER),
    Field("user_id", IDENTIFIER),
    Field("card_id", IDENTIFIER),
    Field("started_ms", NUMBER, most=EVENT_MS_MAX),
    Field("event_ms", NUMBER, most=EVENT_MS_MAX),
    Field("played_ms", NUMBER, most=DURATION_MS_MAX),
    Field("impression_id", IDENTIFIER_OR_NULL, required=False),
    Field("surface", IDENTIFIER, required=False),
    Field("context", STRINGS, required=False),
)
_EVENT_ID, _USER_ID, _CARD_ID, _STARTED_MS, _EVENT_MS, _PLAYED_MS, _IMPRESSION_ID = range(1, 8)


class StreamEndColumns(NamedTuple):
    """Stream-ends [n] in the order of their records; a span [start, end) holds a string as JSON writes it."""

    data: IntArray  # uint8, what spans point into
    record: IntArray  # [n], index in the batch
    event_ms: IntArray  # [n]
    started_ms: IntArray  # [n]
    played_ms: IntArray  # [n]
    event_id: IntArray  # [n, 2]
    user_id: IntArray  # [n, 2]
    card_id: IntArray  # [n, 2]
    impression_id: IntArray  # [n, 2], -1 where it names none


def read_stream_ends(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> StreamEndColumns:
    """Columns of the stream-ends that these records carry."""
    return read_all(values, keys, timestamps_ms, slow, _read)


def stream_ends_of(messages: Sequence[StreamEnd]) -> StreamEndColumns:
    """Columns of these messages.

    >>> stream = StreamEnd(event_id="s1", user_id="u1", card_id="c7", started_ms=0, event_ms=9, played_ms=8)
    >>> columns = stream_ends_of([stream]); start, end = columns.card_id[0]
    >>> columns.event_ms, columns.data[start:end].tobytes()
    (array([9]), b'c7')
    """
    return read_trusted([encode(message) for message in messages], _read)


def _read(batch: Batch) -> tuple[StreamEndColumns, IntArray]:
    size = len(batch.starts)
    columns = StreamEndColumns(
        batch.data,
        *(np.empty(size, dtype=np.int64) for _ in range(4)),
        *(np.empty((size, 2), dtype=np.int64) for _ in range(4)),
    )
    declined = np.empty(size, dtype=np.int64)
    count = _fill(batch, _TABLE, columns, declined)
    return StreamEndColumns(batch.data, *(column[:count] for column in columns[1:])), declined[: size - count]


@compiled
def _fill(batch: Batch, table: IntArray, columns: StreamEndColumns, declined: IntArray) -> int:
    """Read what can be read; return how many they are. The others are named in `declined`."""
    places = np.zeros((len(table) - 1, 2), dtype=np.int64)
    text, fields, row, count = address_of(batch.data), address_of(table), address_of(places), 0
    for index in range(len(batch.starts)):
        places[_IMPRESSION_ID] = -1
        at = blank(text, flat_object(text, start_of(batch, index), fields, batch.trusted[index], row))
        started_ms, event_ms = places[_STARTED_MS, 0], places[_EVENT_MS, 0]
        if (
            at != batch.ends[index]
            or started_ms > event_ms
            or not is_acceptable(batch, index, event_ms, places[_USER_ID, 0], places[_USER_ID, 1])
        ):
            declined[index - count] = index
            continue
        columns.record[count] = index
        columns.event_ms[count], columns.started_ms[count] = event_ms, started_ms
        columns.played_ms[count] = places[_PLAYED_MS, 0]
        for side in range(2):
            columns.event_id[count, side] = places[_EVENT_ID, side]
            columns.user_id[count, side] = places[_USER_ID, side]
            columns.card_id[count, side] = places[_CARD_ID, side]
            columns.impression_id[count, side] = places[_IMPRESSION_ID, side]
        count += 1
    return count
