"""The book of one partition: listeners, their impressions and streams as rows of arrays, and the bytes of their names.

Theory of operation. Everything that is kept of an event is a record in one of these arrays, and text is a span of
bytes in `text`, as it stands between the quotes of canonical JSON: equal bytes are equal strings. Text is only ever
appended; once half of it belongs to nobody, it is copied together (`compaction`), which happens between transactions,
so that spans stay good within one. Places in `listeners`, `impressions` and `streams` are used again after their
owner has gone; `serial` tells whether whoever remembers a place still means who is there now. Links are places too,
-1 where a list ends. Arrays grow in Python (`room`), before compiled code fills them.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.cocluster.arrays import Index, IntArray
from processors.compiled import compiled, inlined
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of
from processors.wire.name_index import name_of

Records = NDArray[np.void]
NONE = -1
HASH_AHEAD = 8
"""So many bytes after a text may be read when it is hashed."""

IMPRESSIONS, STREAM_ENDS = 0, 1
"""The two sources, as places in what is kept of each."""

COUNTERS = (
    "exposures_evicted",
    "impressions_duplicate",
    "impressions_late",
    "impressions_too_late",
    "listeners_evicted",
    "outcomes_corrected",
    "outcomes_settled",
    "streams_attributed",
    "streams_duplicate",
    "streams_late",
    "streams_organic",
    "streams_too_late",
    "streams_unmatched",
)

_SPAN = (("start", np.int64), ("end", np.int64))
LISTENER = np.dtype(
    [
        *_SPAN,
        ("hash", np.uint64),
        ("touch", np.int64),
        ("event_count", np.int64),
        ("newest_ms", np.int64),
        ("impressions_offset", np.int64),
        ("stream_ends_offset", np.int64),
        ("stream", np.int32),  # the newest of its streams
        ("impression", np.int32),  # the one that came last
        ("earlier", np.int32),  # who was touched before
        ("later", np.int32),
        ("next", np.int32),  # of the free places
        ("is_changed", np.bool_),
        ("awaits_page", np.bool_),
        ("has_row", np.bool_),
    ],
    align=True,
)
IMPRESSION = np.dtype(
    [
        *_SPAN,  # of the whole record: see `page`
        ("hash", np.uint64),
        ("shown_ms", np.int64),
        ("exposures", np.int64),  # place of the first
        ("count", np.int32),
        ("listener", np.int32),
        ("next", np.int32),
        ("previous", np.int32),
        ("serial", np.int32),
        ("is_settled", np.bool_),
        ("has_row", np.bool_),
    ],
    align=True,
)
EXPOSURE = np.dtype([("played_ms", np.int64), ("streams", np.int32), ("card", np.int32)], align=True)
STREAM = np.dtype(
    [
        *_SPAN,  # of its id
        ("hash", np.uint64),
        ("named", np.int64),  # the impression that it names, while it is pending; -1 where it names none
        ("named_end", np.int64),
        ("started_ms", np.int64),
        ("event_ms", np.int64),
        ("played_ms", np.int64),
        ("card", np.int32),
        ("listener", np.int32),
        ("next", np.int32),  # the one of the same listener that ended before
        ("serial", np.int32),
        ("is_pending", np.bool_),
    ],
    align=True,
)
APPOINTMENT = np.dtype(
    [("event_ms", np.int64), ("tie", np.uint64), ("place", np.int32), ("serial", np.int32)], align=True
)
NAME = np.dtype([*_SPAN, ("hash", np.uint64)], align=True)
GONE = np.dtype([("start", np.int64), ("end", np.int64), ("page", np.int64)], align=True)
"""Rows to be deleted: of a listener (page -1), or of one of its impressions."""

TOTALS = np.dtype(
    [
        ("watermark_ms", np.int64),
        ("touches", np.int64),
        ("exposures_open", np.int64),
        ("text_used", np.int64),
        ("text_dead", np.int64),
        ("exposures_used", np.int64),
        ("exposures_dead", np.int64),
        ("listeners", np.int64),  # how many there are
        ("impressions", np.int64),
        ("streams", np.int64),
        ("listeners_top", np.int64),  # places from here on have never been used
        ("impressions_top", np.int64),
        ("streams_top", np.int64),
        ("listeners_free", np.int32),  # the first place that is free again
        ("impressions_free", np.int32),
        ("streams_free", np.int32),
        ("least_recent", np.int32),
        ("most_recent", np.int32),
        ("leaving", np.int32),  # who is being evicted
        ("agenda", np.int64),
        ("changed", np.int64),
        ("waiting", np.int64),
        ("opened", np.int64),
        ("gone", np.int64),
    ],
    align=True,
)


class Names(NamedTuple):
    """Names to numbers, in the order in which they were met; never forgotten one by one."""

    counts: IntArray  # [2]: how many names there are, and bytes of them
    rows: Records  # NAME
    places: IntArray  # int32, open addressing by hash; at most half full
    text: IntArray  # uint8


class Book(NamedTuple):
    """All that settlement knows of one partition."""

    totals: Records  # TOTALS, a single one
    counters: IntArray  # in the order of COUNTERS
    clocks: IntArray  # [2 sources, 3]: newest event, silent for so long, idle (0 or 1)
    text: IntArray  # uint8
    listeners: Records
    impressions: Records
    exposures: Records  # those of an impression side by side
    streams: Records
    agenda: Records  # APPOINTMENT, a heap
    listener_index: IntArray  # int32, open addressing by hash
    impression_index: IntArray
    stream_index: IntArray
    cards: Names
    changed: IntArray  # listeners whose rows are to be written
    waiting: IntArray  # listeners who await a page
    opened: IntArray  # [n, 2]: impressions without a row yet, and their serials
    gone: Records


def new_book() -> Book:
    """A book without anything in it."""
    totals = np.zeros(1, dtype=TOTALS)
    totals["watermark_ms"] = -1
    for place in ("listeners_free", "impressions_free", "streams_free", "least_recent", "most_recent", "leaving"):
        totals[place] = NONE
    clocks = np.zeros((2, 3), dtype=np.int64)
    clocks[:, 0] = -1
    return Book(
        totals=totals,
        counters=np.zeros(len(COUNTERS), dtype=np.int64),
        clocks=clocks,
        text=np.zeros(4_096, dtype=np.uint8),
        listeners=np.zeros(16, dtype=LISTENER),
        impressions=np.zeros(16, dtype=IMPRESSION),
        exposures=np.zeros(64, dtype=EXPOSURE),
        streams=np.zeros(16, dtype=STREAM),
        agenda=np.zeros(64, dtype=APPOINTMENT),
        listener_index=np.full(32, NONE, dtype=np.int32),
        impression_index=np.full(32, NONE, dtype=np.int32),
        stream_index=np.full(32, NONE, dtype=np.int32),
        cards=new_names(),
        changed=np.zeros(16, dtype=np.int32),
        waiting=np.zeros(16, dtype=np.int32),
        opened=np.zeros((16, 2), dtype=np.int32),
        gone=np.zeros(16, dtype=GONE),
    )


def new_names() -> Names:
    """No names."""
    counts = np.zeros(2, dtype=np.int64)
    return Names(counts, np.zeros(16, dtype=NAME), np.full(32, NONE, dtype=np.int32), np.zeros(256, dtype=np.uint8))


def with_room(
    book: Book, *, listeners: int = 0, impressions: int = 0, exposures: int = 0, streams: int = 0, text: int = 0
) -> Book:
    """The same book with room for so many more of each, and for what follows from them."""
    totals = book.totals[0]
    leaving = int(totals["impressions"]) + impressions
    events = impressions + streams
    return book._replace(
        text=grown(book.text, totals["text_used"] + text + HASH_AHEAD),
        listeners=grown(book.listeners, totals["listeners_top"] + listeners),
        impressions=grown(book.impressions, totals["impressions_top"] + impressions),
        exposures=grown(book.exposures, totals["exposures_used"] + exposures),
        streams=grown(book.streams, totals["streams_top"] + streams),
        agenda=grown(book.agenda, totals["agenda"] + 2 * impressions + streams),
        listener_index=_index_grown(book.listener_index, book.listeners, totals["listeners"] + listeners),
        impression_index=_index_grown(book.impression_index, book.impressions, totals["impressions"] + impressions),
        stream_index=_index_grown(book.stream_index, book.streams, totals["streams"] + streams),
        cards=names_with_room(book.cards, exposures + streams, text),
        changed=grown(book.changed, totals["changed"] + totals["listeners"] + events),
        waiting=grown(book.waiting, totals["waiting"] + events + listeners),
        opened=grown(book.opened, totals["opened"] + impressions),
        gone=grown(book.gone, totals["gone"] + leaving + totals["listeners"] + listeners),
    )


def names_with_room(names: Names, more: int, text: int) -> Names:
    """The same names with room for so many more, of so many bytes together."""
    count, used = names.counts.tolist()
    return Names(
        counts=names.counts,
        rows=grown(names.rows, count + more),
        places=_index_grown(names.places, names.rows, count + more),
        text=grown(names.text, used + text + HASH_AHEAD),
    )


def grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    """The same array, or a copy with room for so much."""
    if len(array) >= room:
        return array
    larger = np.zeros((max(int(room), 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def _index_grown(index: IntArray, rows: Records, room: int) -> IntArray:
    if len(index) >= 2 * room:
        return index
    larger = np.full(1 << int(2 * int(room)).bit_length(), NONE, dtype=np.int32)
    reindex(larger, index, rows)
    return larger


@compiled
def reindex(larger: IntArray, index: IntArray, rows: Records) -> None:
    """Put everything that `index` finds into `larger`."""
    for place in index:
        if place != NONE:
            put(larger, rows[place]["hash"], place)


@inlined
def put(index: IntArray, key: Any, place: Index) -> None:
    """Let `key` find `place`: there must be room."""
    mask = len(index) - 1
    at = np.int64(key & np.uint64(mask))
    while index[at] != NONE:
        at = (at + 1) & mask
    index[at] = place


@compiled
def take_out(index: IntArray, rows: Records, place: Index) -> None:
    """Let nothing find `place` any more; those that had to stand aside for it move up."""
    mask = len(index) - 1
    at = np.int64(rows[place]["hash"] & np.uint64(mask))
    while index[at] != place:
        at = (at + 1) & mask
    hole = at
    while True:
        at = (at + 1) & mask
        if index[at] == NONE:
            break
        home = np.int64(rows[index[at]]["hash"] & np.uint64(mask))
        if ((at - home) & mask) >= ((at - hole) & mask):
            index[hole] = index[at]
            hole = at
    index[hole] = NONE


@inlined
def same_text(text: IntArray, start: Index, end: Index, other: IntArray, other_start: Index, other_end: Index) -> bool:
    """Whether two spans hold the same bytes."""
    same = end - start == other_end - other_start
    if same:
        for offset in range(end - start):
            if text[start + offset] != other[other_start + offset]:
                same = False
                break
    return same


@inlined
def keep_text(book: Book, data: IntArray, start: Index, end: Index) -> int:
    """Append a span of `data` to the text; gives where it begins there."""
    totals, text = book.totals[0], book.text
    first = totals["text_used"]
    for offset in range(end - start):
        text[first + offset] = data[start + offset]
    totals["text_used"] = first + end - start
    return int(first)


@compiled
def number_of(names: Names, data: IntArray, start: Index, end: Index) -> int:
    """Number of a name, a new one where it is new: there must be room."""
    key = hash_of(address_of(data), start, end)
    mask = len(names.places) - 1
    at = np.int64(key & np.uint64(mask))
    while names.places[at] != NONE:
        row = names.rows[names.places[at]]
        if row["hash"] == key and same_text(names.text, row["start"], row["end"], data, start, end):
            return int(names.places[at])
        at = (at + 1) & mask
    number, first = names.counts[0], names.counts[1]
    row = names.rows[number]
    row["start"], row["end"], row["hash"] = first, first + end - start, key
    for offset in range(end - start):
        names.text[first + offset] = data[start + offset]
    names.places[at] = number
    names.counts[0] = number + 1
    names.counts[1] = first + end - start
    return int(number)


def names_from(names: Names, first: int) -> list[str]:
    """The names from number `first` on, as strings."""
    rows = names.rows[first : int(names.counts[0])]
    spans = zip(rows["start"].tolist(), rows["end"].tolist(), strict=True)
    return [text_of(names.text, start, end) for start, end in spans]


def text_of(text: IntArray, start: int, end: int) -> str:
    """A span of text as a string."""
    return name_of(text[start:end].tobytes())
