"""Streams as records of interactions, from columns straight to bytes, compiled."""

import numpy as np

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, compiled
from processors.settlement.book import Book
from processors.settlement.due import Due
from processors.settlement.layout import NONE
from processors.wire.json_writer import cut, marks, put_comma, put_mark, put_string, put_whole

INTERACTIONS_MAX = 1_000
RECORD_BYTES_MAX = 500_000
_NUMBERS_BYTES, _RECORD_BYTES = 64, 512

_TYPE, _EVENT_ID, _USER_ID, _CARD_ID, _EVENT_MS, _PLAYED_MS, _ORGANIC, _END, _TRUE, _FALSE = marks(
    b'{"type":"interactions.v1","source":',
    b',"event_id":[',
    b'],"user_id":[',
    b'],"card_id":[',
    b'],"event_ms":[',
    b'],"played_ms":[',
    b'],"organic":[',
    b"]}",
    b"true",
    b"false",
)


def interaction_records(book: Book, due: Due, chosen: IntArray, source: IntArray) -> list[bytes]:
    """Records of the chosen due streams, in order; `source` is the JSON string that names the partition.

    A record holds at most `INTERACTIONS_MAX`, and fewer where names are so long that it would come near what a broker
    takes.
    """
    size, parts = interaction_parts(book, due, chosen)
    data = np.empty(size + len(parts) * (_RECORD_BYTES + len(source)), dtype=np.uint8)
    ends = np.zeros(len(parts), dtype=np.int64)
    write_interactions(book, due, chosen, source, parts, data, ends)
    return cut(data, ends)


@compiled
def interaction_parts(book: Book, due: Due, chosen: IntArray) -> tuple[int, IntArray]:
    """Room that all need, and parts [r, 2] of the chosen that make one record each."""
    parts = np.empty((len(chosen), 2), dtype=np.int64)
    count, first, used, total = 0, 0, np.int64(0), np.int64(0)
    for at in range(len(chosen)):
        stream = due.streams[chosen[at]]
        card = book.cards.rows[stream["card"]]
        size = _NUMBERS_BYTES + stream["user_end"] - stream["user"] + stream["end"] - stream["start"]
        size += card["end"] - card["start"]
        if at > first and (at - first == INTERACTIONS_MAX or used + size > RECORD_BYTES_MAX):
            parts[count, 0], parts[count, 1] = first, at
            count, first, used = count + 1, at, np.int64(0)
        used += size
        total += size
    if len(chosen):
        parts[count, 0], parts[count, 1] = first, len(chosen)
        count += 1
    return int(total), parts[:count]


@borrowing
def write_interactions(
    book: Book, due: Due, chosen: IntArray, source: IntArray, parts: IntArray, out: IntArray, ends: IntArray
) -> None:
    """Write one record for each part; `ends` say where each ends."""
    text = book.text
    at: Index = np.int64(0)
    for part in range(len(parts)):
        first, last = parts[part, 0], parts[part, 1]
        at = put_mark(out, put_mark(out, at, _TYPE), source)
        at = put_mark(out, at, _EVENT_ID)
        for place in range(first, last):
            stream = due.streams[chosen[place]]
            at = put_string(out, put_comma(out, at, place == first), text, stream["start"], stream["end"])
        at = put_mark(out, at, _USER_ID)
        for place in range(first, last):
            stream = due.streams[chosen[place]]
            at = put_string(out, put_comma(out, at, place == first), text, stream["user"], stream["user_end"])
        at = put_mark(out, at, _CARD_ID)
        for place in range(first, last):
            card = book.cards.rows[due.streams[chosen[place]]["card"]]
            at = put_string(out, put_comma(out, at, place == first), book.cards.text, card["start"], card["end"])
        at = put_mark(out, at, _EVENT_MS)
        for place in range(first, last):
            at = put_whole(out, put_comma(out, at, place == first), due.streams[chosen[place]]["event_ms"])
        at = put_mark(out, at, _PLAYED_MS)
        for place in range(first, last):
            at = put_whole(out, put_comma(out, at, place == first), due.streams[chosen[place]]["played_ms"])
        at = put_mark(out, at, _ORGANIC)
        for place in range(first, last):
            is_organic = due.streams[chosen[place]]["page"] == NONE
            at = put_mark(out, put_comma(out, at, place == first), _TRUE if is_organic else _FALSE)
        at = put_mark(out, at, _END)
        ends[part] = at
