"""One record of settled outcomes, or of a correction: its rows go to columns, the rest is checked. Compiled."""

from typing import NamedTuple

from processors.compiled import fused
from processors.wire.cursor import ARRAY, ARRAY_END, COUNT_MAX, LOST, OBJECT, OBJECT_END, after, blank, next_item
from processors.wire.fields import (
    IDENTIFIER,
    NESTED,
    NUMBER,
    PLACE,
    SIDE,
    TAG,
    Field,
    flat_object,
    flat_value,
    key,
    table_of,
)
from processors.wire.lists import NUMBER as WIDTH
from processors.wire.lists import identifiers, integers, propensities
from processors.wire.loads import byte_at, number_at, put
from processors.wire.weights import soft_groups, weights
from schemas.fields import EVENT_MS_MAX
from schemas.outcomes import LoggedPage, OutcomeCorrected, OutcomesSettled

SETTLED_TABLE = table_of(
    OutcomesSettled,
    Field("type", TAG),
    Field("card_id", IDENTIFIER),
    Field("impression_id", NESTED),
    Field("row", NESTED),
    Field("slot", NESTED),
    Field("shelf_id", NESTED),
    Field("user_id", NESTED),
    Field("shown_ms", NESTED),
    Field("settled_ms", NESTED),
    Field("played_ms", NESTED),
    Field("stream_count", NESTED),
    Field("propensity", NESTED),
    Field("page", NESTED),
    Field("logged", NESTED),
    Field("user_weights", NESTED),
    Field("generation", NUMBER, required=False, most=COUNT_MAX),
)
CARD_ID, GENERATION = 1, 15
_IMPRESSION_ID, _, _, _SHELF_ID, _USER_ID, _SHOWN_MS, _SETTLED_MS, _PLAYED_MS, _STREAM_COUNT = range(2, 11)
_PROPENSITY, _PAGE, _LOGGED, _WEIGHTS = range(11, 15)
_SETTLED_REQUIRED = (1 << GENERATION) - 1

CORRECTED_TABLE = table_of(
    OutcomeCorrected,
    Field("type", TAG),
    Field("impression_id", IDENTIFIER),
    Field("row", NUMBER, most=COUNT_MAX),
    Field("slot", NUMBER, most=COUNT_MAX),
    Field("user_id", IDENTIFIER),
    Field("card_id", IDENTIFIER),
    Field("stream_event_id", IDENTIFIER),
    Field("shown_ms", NUMBER, most=EVENT_MS_MAX),
    Field("corrected_ms", NUMBER, most=EVENT_MS_MAX),
    Field("previous_ms", NUMBER, most=COUNT_MAX),
    Field("played_ms", NUMBER, most=COUNT_MAX),
    Field("stream_count", NUMBER, most=COUNT_MAX),
    Field("variant", IDENTIFIER, required=False),
    Field("generation", NUMBER, required=False, most=COUNT_MAX),
    Field("user_weights", NESTED, required=False),
)
_C_CARD_ID, _C_SHOWN_MS, _C_CORRECTED_MS, _C_PREVIOUS_MS, _C_PLAYED_MS, _C_STREAM_COUNT = 5, 7, 8, 9, 10, 11
_C_GENERATION, _C_WEIGHTS = 13, 14
_CORRECTED_REQUIRED = (1 << 12) - 1

LOGGED_TABLE = table_of(None, *(Field(name, IDENTIFIER, required=False) for name in LoggedPage.__struct_fields__))


class Places(NamedTuple):
    """Addresses of tables, of room for one record, and of the columns of outcomes from the record's first row on."""

    settled_table: int
    corrected_table: int
    logged_table: int
    fields: int  # int64 [k, 2], where the card and the generation of a record are left
    page_fields: int  # int64 [5, 2]
    spans: int  # int64 [c, 2]
    counts: int  # int64 [c]
    stream_counts: int  # int64 [c]
    late: int
    weights: int  # of all records
    shown_ms: int
    known_ms: int
    played_ms: int
    previous_ms: int
    weight_offsets: int


@fused
def settled(text: int, at: int, trusted: bool, places: Places) -> tuple[int, int]:
    """How many outcomes this record settles, and the position after it and white space."""
    more, expected, found, count, at = True, 0, 0, -1, after(text, at, OBJECT)
    pages = page_end = 0
    put(places.fields, PLACE * GENERATION, 0)
    while more:
        number, at = key(text, at, places.settled_table, expected, found)
        if number in (0, CARD_ID, GENERATION):
            at = flat_value(text, at, places.settled_table, number, trusted, places.fields)
        elif number == _LOGGED:
            pages, at = _logged_pages(text, at, trusted, places)
        elif number == _PAGE:
            length, at = integers(text, at, trusted, places.counts)
            page_end = _end_of(places.counts, length)
        else:
            length, at = _column(text, at, trusted, number, places)
            at = at if count in (-1, length) else LOST
            count = length
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    right = found & _SETTLED_REQUIRED == _SETTLED_REQUIRED and page_end <= pages
    if at == LOST or not right or not (trusted or _is_possible(places, count)):
        return 0, LOST
    for index in range(count):
        put(places.previous_ms, WIDTH * index, 0)
    return count, blank(text, at)


@fused
def _column(text: int, at: int, trusted: bool, number: int, places: Places) -> tuple[int, int]:
    """How long the list is that stands here, and the position after it; what nobody needs goes where room is."""
    if number == _PROPENSITY:
        return propensities(text, at, trusted, places.spans)
    if number == _WEIGHTS:
        return soft_groups(text, at, trusted, places.weights, places.weight_offsets, places.late)
    if number in (_IMPRESSION_ID, _SHELF_ID, _USER_ID):
        return identifiers(text, at, trusted, places.spans)
    to = places.counts
    if number == _SHOWN_MS:
        to = places.shown_ms
    elif number == _SETTLED_MS:
        to = places.known_ms
    elif number == _PLAYED_MS:
        to = places.played_ms
    elif number == _STREAM_COUNT:
        to = places.stream_counts
    return integers(text, at, trusted, to)


@fused
def _end_of(numbers: int, count: int) -> int:
    """One more than the largest of these numbers."""
    end = 0
    for index in range(count):
        end = max(end, number_at(numbers, WIDTH * index) + 1)
    return end


@fused
def _is_possible(places: Places, count: int) -> bool:
    """Whether all were shown before they settled, and played only where there was a stream."""
    for index in range(count):
        shown_ms, settled_ms = number_at(places.shown_ms, WIDTH * index), number_at(places.known_ms, WIDTH * index)
        if shown_ms > settled_ms or settled_ms > EVENT_MS_MAX:
            return False
        if number_at(places.played_ms, WIDTH * index) > 0 and number_at(places.stream_counts, WIDTH * index) == 0:
            return False
    return True


@fused
def _logged_pages(text: int, at: int, trusted: bool, places: Places) -> tuple[int, int]:
    """How many pages are described here, and the position after them."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        at = flat_object(text, at, places.logged_table, trusted, places.page_fields)
        count += 1
        more, at = next_item(text, at, ARRAY_END)
    return count, at


@fused
def corrected(text: int, at: int, trusted: bool, places: Places) -> tuple[int, int]:
    """One, the row of this correction, and the position after it and white space."""
    more, expected, found, fields, at = True, 0, 0, places.fields, after(text, at, OBJECT)
    weights_begin = number_at(places.weight_offsets, 0)
    put(places.weight_offsets, WIDTH, weights_begin)
    put(fields, PLACE * _C_GENERATION, 0)
    while more:
        number, at = key(text, at, places.corrected_table, expected, found)
        if number == _C_WEIGHTS:
            end, at = weights(text, at, trusted, places.weights, weights_begin, places.late)
            put(places.weight_offsets, WIDTH, end)
        else:
            at = flat_value(text, at, places.corrected_table, number, trusted, fields)
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    played_ms, previous_ms = number_at(fields, PLACE * _C_PLAYED_MS), number_at(fields, PLACE * _C_PREVIOUS_MS)
    if found & _CORRECTED_REQUIRED != _CORRECTED_REQUIRED or previous_ms > played_ms:
        return 1, LOST
    put(places.shown_ms, 0, number_at(fields, PLACE * _C_SHOWN_MS))
    put(places.known_ms, 0, number_at(fields, PLACE * _C_CORRECTED_MS))
    put(places.played_ms, 0, played_ms)
    put(places.previous_ms, 0, previous_ms)
    put(fields, PLACE * GENERATION, number_at(fields, PLACE * _C_GENERATION))
    for side in (0, SIDE):
        put(fields, PLACE * CARD_ID + side, number_at(fields, PLACE * _C_CARD_ID + side))
    return 1, (blank(text, at) if number_at(fields, PLACE * _C_STREAM_COUNT) > 0 and at != LOST else LOST)
