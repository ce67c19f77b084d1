"""Settled exposures as records of outcomes by card, from columns straight to bytes, compiled.

A record holds what one transaction settled of a card, or a part of it: at most `OUTCOMES_MAX`, and fewer where names
are so long that it would come near what a broker takes.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing, compiled
from processors.settlement.book import Book
from processors.settlement.due import Due
from processors.settlement.layout import NONE
from processors.settlement.names import Names, names_with_room, new_names, number_of
from processors.settlement.page import (
    LOGGED_COUNT,
    LOGGED_MIN,
    SHELF_AT,
    SLOT_AT,
    exposures_at,
    logged_at,
    logged_count,
    propensity_of,
)
from processors.settlement.page_parts import (
    IMPRESSION_ID,
    SETTLED_MS,
    SHOWN_MS,
    USER_ID,
    USER_WEIGHTS,
    PageParts,
    page_parts,
    put_part,
)
from processors.wire.batch import end_to_end
from processors.wire.binary import get_int, text_end
from processors.wire.impressions import LOGGED
from processors.wire.json_writer import marks, put_comma, put_mark, put_span, put_string, put_whole
from processors.wire.name_index import json_of
from schemas.outcomes import LoggedPage

OUTCOMES_MAX = 1_000
RECORD_BYTES_MAX = 500_000
_NUMBERS_BYTES, _WEIGHT_BYTES, _RECORD_BYTES = 128, 10, 512

(
    _TYPE, _IMPRESSION_ID, _ROW, _SLOT, _SHELF_ID, _USER_ID, _SHOWN_MS, _SETTLED_MS, _PLAYED_MS, _STREAM_COUNT,
    _PROPENSITY, _PAGE, _LOGGED, _USER_WEIGHTS, _GENERATION, _END,
) = marks(
    b'{"type":"outcomes-settled.v1","card_id":', b',"impression_id":[', b'],"row":[', b'],"slot":[', b'],"shelf_id":[',
    b'],"user_id":[', b'],"shown_ms":[', b'],"settled_ms":[', b'],"played_ms":[', b'],"stream_count":[',
    b'],"propensity":[', b'],"page":[', b'],"logged":[', b'],"user_weights":[', b'],"generation":', b"}",
)  # fmt: skip
_LOGGED_KEYS = [b'%s"%s":' % (b"," if number else b"{", name.encode()) for number, name in enumerate(LOGGED)]
_LOGGED_DEFAULTS = [json_of(default) for default in LoggedPage.__struct_defaults__]
_LOGGED_TEXT, _LOGGED_SPANS = end_to_end([*_LOGGED_KEYS, *_LOGGED_DEFAULTS])
"""What stands before each field, and then what stands for each where the page has none."""

_LOGGED_BYTES = 15 + len(b"".join((*_LOGGED_KEYS, *_LOGGED_DEFAULTS[LOGGED_MIN:]))) + 2 * LOGGED_COUNT
(_LOGGED_END,) = marks(b"}")


class Exposures(NamedTuple):
    """All x due exposures, each with its page, and of them the order in which they are written: card by card."""

    order: IntArray  # [x]
    page: IntArray  # [x], place among the due pages
    at: IntArray  # [x], where it stands in the book's text
    size: IntArray  # [x]: bytes that the exposure takes in a record, at most


class Logged(NamedTuple):
    """What was logged with each of the due pages: which of the distinct ones, by the page where it was first seen."""

    number: IntArray  # [p]
    first: IntArray  # [n], where that page begins in the book's text


class Records(NamedTuple):
    """r records: record i is `data[ends[i - 1]:ends[i]]`, of card `card[i]`."""

    data: IntArray
    ends: IntArray
    card: IntArray


def outcome_records(book: Book, due: Due, weights: FloatArray, generation: int) -> Records:
    """Records of all due exposures; `weights` [p, G] are the soft groups of the due pages' listeners.

    Cards come in the order of their numbers, and outcomes of a card in the order in which they became due.
    """
    logged = _logged(book, due)
    exposures = spread(book, due, weights.shape[1])
    card = np.ascontiguousarray(due.exposures["card"])  # of few a column is contiguous as it is: one type for all
    order, parts = sorted_parts(card, exposures.size, int(book.cards.counts[0]))
    exposures = exposures._replace(order=order)
    room = int(exposures.size.sum()) + len(parts) * _room_of_record(book)
    data, ends = np.empty(room, dtype=np.uint8), np.zeros(len(parts), dtype=np.int64)
    write_records(book, due, exposures, logged, page_parts(book, due, weights), generation, parts, data, ends)
    return Records(data, ends, card[order[parts[:, 0]]] if len(parts) else ends)


def _room_of_record(book: Book) -> int:
    count = int(book.cards.counts[0])
    rows = book.cards.rows[:count]
    return _RECORD_BYTES + int((rows["end"] - rows["start"]).max(initial=0))


def _logged(book: Book, due: Due) -> Logged:
    number, first = np.zeros(len(due.pages), dtype=np.int64), np.zeros(len(due.pages), dtype=np.int64)
    spans = spans_of_logged(book, due)
    names = names_with_room(new_names(), len(spans), int((spans[:, 1] - spans[:, 0]).sum()))
    number_logged(book, due, spans, names, number, first)
    return Logged(number, first[: int(names.counts[0])])


@compiled
def spans_of_logged(book: Book, due: Due) -> IntArray:
    """Where what was logged with each due page stands in the book's text [p, 2]."""
    spans = np.empty((len(due.pages), 2), dtype=np.int64)
    for number in range(len(due.pages)):
        page = due.pages[number]["page"]
        spans[number, 0], spans[number, 1] = logged_at(book.text, page), exposures_at(book.text, page)
    return spans


@borrowing
def number_logged(book: Book, due: Due, spans: IntArray, names: Names, number: IntArray, first: IntArray) -> None:
    """Number what was logged with each due page; `first` gets the page where each was first seen."""
    for place in range(len(spans)):
        before = names.counts[0]
        number[place] = number_of(names, book.text, spans[place, 0], spans[place, 1])
        if number[place] == before:
            first[before] = due.pages[place]["page"]


@compiled
def spread(book: Book, due: Due, groups: Index) -> Exposures:
    """What the pages say of each due exposure; in no order yet."""
    count, text = len(due.exposures), book.text
    exposures = Exposures(
        np.empty(0, dtype=np.int64),
        np.empty(count, dtype=np.int64),
        np.empty(count, dtype=np.int64),
        np.empty(count, dtype=np.int64),
    )
    for number in range(len(due.pages)):
        page = due.pages[number]
        at = exposures_at(text, page["page"])
        # texts of the page by their longest possible: its id and what was logged with it
        common = at - page["page"] + page["user_end"] - page["user"]
        common += _NUMBERS_BYTES + _LOGGED_BYTES + _WEIGHT_BYTES * groups
        for place in range(page["exposures"], page["exposures"] + page["count"]):
            exposures.page[place], exposures.at[place] = number, at
            propensity_at = propensity_of(text, at)
            end = text_end(text, propensity_at)
            exposures.size[place] = common + get_int(text, at + SHELF_AT, 2) + end - propensity_at - 2
            at = end
    return exposures


@compiled
def sorted_parts(card: IntArray, size: IntArray, cards: Index) -> tuple[IntArray, IntArray]:
    """Order [x] that puts exposures card by card, and parts [r, 2] of it that make one record each."""
    starts = np.zeros(cards + 1, dtype=np.int64)
    for place in range(len(card)):
        starts[card[place] + 1] += 1
    for number in range(cards):
        starts[number + 1] += starts[number]
    order = np.empty(len(card), dtype=np.int64)
    for place in range(len(card)):
        order[starts[card[place]]] = place
        starts[card[place]] += 1
    parts = np.empty((len(card), 2), dtype=np.int64)
    count, first, used = 0, 0, np.int64(0)
    for at in range(len(order)):
        is_full = at - first == OUTCOMES_MAX or used + size[order[at]] > RECORD_BYTES_MAX
        if at > first and (is_full or card[order[at]] != card[order[first]]):
            parts[count, 0], parts[count, 1] = first, at
            count, first, used = count + 1, at, np.int64(0)
        used += size[order[at]]
    if len(order):
        parts[count, 0], parts[count, 1] = first, len(order)
        count += 1
    return order, parts[:count]


@compiled
def write_records(
    book: Book,
    due: Due,
    exposures: Exposures,
    logged: Logged,
    shared: PageParts,
    generation: Index,
    parts: IntArray,
    out: IntArray,
    ends: IntArray,
) -> None:
    """Write one record for each part; `ends` say where each ends."""
    at: Index = np.int64(0)
    within = np.full(len(logged.first), NONE, dtype=np.int64)
    for part in range(len(parts)):
        chosen = exposures.order[parts[part, 0] : parts[part, 1]]
        card = book.cards.rows[due.exposures[chosen[0]]["card"]]
        at = put_mark(out, at, _TYPE)
        at = put_string(out, at, book.cards.text, card["start"], card["end"])
        at = _put_exposures(book, due, exposures, shared, chosen, out, at)
        at = _put_logged(book, exposures, logged, chosen, within, out, at)
        at = put_mark(out, at, _USER_WEIGHTS)
        at = put_part(shared, USER_WEIGHTS, exposures.page, chosen, out, at)
        at = put_mark(out, at, _GENERATION)
        at = put_whole(out, at, generation)
        at = put_mark(out, at, _END)
        ends[part] = at


@borrowing
def _put_exposures(
    book: Book, due: Due, exposures: Exposures, shared: PageParts, chosen: IntArray, out: IntArray, at: Index
) -> int:
    text, page = book.text, exposures.page
    at = put_part(shared, IMPRESSION_ID, page, chosen, out, put_mark(out, at, _IMPRESSION_ID))
    at = put_mark(out, at, _ROW)
    for place in range(len(chosen)):
        at = put_whole(out, put_comma(out, at, place == 0), get_int(text, exposures.at[chosen[place]], 4))
    at = put_mark(out, at, _SLOT)
    for place in range(len(chosen)):
        at = put_whole(out, put_comma(out, at, place == 0), get_int(text, exposures.at[chosen[place]] + SLOT_AT, 4))
    at = put_mark(out, at, _SHELF_ID)
    for place in range(len(chosen)):
        shelf = exposures.at[chosen[place]] + SHELF_AT
        at = put_string(out, put_comma(out, at, place == 0), text, shelf + 2, text_end(text, shelf))
    at = put_part(shared, USER_ID, page, chosen, out, put_mark(out, at, _USER_ID))
    at = put_part(shared, SHOWN_MS, page, chosen, out, put_mark(out, at, _SHOWN_MS))
    at = put_part(shared, SETTLED_MS, page, chosen, out, put_mark(out, at, _SETTLED_MS))
    at = put_mark(out, at, _PLAYED_MS)
    for place in range(len(chosen)):
        at = put_whole(out, put_comma(out, at, place == 0), due.exposures[chosen[place]]["played_ms"])
    at = put_mark(out, at, _STREAM_COUNT)
    for place in range(len(chosen)):
        at = put_whole(out, put_comma(out, at, place == 0), np.int64(due.exposures[chosen[place]]["streams"]))
    at = put_mark(out, at, _PROPENSITY)
    for place in range(len(chosen)):
        first = propensity_of(text, exposures.at[chosen[place]])
        at = put_span(out, put_comma(out, at, place == 0), text, first + 2, text_end(text, first))
    return int(at)


@compiled
def _put_logged(
    book: Book, exposures: Exposures, logged: Logged, chosen: IntArray, within: IntArray, out: IntArray, at: Index
) -> int:
    """Number what was logged as the record counts it, and write each once; `within` is scratch, and left as it was."""
    found, used = np.empty(len(chosen), dtype=np.int64), 0
    at = put_mark(out, at, _PAGE)
    for place in range(len(chosen)):
        number = logged.number[exposures.page[chosen[place]]]
        if within[number] == NONE:
            within[number] = used
            found[used] = number
            used += 1
        at = put_whole(out, put_comma(out, at, place == 0), within[number])
    at = put_mark(out, at, _LOGGED)
    for place in range(used):
        within[found[place]] = NONE
        at = _put_one_logged(book, logged.first[found[place]], out, put_comma(out, at, place == 0))
    return int(at)


@borrowing
def _put_one_logged(book: Book, page: Index, out: IntArray, at: Index) -> int:
    place, kept = logged_at(book.text, page), logged_count(book.text, page)
    for field in range(LOGGED_COUNT):
        at = put_span(out, at, _LOGGED_TEXT, _LOGGED_SPANS[field, 0], _LOGGED_SPANS[field, 1])
        if field < kept:
            end = text_end(book.text, place)
            at = put_string(out, at, book.text, place + 2, end)
            place = end
        else:
            default = LOGGED_COUNT + field
            at = put_string(out, at, _LOGGED_TEXT, _LOGGED_SPANS[default, 0], _LOGGED_SPANS[default, 1])
    return put_mark(out, at, _LOGGED_END)
