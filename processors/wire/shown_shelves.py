"""The shelves of an impression: what was seen of them goes to columns, the rest is checked. Compiled."""

from typing import NamedTuple

from processors.compiled import fused
from processors.wire.cursor import ARRAY, ARRAY_END, LOST, OBJECT, OBJECT_END, after, identifier, next_item, propensity
from processors.wire.distinct import are_distinct
from processors.wire.fields import NESTED, Field, key, table_of
from processors.wire.lists import END, NUMBER, SPAN, identifiers, integers, propensities
from processors.wire.loads import byte_at, number_at, put

SHELF_TABLE = table_of(
    None,
    Field("shelf_id", NESTED),
    Field("cards", NESTED),
    Field("propensities", NESTED),
    Field("seen", NESTED),
    Field("propensity", NESTED, required=False),
)
_SHELF_ID, _CARDS, _PROPENSITIES, _SEEN = range(4)


class Places(NamedTuple):
    """Addresses of the table of a shelf's fields, of room for one shelf, and of the columns of what was seen."""

    table: int
    shelf_id: int  # int64 [2], and so on as in `Room`
    cards: int
    propensities: int
    seen: int
    slots: int
    to_row: int  # int64 [e], and so on as in `ImpressionColumns`
    to_slot: int
    to_shelf_id: int
    to_card_id: int
    to_propensity: int


@fused
def shown_shelves(text: int, at: int, trusted: bool, places: Places, exposure: int) -> tuple[int, int]:
    """Put what was seen from `exposure` on; return where the next impression's begin, and the position after."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return exposure, at + 1
    row, more = 0, True
    while more:
        count, at = _shelf(text, at, trusted, places)
        for index in range(count):
            _put_exposure(places, exposure + index, row, number_at(places.seen, NUMBER * index))
        exposure += count
        row += 1
        more, at = next_item(text, at, ARRAY_END)
    return exposure, at


@fused
def _shelf(text: int, at: int, trusted: bool, places: Places) -> tuple[int, int]:
    """How many slots of this shelf were seen, and the position after it."""
    begin, expected, found, more = at, 0, 0, True
    cards = others = seen = 0
    at = after(text, at, OBJECT)
    while more:
        number, at = key(text, at, places.table, expected, found)
        if number == _CARDS:
            cards, at = identifiers(text, at, trusted, places.cards)
        elif number == _PROPENSITIES:
            others, at = propensities(text, at, trusted, places.propensities)
        elif number == _SEEN:
            seen, at = integers(text, at, trusted, places.seen)
        elif number == _SHELF_ID:
            put(places.shelf_id, 0, at + 1)
            end, at = identifier(text, at, trusted)
            put(places.shelf_id, END, end)
        else:
            at = propensity(text, at, trusted)
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    right = found & 0b1111 == 0b1111 and cards == others and _is_ascending(places.seen, seen, cards)
    if at == LOST or not right:
        return 0, LOST
    if not trusted and not are_distinct(text, places.cards, cards, places.slots, begin):
        return 0, LOST
    return seen, at


@fused
def _is_ascending(numbers: int, count: int, limit: int) -> bool:
    last = -1
    for index in range(count):
        number = number_at(numbers, NUMBER * index)
        if number <= last:
            return False
        last = number
    return last < limit


@fused
def _put_exposure(places: Places, exposure: int, row: int, slot: int) -> None:
    put(places.to_row, NUMBER * exposure, row)
    put(places.to_slot, NUMBER * exposure, slot)
    for side in (0, END):
        put(places.to_shelf_id, SPAN * exposure + side, number_at(places.shelf_id, side))
        put(places.to_card_id, SPAN * exposure + side, number_at(places.cards, SPAN * slot + side))
        put(places.to_propensity, SPAN * exposure + side, number_at(places.propensities, SPAN * slot + side))
