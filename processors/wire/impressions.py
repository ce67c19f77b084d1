"""Impressions from bytes to columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import IntArray
from processors.compiled import compiled, fused
from processors.wire.batch import TAIL_TEXTS, Batch, Slow, Values, is_acceptable, read_all, read_trusted, start_of
from processors.wire.cursor import LOST, OBJECT, OBJECT_END, after, blank, next_item
from processors.wire.distinct import slots_for
from processors.wire.fields import (
    IDENTIFIER,
    NESTED,
    NUMBER,
    NUMBER_OR_NULL,
    STRINGS,
    TAG,
    Field,
    flat_value,
    key,
    table_of,
)
from processors.wire.loads import address_of
from processors.wire.shown_shelves import SHELF_TABLE, Places, shown_shelves
from schemas.codec import encode
from schemas.fields import EVENT_MS_MAX
from schemas.impressions import Impression

_TABLE = table_of(
    Impression,
    Field("type", TAG),
    Field("event_id", IDENTIFIER),
    Field("user_id", IDENTIFIER),
    Field("event_ms", NUMBER, most=EVENT_MS_MAX),
    Field("shelves", NESTED),
    Field("surface", IDENTIFIER, required=False),
    Field("variant", IDENTIFIER, required=False),
    Field("policy_version", IDENTIFIER, required=False),
    Field("reward_version", IDENTIFIER, required=False),
    Field("model_version", IDENTIFIER, required=False),
    Field("ranking_number", NUMBER_OR_NULL, required=False),
    Field("context", STRINGS, required=False),
)
_EVENT_ID, _USER_ID, _EVENT_MS, _SHELVES, _SURFACE = range(1, 6)
_LOGGED_DEFAULTS = (0, 1, 2, 2, 2)  # of TAIL_TEXTS
_EXPOSURE_BYTES_MIN = 8
"""A slot that was seen takes at least a card `"c",`, a propensity `1,` and its number `0,`."""


class ImpressionColumns(NamedTuple):
    """Impressions [n] in the order of their records; a span [start, end) holds a string as JSON writes it.

    The slots that were seen of impression i are `offsets[i]` to `offsets[i + 1]` of the columns [e], in the order of
    rows and slots.
    """

    data: IntArray  # uint8, what spans point into
    record: IntArray  # [n], index in the batch
    event_ms: IntArray  # [n]
    event_id: IntArray  # [n, 2]
    user_id: IntArray  # [n, 2]
    logged: IntArray  # [n, 5, 2]: surface, variant, policy_version, reward_version, model_version
    offsets: IntArray  # [n + 1]
    row: IntArray  # [e], of the page
    slot: IntArray  # [e], of the shelf
    shelf_id: IntArray  # [e, 2]
    card_id: IntArray  # [e, 2]
    propensity: IntArray  # [e, 2], the text of a number


class Room(NamedTuple):
    """Scratch for one record: what fields hold, and one shelf's parts."""

    fields: IntArray  # int64 [k, 2]
    defaults: IntArray  # int64 [k, 2]
    shelf_id: IntArray  # int64 [2]
    cards: IntArray  # int64 [c, 2]
    propensities: IntArray  # int64 [c, 2]
    seen: IntArray  # int64 [c]
    slots: IntArray  # int64 [s, 2], see `distinct`

    @classmethod
    def of(cls, batch: Batch) -> "Room":
        """Room for the longest record of a batch."""
        most = batch.longest // 2 + 1
        spans = [batch.tail_span(TAIL_TEXTS[number]) for number in _LOGGED_DEFAULTS]
        defaults = np.zeros((len(_TABLE) - 1, 2), dtype=np.int64)
        defaults[_SURFACE : _SURFACE + len(spans)] = spans
        return cls(
            fields=defaults.copy(),
            defaults=defaults,
            shelf_id=np.zeros(2, dtype=np.int64),
            cards=np.empty((most, 2), dtype=np.int64),
            propensities=np.empty((most, 2), dtype=np.int64),
            seen=np.empty(most, dtype=np.int64),
            slots=slots_for(most),
        )


def read_impressions(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> ImpressionColumns:
    """Columns of the impressions that these records carry."""
    return read_all(values, keys, timestamps_ms, slow, _read)


def impressions_of(messages: Sequence[Impression]) -> ImpressionColumns:
    """Columns of these messages.

    >>> from schemas.impressions import ShownShelf
    >>> shelf = ShownShelf(shelf_id="jazz", cards=("c1", "c2"), propensities=(0.9, 0.1), seen=(1,))
    >>> columns = impressions_of([Impression(event_id="i1", user_id="u1", event_ms=0, shelves=(shelf, shelf))])
    >>> columns.row, columns.slot, [columns.data[start:end].tobytes() for start, end in columns.propensity]
    (array([0, 1]), array([1, 1]), [b'0.1', b'0.1'])
    """
    return read_trusted([encode(message) for message in messages], _read)


def _read(batch: Batch) -> tuple[ImpressionColumns, IntArray]:
    size, most = len(batch.starts), len(batch.data) // _EXPOSURE_BYTES_MIN
    shapes: list[tuple[int, ...]] = [(size,)] * 2 + [(size, 2)] * 2 + [(size, 5, 2), (size + 1,)]
    shapes += [(most,)] * 2 + [(most, 2)] * 3
    columns = ImpressionColumns(batch.data, *(np.empty(shape, dtype=np.int64) for shape in shapes))
    declined = np.empty(size, dtype=np.int64)
    count = _fill(batch, _TABLE, SHELF_TABLE, Room.of(batch), columns, declined)
    seen = int(columns.offsets[count])
    ends = [count] * 5 + [count + 1] + [seen] * 5
    kept = (column[:end] for column, end in zip(columns[1:], ends, strict=True))
    return ImpressionColumns(batch.data, *kept), declined[: size - count]


@compiled
def _fill(
    batch: Batch, table: IntArray, shelf_table: IntArray, room: Room, columns: ImpressionColumns, declined: IntArray
) -> int:
    """Read what can be read; return how many they are. The others are named in `declined`."""
    places = Places(
        address_of(shelf_table),
        address_of(room.shelf_id),
        address_of(room.cards),
        address_of(room.propensities),
        address_of(room.seen),
        address_of(room.slots),
        address_of(columns.row),
        address_of(columns.slot),
        address_of(columns.shelf_id),
        address_of(columns.card_id),
        address_of(columns.propensity),
    )
    text, fields, read = address_of(batch.data), address_of(table), address_of(room.fields)
    count, columns.offsets[0] = 0, 0
    for index in range(len(batch.starts)):
        room.fields[:] = room.defaults
        exposure = columns.offsets[count]
        trusted = batch.trusted[index]
        exposure, at = _impression(text, start_of(batch, index), fields, trusted, read, places, exposure)
        event_ms = room.fields[_EVENT_MS, 0]
        if at != batch.ends[index] or not is_acceptable(
            batch, index, event_ms, room.fields[_USER_ID, 0], room.fields[_USER_ID, 1]
        ):
            declined[index - count] = index
            continue
        columns.record[count], columns.event_ms[count], columns.offsets[count + 1] = index, event_ms, exposure
        for side in range(2):
            columns.event_id[count, side] = room.fields[_EVENT_ID, side]
            columns.user_id[count, side] = room.fields[_USER_ID, side]
            for name in range(5):
                columns.logged[count, name, side] = room.fields[_SURFACE + name, side]
        count += 1
    return count


@fused
def _impression(
    text: int, at: int, table: int, trusted: bool, read: int, places: Places, exposure: int
) -> tuple[int, int]:
    """Where the next impression's exposures begin, and the position after this one and white space."""
    more, expected, found, at = True, 0, 0, after(text, at, OBJECT)
    while more:
        number, at = key(text, at, table, expected, found)
        if number == _SHELVES:
            exposure, at = shown_shelves(text, at, trusted, places, exposure)
        else:
            at = flat_value(text, at, table, number, trusted, read)
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    return exposure, (blank(text, at) if found & 0b11111 == 0b11111 else LOST)
