"""Interactions from bytes to columns: each record carries many."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import IntArray
from processors.compiled import compiled, fused
from processors.wire.batch import Batch, Slow, Values, read_trusted, read_unkeyed, start_of
from processors.wire.cursor import LOST, OBJECT, OBJECT_END, after, blank, next_item
from processors.wire.fields import IDENTIFIER, NESTED, TAG, Field, flat_value, key, table_of
from processors.wire.lists import NUMBER, SPAN, are_at_most, booleans, identifiers, integers
from processors.wire.loads import address_of
from schemas.codec import encode
from schemas.fields import DURATION_MS_MAX, EVENT_MS_MAX
from schemas.interactions import Interactions

_TABLE = table_of(
    Interactions,
    Field("type", TAG),
    Field("source", IDENTIFIER),
    Field("event_id", NESTED),
    Field("user_id", NESTED),
    Field("card_id", NESTED),
    Field("event_ms", NESTED),
    Field("played_ms", NESTED),
    Field("organic", NESTED),
)
_EVENT_ID, _USER_ID, _CARD_ID, _EVENT_MS, _PLAYED_MS, _ORGANIC = range(2, 8)
_ROW_BYTES_MIN = 21
"""An interaction takes at least three names `"c",`, two numbers `0,` and `true,`; brackets make up for last commas."""


class InteractionColumns(NamedTuple):
    """Interactions [e] in the order of their records; a span [start, end) holds a string as JSON writes it."""

    data: IntArray  # uint8, what spans point into
    event_ms: IntArray  # [e]
    played_ms: IntArray  # [e]
    organic: IntArray  # [e], 0 or 1
    event_id: IntArray  # [e, 2]
    user_id: IntArray  # [e, 2]
    card_id: IntArray  # [e, 2]


class _Places(NamedTuple):
    """Addresses of the first four columns that are free yet, and of the table of fields."""

    table: int
    event_ms: int
    played_ms: int
    organic: int
    event_id: int
    user_id: int
    card_id: int


def read_interactions(values: Values, slow: Slow) -> InteractionColumns:
    """Columns of the interactions that these records carry."""
    return read_unkeyed(values, slow, _read)


def interactions_of(messages: Sequence[Interactions]) -> InteractionColumns:
    """Columns of these messages.

    >>> from schemas.interactions import Interaction
    >>> one = Interaction(event_id="s1", user_id="u1", card_id="c1", event_ms=7, played_ms=1000)
    >>> interactions_of([Interactions.of("listeners/0", [one, one])]).played_ms
    array([1000, 1000])
    """
    return read_trusted([encode(message) for message in messages], _read)


def _read(batch: Batch) -> tuple[InteractionColumns, IntArray]:
    size = len(batch.starts)
    most = len(batch.data) // _ROW_BYTES_MIN + batch.longest // 2 + 2
    columns = InteractionColumns(
        batch.data,
        *(np.empty(most, dtype=np.int64) for _ in range(3)),
        *(np.empty((most, 2), dtype=np.int64) for _ in range(3)),
    )
    declined = np.empty(size, dtype=np.int64)
    count, declined_count = _fill(batch, _TABLE, columns, np.zeros(2 * len(_TABLE), dtype=np.int64), declined)
    kept = (column[:count] for column in columns[1:])
    return InteractionColumns(batch.data, *kept), declined[:declined_count]


@compiled
def _fill(
    batch: Batch, table: IntArray, columns: InteractionColumns, room: IntArray, declined: IntArray
) -> tuple[int, int]:
    """Read what can be read; return how many interactions that are, and how many records are named in `declined`."""
    text, fields, read = address_of(batch.data), address_of(table), address_of(room)
    event_ms, played_ms, organic = (
        address_of(columns.event_ms),
        address_of(columns.played_ms),
        address_of(columns.organic),
    )
    event_id, user_id, card_id = (
        address_of(columns.event_id),
        address_of(columns.user_id),
        address_of(columns.card_id),
    )
    count = declined_count = 0
    for index in range(len(batch.starts)):
        places = _Places(
            fields,
            event_ms + NUMBER * count,
            played_ms + NUMBER * count,
            organic + NUMBER * count,
            event_id + SPAN * count,
            user_id + SPAN * count,
            card_id + SPAN * count,
        )
        more, at = _interactions(text, start_of(batch, index), batch.trusted[index], places, read)
        if at == batch.ends[index]:
            count += more
        else:
            declined[declined_count] = index
            declined_count += 1
    return count, declined_count


@fused
def _interactions(text: int, at: int, trusted: bool, places: _Places, read: int) -> tuple[int, int]:
    """How many interactions this record carries, and the position after it and white space."""
    more, expected, found, count, at = True, 0, 0, -1, after(text, at, OBJECT)
    while more:
        number, at = key(text, at, places.table, expected, found)
        if number < _EVENT_ID:
            at = flat_value(text, at, places.table, number, trusted, read)
        else:
            length, at = _column(text, at, trusted, number, places)
            at = at if count in (-1, length) else LOST
            count = length
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    right = (
        found == 0b11111111
        and are_at_most(places.event_ms, count, EVENT_MS_MAX)
        and are_at_most(places.played_ms, count, DURATION_MS_MAX)
    )
    return count, (blank(text, at) if right and at != LOST else LOST)


@fused
def _column(text: int, at: int, trusted: bool, number: int, places: _Places) -> tuple[int, int]:
    """How long the list is that stands here, and the position after it."""
    if number == _EVENT_ID:
        return identifiers(text, at, trusted, places.event_id)
    if number == _USER_ID:
        return identifiers(text, at, trusted, places.user_id)
    if number == _CARD_ID:
        return identifiers(text, at, trusted, places.card_id)
    if number == _EVENT_MS:
        return integers(text, at, trusted, places.event_ms)
    if number == _PLAYED_MS:
        return integers(text, at, trusted, places.played_ms)
    return booleans(text, at, places.organic)
