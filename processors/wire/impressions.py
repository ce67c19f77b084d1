"""Impressions from bytes to columns; only seen slots of their shelves are kept."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.compiled import borrowing
from processors.wire.batch import Slow, Values
from processors.wire.checked_memory import hold
from processors.wire.leaves import SPAN, SPAN_END
from processors.wire.loads import number_at
from processors.wire.reader import Reader, Shredded
from schemas.impressions import Impression
from schemas.outcomes import ORDER_COLUMNS, LoggedPage

LOGGED = LoggedPage.__struct_fields__
"""Fields of an impression that are passed on to its outcomes."""

ORDER = ORDER_COLUMNS
"""What an impression says about the order of its page, passed on to outcomes: two values of a shelf, one of a slot."""
_ROW_PROPENSITY, _ORDER_LOG, _ROW_LOG = range(3)

_OF_SHELF = (
    *("cards", "seen", "seen[]", "shelf_id", "cards[]", "propensities[]"),
    *("order_log_propensities", "order_log_propensities[]", "propensity", "row_log_propensity"),
)
_SHELVES = ("shelves", *(f"shelves[].{name}" for name in _OF_SHELF))
_KEPT = ("event_ms", "event_id", "user_id", *LOGGED, *_SHELVES)
_READER = Reader(Impression, keep=_KEPT, key="user_id", event_ms="event_ms")


class ImpressionColumns(NamedTuple):
    """Impressions [n] in the order of their records; a span [start, end) contains a string as JSON writes it.

    The seen slots of impression i are `offsets[i]` to `offsets[i + 1]` of the columns [e], ordered by row and slot.
    """

    data: IntArray  # uint8, what spans point into
    record: IntArray  # [n], index in the batch
    event_ms: IntArray  # [n]
    event_id: IntArray  # [n, 2]
    user_id: IntArray  # [n, 2]
    logged: IntArray  # [n, l, 2], the fields `LOGGED`
    offsets: IntArray  # [n + 1]
    row: IntArray  # [e], on the page
    slot: IntArray  # [e], in the shelf
    shelf_id: IntArray  # [e, 2]
    card_id: IntArray  # [e, 2]
    propensity: IntArray  # [e, 2], a number as text
    order: IntArray  # [e, o, 2], the values `ORDER`, likewise; -1 for null


def read_impressions(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> ImpressionColumns:
    """Columns of the impressions in these records."""
    return _columns(_READER.read_records(values, keys, timestamps_ms, slow))


def impressions_of(messages: Sequence[Impression]) -> ImpressionColumns:
    """Columns of these messages.

    >>> from schemas.impressions import ShownShelf
    >>> shelf = ShownShelf(shelf_id="jazz", cards=("c1", "c2"), propensities=(0.9, 0.1), seen=(1,))
    >>> columns = impressions_of([Impression(event_id="i1", user_id="u1", event_ms=0, shelves=(shelf, shelf))])
    >>> columns.row, columns.slot, [columns.data[start:end].tobytes() for start, end in columns.propensity]
    (array([0, 1]), array([1, 1]), [b'0.1', b'0.1'])
    """
    return _columns(_READER.read_messages(messages))


class _Shelves(NamedTuple):
    """Shelves [s] of impressions [n] with cards [c] and seen slots [e], as read."""

    of_page: IntArray  # [n + 1]
    cards: IntArray  # [s + 1]
    seen: IntArray  # [s + 1]
    slot: IntArray  # [e]
    shelf_id: IntArray  # [s, 2]
    card_id: IntArray  # [c, 2]
    propensity: IntArray  # [c, 2]
    orders: IntArray  # [s + 1]
    order_log: IntArray  # [o, 2], of all cards of a shelf, or of none
    row_propensity: IntArray  # [s, 2]
    row_log: IntArray  # [s, 2]


def _columns(shredded: Shredded) -> ImpressionColumns:
    of = shredded.values_of
    shelves, logged = _Shelves(*map(of, _SHELVES)), [of(name) for name in LOGGED]
    count, seen = len(shredded.record), len(shelves.slot)
    columns = ImpressionColumns(
        shredded.data,
        shredded.record,
        event_ms=of("event_ms"),
        event_id=of("event_id"),
        user_id=of("user_id"),
        logged=np.empty((count, len(LOGGED), 2), dtype=np.int64),
        offsets=np.empty(count + 1, dtype=np.int64),
        row=np.empty(seen, dtype=np.int64),
        slot=shelves.slot,
        shelf_id=np.empty((seen, 2), dtype=np.int64),
        card_id=np.empty((seen, 2), dtype=np.int64),
        propensity=np.empty((seen, 2), dtype=np.int64),
        order=np.full((seen, len(ORDER), 2), -1),
    )
    join_seen(shelves, np.array([hold(one) for one in logged], dtype=np.int64), columns)
    return columns


@borrowing
def join_seen(shelves: _Shelves, logged: IntArray, columns: ImpressionColumns) -> None:
    """Join seen slots to the cards in them; `logged` are the addresses of the spans of each field."""
    columns.offsets[0] = 0
    for page in range(len(columns.record)):
        first, last = shelves.of_page[page], shelves.of_page[page + 1]
        for shelf in range(first, last):
            has_orders = shelves.orders[shelf] < shelves.orders[shelf + 1]
            for place in range(shelves.seen[shelf], shelves.seen[shelf + 1]):
                card = shelves.cards[shelf] + shelves.slot[place]
                order = shelves.orders[shelf] + shelves.slot[place]
                columns.row[place] = shelf - first
                for side in range(2):
                    columns.shelf_id[place, side] = shelves.shelf_id[shelf, side]
                    columns.card_id[place, side] = shelves.card_id[card, side]
                    columns.propensity[place, side] = shelves.propensity[card, side]
                    columns.order[place, _ROW_PROPENSITY, side] = shelves.row_propensity[shelf, side]
                    columns.order[place, _ROW_LOG, side] = shelves.row_log[shelf, side]
                    if has_orders:
                        columns.order[place, _ORDER_LOG, side] = shelves.order_log[order, side]
        columns.offsets[page + 1] = shelves.seen[last]
        for field in range(len(logged)):
            columns.logged[page, field, 0] = number_at(logged[field], SPAN * page)
            columns.logged[page, field, 1] = number_at(logged[field], SPAN * page + SPAN_END)
