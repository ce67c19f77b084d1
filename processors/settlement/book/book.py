"""The book of one partition: listeners, their impressions and streams as records of arrays, and their text.

Theory of operation. Every event is stored as records of these arrays. Strings are spans of bytes in `text`, in the form
between the quotes of canonical JSON, so strings are equal exactly if their bytes are. Text is append-only; once half of
it is dead, the live half is copied (`compaction`). This happens between transactions, so spans remain valid within one.
Free places in `listeners`, `impressions` and `streams` are reused; a reference holds the `serial` of the record it
means, and is stale if the place now has another. Links are places too, -1 at the end of a list. Arrays grow in Python
(`with_room`), before compiled code fills them.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray, Offset
from processors.compiled import by_reference, inlined
from processors.settlement.book.growing import grown
from processors.settlement.book.layout import (
    APPOINTMENT,
    EXPOSURE,
    GONE,
    HASH_AHEAD,
    IMPRESSION,
    LISTENER,
    NONE,
    PLAY_KEPT,
    PLAYS_ROOM_MIN,
    STREAM,
    TOTALS,
    Records,
)
from processors.settlement.book.names import Names, names_with_room, new_names
from processors.wire.hash_index import new_index, with_entries
from processors.wire.loads import address_of, copy_words

IMPRESSIONS, STREAM_ENDS, FOLLOWED = 0, 1, 2
"""Rows of `clocks`. The first two are the sources, also as indices into what else is kept for each; the last is of
partitions that events still come from, see `watermark.follow`."""
COUNTERS = (
    "exposures_evicted",
    "exposures_forgotten",
    "impressions_ahead",
    "impressions_duplicate",
    "impressions_late",
    "impressions_too_late",
    "listeners_evicted",
    "listeners_forgotten",
    "listeners_oversized",
    "outcomes_corrected",
    "outcomes_settled",
    "streams_ahead",
    "streams_attributed",
    "streams_duplicate",
    "streams_forgotten",
    "streams_late",
    "streams_organic",
    "streams_playing",
    "streams_too_late",
    "streams_unmatched",
)


@by_reference
class Book(NamedTuple):
    """The state of settlement for one partition."""

    totals: Records  # TOTALS, one record
    counters: IntArray  # in the order of COUNTERS
    clocks: IntArray  # [3, 3]: newest event time, time without an event, idle (0 or 1); 2 sources and FOLLOWED
    text: IntArray  # uint8
    listeners: Records
    impressions: Records
    exposures: Records  # those of an impression are adjacent
    streams: Records
    plays: Records  # PLAY_KEPT, those of a listener are adjacent
    agenda: Records  # APPOINTMENT, a heap
    listener_index: IntArray  # see `hash_index`
    impression_index: IntArray
    stream_index: IntArray
    cards: Names
    changed: IntArray  # listeners whose rows must be written
    waiting: IntArray  # listeners who need a new page
    opened: IntArray  # [n, 2]: impressions whose rows must be written, and their serials
    gone: Records


def new_book() -> Book:
    """An empty book."""
    totals = np.zeros(1, dtype=TOTALS)
    totals["plays_most"] = PLAYS_ROOM_MIN
    totals["watermark_ms"] = totals["settled_until_ms"] = -1
    for place in ("listeners_free", "impressions_free", "streams_free", "least_recent", "most_recent", "leaving"):
        totals[place] = NONE
    clocks = np.zeros((3, 3), dtype=np.int64)
    clocks[:, 0] = -1
    clocks[FOLLOWED, 2] = 1
    return Book(
        totals=totals,
        counters=np.zeros(len(COUNTERS), dtype=np.int64),
        clocks=clocks,
        text=np.zeros(4_096, dtype=np.uint8),
        listeners=np.zeros(16, dtype=LISTENER),
        impressions=np.zeros(16, dtype=IMPRESSION),
        exposures=np.zeros(64, dtype=EXPOSURE),
        streams=np.zeros(16, dtype=STREAM),
        plays=np.zeros(64, dtype=PLAY_KEPT),
        agenda=np.zeros(64, dtype=APPOINTMENT),
        listener_index=new_index(),
        impression_index=new_index(),
        stream_index=new_index(),
        cards=new_names(),
        changed=np.zeros(16, dtype=np.int32),
        waiting=np.zeros(16, dtype=np.int32),
        opened=np.zeros((16, 2), dtype=np.int32),
        gone=np.zeros(16, dtype=GONE),
    )


def with_room(
    book: Book,
    *,
    listeners: int = 0,
    impressions: int = 0,
    exposures: int = 0,
    streams: int = 0,
    plays: int = 0,
    text: int = 0,
) -> Book:
    """The same book with room for additional records and bytes of text, and for all that depends on them."""
    totals = book.totals[0]
    leaving = int(totals["impressions"]) + impressions
    events = impressions + streams
    return book._replace(
        text=grown(book.text, totals["text_used"] + text + HASH_AHEAD),
        listeners=grown(book.listeners, totals["listeners_top"] + listeners),
        impressions=grown(book.impressions, totals["impressions_top"] + impressions),
        exposures=grown(book.exposures, totals["exposures_used"] + exposures),
        streams=grown(book.streams, totals["streams_top"] + streams),
        plays=grown(book.plays, totals["plays_used"] + plays),
        agenda=grown(book.agenda, totals["agenda"] + 2 * impressions + streams),
        listener_index=with_entries(book.listener_index, totals["listeners"] + listeners),
        impression_index=with_entries(book.impression_index, totals["impressions"] + impressions),
        stream_index=with_entries(book.stream_index, totals["streams"] + streams),
        cards=names_with_room(book.cards, exposures + streams, text),
        changed=grown(book.changed, totals["changed"] + totals["listeners"] + events),
        waiting=grown(book.waiting, totals["waiting"] + events + listeners),
        opened=grown(book.opened, totals["opened"] + leaving),
        gone=grown(book.gone, totals["gone"] + leaving + totals["listeners"] + listeners),
    )


@inlined
def keep_text(book: Book, data: IntArray, start: Offset, end: Offset) -> Offset:
    """Append a span of `data` to the text, copied by words; returns where it begins there."""
    totals = book.totals[0]
    first = totals["text_used"]
    totals["text_used"] = copy_words(address_of(book.text), first, address_of(data), start, end)
    return Offset(first)
