"""Erasure of a listener on request: all state goes at once, without outcomes.

Eviction, in contrast, settles open exposures first, and would thereby write the listener's name again.
"""

import numpy as np

from processors.arrays import Index, IntArray
from processors.compiled import borrowing
from processors.settlement.book import COUNTERS, Book
from processors.settlement.event_places import drop_impression, drop_stream
from processors.settlement.layout import NONE
from processors.settlement.listener_places import drop_listener, find_listener

_EXPOSURES_FORGOTTEN = COUNTERS.index("exposures_forgotten")
_LISTENERS_FORGOTTEN = COUNTERS.index("listeners_forgotten")
_STREAMS_FORGOTTEN = COUNTERS.index("streams_forgotten")


@borrowing
def forget(book: Book, data: IntArray, start: Index, end: Index) -> None:
    """Erase the listener with this name, if known; open exposures and pending streams are counted."""
    place, counters = np.int64(find_listener(book, data, start, end)), book.counters
    if place == NONE:
        return
    listener = book.listeners[place]
    while listener["impression"] != NONE:
        impression = book.impressions[listener["impression"]]
        if not impression["is_settled"]:
            counters[_EXPOSURES_FORGOTTEN] += impression["count"]
        drop_impression(book, np.int64(listener["impression"]))
    first = np.int64(listener["plays"])
    for at in range(first, first + listener["plays_count"]):
        stream = np.int64(book.plays[at]["stream"])
        counters[_STREAMS_FORGOTTEN] += book.streams[stream]["is_pending"]
        drop_stream(book, stream)
    drop_listener(book, place)
    counters[_LISTENERS_FORGOTTEN] += 1
