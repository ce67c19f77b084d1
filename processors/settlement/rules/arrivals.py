"""Handles arriving events: counts them, recognises duplicates, stores the rest and schedules them on the agenda."""

import numpy as np

from processors.arrays import Index, IntArray, Place
from processors.compiled import borrowing
from processors.settlement.book.agenda import ATTRIBUTE, FORGET, SETTLE, appoint
from processors.settlement.book.book import COUNTERS, IMPRESSIONS, STREAM_ENDS, Book
from processors.settlement.book.event_places import find_impression, find_stream, new_impression, new_stream, owned_hash
from processors.settlement.book.layout import NO_TEXT, NONE
from processors.settlement.book.listener_places import accept, touch
from processors.settlement.book.names import number_of
from processors.settlement.book.page import write_page
from processors.settlement.book.plays import is_play_room, new_play
from processors.settlement.book.stream_text import write_stream
from processors.settlement.rules.limits import Limits
from processors.settlement.rules.watermark import observe
from processors.wire.impressions import ImpressionColumns
from processors.wire.stream_ends import StreamEndColumns

_IMPRESSIONS_AHEAD = COUNTERS.index("impressions_ahead")
_IMPRESSIONS_TOO_LATE = COUNTERS.index("impressions_too_late")
_IMPRESSIONS_DUPLICATE = COUNTERS.index("impressions_duplicate")
_IMPRESSIONS_LATE = COUNTERS.index("impressions_late")
_STREAMS_AHEAD = COUNTERS.index("streams_ahead")
_STREAMS_TOO_LATE = COUNTERS.index("streams_too_late")
_STREAMS_DUPLICATE = COUNTERS.index("streams_duplicate")
_STREAMS_LATE = COUNTERS.index("streams_late")


@borrowing
def take_impressions(
    book: Book, columns: ImpressionColumns, offsets: IntArray, clock_ms: IntArray, limits: Limits, groups: Index
) -> None:
    """Add impressions; `offsets` are the offsets of the records, `clock_ms` the times of a trusted clock.

    `groups` is the number of weights in the soft group of each.

    An event that is ahead of that clock advances event time only up to it.
    """
    totals, counters, data = book.totals[0], book.counters, columns.data
    for number in range(len(columns.event_ms)):
        event_ms = columns.event_ms[number]
        record = columns.record[number]
        counters[_IMPRESSIONS_AHEAD] += event_ms > clock_ms[record]
        observe(book, IMPRESSIONS, min(event_ms, clock_ms[record]), limits.lateness_ms)
        listener = touch(book, data, columns.user_id[number, 0], columns.user_id[number, 1])
        start, end = columns.event_id[number, 0], columns.event_id[number, 1]
        key = owned_hash(data, start, end, listener)
        if event_ms < totals["watermark_ms"] - limits.correction_ms:
            counters[_IMPRESSIONS_TOO_LATE] += 1
        elif find_impression(book, listener, key, data, start, end) != NONE:
            counters[_IMPRESSIONS_DUPLICATE] += 1
        else:
            accept(book, listener, IMPRESSIONS, offsets[record], event_ms)
            counters[_IMPRESSIONS_LATE] += event_ms < totals["watermark_ms"]
            _open(book, columns, number, listener, key, limits, groups)


@borrowing
def _open(
    book: Book,
    columns: ImpressionColumns,
    number: Index,
    listener: Place,
    key: np.uint64,
    limits: Limits,
    groups: Index,
) -> None:
    totals = book.totals[0]
    first, last = columns.offsets[number], columns.offsets[number + 1]
    start = totals["text_used"]
    end = write_page(columns, number, groups, book.text, start)
    totals["text_used"] = end
    place = new_impression(book, listener, key, start, end, last - first)
    impression = book.impressions[place]
    impression["shown_ms"] = columns.event_ms[number]
    for exposure in range(first, last):
        kept = book.exposures[impression["exposures"] + exposure - first]
        kept["played_ms"], kept["streams"], kept["credit"] = 0, 0, NO_TEXT
        kept["card"] = number_of(book.cards, columns.data, columns.card_id[exposure, 0], columns.card_id[exposure, 1])
    book.opened[totals["opened"], 0] = place
    book.opened[totals["opened"], 1] = impression["serial"]
    totals["opened"] += 1
    schedule(book, place, limits)


@borrowing
def schedule(book: Book, place: Place, limits: Limits) -> None:
    """Schedule an impression: to settle, unless it has settled, and to be dropped.

    An impression that arrives late, among others that have settled under an earlier and shorter horizon, settles at
    once.
    """
    totals, impression = book.totals[0], book.impressions[place]
    shown_ms, serial = impression["shown_ms"], impression["serial"]
    if not impression["is_settled"]:
        settles_ms = shown_ms + limits.horizon_ms
        if shown_ms <= totals["settled_until_ms"]:
            settles_ms = min(settles_ms, totals["watermark_ms"])
        appoint(book, settles_ms, SETTLE, place, serial)
    appoint(book, shown_ms + limits.correction_ms, FORGET, place, serial)


@borrowing
def take_stream_ends(
    book: Book, columns: StreamEndColumns, offsets: IntArray, clock_ms: IntArray, limits: Limits, first: Index
) -> int:
    """Add stream-ends from `first` on; `offsets` and `clock_ms` are as for impressions.

    Returns how many have been added: fewer than given if `book.plays` must grow first.
    """
    totals, counters, data = book.totals[0], book.counters, columns.data
    for number in range(first, len(columns.event_ms)):
        if not is_play_room(book):
            return int(number)
        event_ms = columns.event_ms[number]
        record = columns.record[number]
        counters[_STREAMS_AHEAD] += event_ms > clock_ms[record]
        observe(book, STREAM_ENDS, min(event_ms, clock_ms[record]), limits.lateness_ms)
        listener = touch(book, data, columns.user_id[number, 0], columns.user_id[number, 1])
        start, end = columns.event_id[number, 0], columns.event_id[number, 1]
        key = owned_hash(data, start, end, listener)
        if event_ms < totals["watermark_ms"] - limits.correction_ms:
            counters[_STREAMS_TOO_LATE] += 1
        elif find_stream(book, listener, key, data, start, end) != NONE:
            counters[_STREAMS_DUPLICATE] += 1
        else:
            counters[_STREAMS_LATE] += event_ms < totals["watermark_ms"]
            accept(book, listener, STREAM_ENDS, offsets[record], event_ms)
            _keep(book, columns, number, listener, key)
    return len(columns.event_ms)


@borrowing
def _group_anew(book: Book, listener: Place, event_ms: Index) -> None:
    """A stream has ended that some of the listener's pages were shown after: their soft groups are to know of it.

    Each of them is written once more; those that have settled stay as they are.
    """
    totals, place = book.totals[0], Place(book.listeners[listener]["impression"])
    while place != NONE:
        impression = book.impressions[place]
        if impression["is_grouped"] and not impression["is_settled"] and impression["shown_ms"] >= event_ms:
            impression["is_grouped"] = False
            book.opened[totals["opened"], 0], book.opened[totals["opened"], 1] = place, impression["serial"]
            totals["opened"] += 1
        place = Place(impression["next"])


@borrowing
def _keep(book: Book, columns: StreamEndColumns, number: Index, listener: Place, key: np.uint64) -> None:
    totals, card_id = book.totals[0], columns.card_id[number]
    start = totals["text_used"]
    end = write_stream(columns, number, book.text, start)
    totals["text_used"] = end
    card = number_of(book.cards, columns.data, card_id[0], card_id[1])
    if columns.stream_id[number, 0] == NONE:
        _group_anew(book, listener, columns.event_ms[number])
    place = new_stream(book, listener, key, start, end, card)
    new_play(book, listener, place)
    appoint(book, columns.event_ms[number], ATTRIBUTE, place, book.streams[place]["serial"])
