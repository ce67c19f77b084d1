"""Play lists: the streams of each listener, contiguous and in order of their end, so that the newest are one slice.

Theory of operation. A listener owns a range of `book.plays` with spare capacity after the last play. A new play is
inserted in order, nearly always at the end. A full range moves to the end of the array with twice the capacity; the old
one becomes dead (`compaction`). The oldest plays are dropped by advancing the start of the range.
"""

import numpy as np

from processors.arrays import Index, Place
from processors.compiled import borrowing, inlined
from processors.settlement.book.book import Book
from processors.settlement.book.layout import PLAYS_ROOM_MIN, Records
from processors.settlement.book.names import is_later_text
from processors.settlement.book.stream_text import STREAM_ID_AT, event_ms_of, is_playing_at, played_ms_of, state_at
from processors.wire.binary import text_span


@inlined
def is_play_room(book: Book) -> bool:
    """Whether any listener can get one more stream; if not, `book.plays` must grow."""
    totals = book.totals[0]
    return bool(totals["plays_used"] + 2 * totals["plays_most"] <= len(book.plays))


@borrowing
def new_play(book: Book, listener: Place, stream: Place) -> None:
    """Insert a stream into the plays of its listener; there must be room."""
    owner = book.listeners[listener]
    if owner["plays_count"] == owner["plays_room"]:
        move_plays(book, owner, max(PLAYS_ROOM_MIN, 2 * owner["plays_count"]))
    plays, first = book.plays, Place(owner["plays"])
    at = first + owner["plays_count"]
    owner["plays_count"] += 1
    event_ms = event_ms_of(book.text, book.streams[stream]["start"])
    while at > first and _ended_after(book, plays[at - 1], event_ms, stream):
        plays[at] = plays[at - 1]
        at -= 1
    put_play(book, at, stream)


@borrowing
def put_play(book: Book, place: Place, stream: Place) -> None:
    """Write the play of a stream at an index of `book.plays`."""
    play, row = book.plays[place], book.streams[stream]
    play["event_ms"] = event_ms_of(book.text, row["start"])
    play["played_ms"] = played_ms_of(book.text, row["start"])
    play["card"], play["stream"], play["start"] = row["card"], stream, row["start"]
    play["is_playing"] = is_playing_at(book.text, state_at(book.text, row["start"]))


@borrowing
def move_plays(book: Book, owner: Records, room: Index) -> None:
    """Move a listener's plays to the end of the array, with capacity `room`."""
    totals, plays = book.totals[0], book.plays
    before, first = Place(owner["plays"]), np.int64(totals["plays_used"])
    for offset in range(owner["plays_count"]):
        plays[first + offset] = plays[before + offset]
    totals["plays_used"] += room
    totals["plays_dead"] += owner["plays_room"]
    totals["plays_most"] = max(totals["plays_most"], room)
    owner["plays"], owner["plays_room"] = first, room


@inlined
def begin_later(book: Book, owner: Records, first: Place) -> None:
    """Advance the start of a listener's plays to `first`, which drops those before it."""
    gone = first - owner["plays"]
    owner["plays"] = first
    owner["plays_count"] -= gone
    owner["plays_room"] -= gone
    book.totals[0]["plays_dead"] += gone


@inlined
def _ended_after(book: Book, play: Records, event_ms: Index, stream: Place) -> bool:
    """Whether a play comes after a stream, by end time, then id."""
    is_after = bool(play["event_ms"] > event_ms)
    if play["event_ms"] == event_ms:
        is_after = _has_later_id(book, Place(play["stream"]), stream)
    return is_after


@borrowing
def _has_later_id(book: Book, one: Index, other: Index) -> bool:
    start, end = text_span(book.text, book.streams[one]["start"] + STREAM_ID_AT)
    other_start, other_end = text_span(book.text, book.streams[other]["start"] + STREAM_ID_AT)
    return is_later_text(book.text, start, end, other_start, other_end)


@borrowing
def copy_plays(
    book: Book, listener: Place, until_ms: Index, mark_ms: Index, limit: Index, plays: Records, first: Place
) -> tuple[int, int]:
    """Copy a listener's newest `limit` plays that had ended by `until_ms`, oldest first; those still playing are none.

    Returns the end of the copies, and the end of those that had ended by `mark_ms`.
    """
    kept, owner = book.plays, book.listeners[listener]
    start, end = Place(owner["plays"]), Place(owner["plays"]) + owner["plays_count"]
    while end > start and kept[end - 1]["event_ms"] > until_ms:
        end -= 1
    last, last_by_mark = np.int64(first), np.int64(first)
    for at in range(_newest(kept, owner, start, end, limit), end):
        if kept[at]["is_playing"]:
            continue
        plays[last]["played_ms"], plays[last]["card"] = kept[at]["played_ms"], kept[at]["card"]
        last += 1
        if kept[at]["event_ms"] <= mark_ms:
            last_by_mark = last
    return int(last), int(last_by_mark)


@inlined
def _newest(kept: Records, owner: Records, start: Place, end: Place, limit: Index) -> int:
    """Index of the oldest of the newest `limit` plays; records of streams that had not ended are not counted."""
    oldest = max(start, end - limit)
    if owner["playing_count"]:
        oldest, left = end, limit
        while oldest > start and left:
            oldest -= 1
            left -= not kept[oldest]["is_playing"]
    return int(oldest)
