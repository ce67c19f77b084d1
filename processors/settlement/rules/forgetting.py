"""Erasure of a listener on request: all state goes at once, without outcomes.

Eviction, in contrast, settles open exposures first, and would thereby write the listener's name again.
"""

from processors.arrays import IntArray, Offset, Place
from processors.compiled import borrowing
from processors.settlement.book.book import COUNTERS, Book
from processors.settlement.book.event_places import drop_impression, drop_stream
from processors.settlement.book.layout import NONE
from processors.settlement.book.listener_places import drop_listener, find_listener

_EXPOSURES_FORGOTTEN = COUNTERS.index("exposures_forgotten")
_LISTENERS_FORGOTTEN = COUNTERS.index("listeners_forgotten")
_STREAMS_FORGOTTEN = COUNTERS.index("streams_forgotten")


@borrowing
def forget(book: Book, data: IntArray, start: Offset, end: Offset) -> None:
    """Erase the listener with this name, if known; open exposures and pending streams are counted."""
    place, counters = find_listener(book, data, start, end), book.counters
    if place == NONE:
        return
    listener = book.listeners[place]
    while listener["impression"] != NONE:
        impression = book.impressions[listener["impression"]]
        if not impression["is_settled"]:
            counters[_EXPOSURES_FORGOTTEN] += impression["count"]
        drop_impression(book, Place(listener["impression"]))
    first = Place(listener["plays"])
    for at in range(first, first + listener["plays_count"]):
        stream = Place(book.plays[at]["stream"])
        counters[_STREAMS_FORGOTTEN] += book.streams[stream]["is_pending"]
        drop_stream(book, stream)
    drop_listener(book, place)
    counters[_LISTENERS_FORGOTTEN] += 1
