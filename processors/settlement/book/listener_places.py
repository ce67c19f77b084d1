"""Listeners in the book: lookup, creation, order by recency, removal."""

import numpy as np

from processors.arrays import Index, IntArray, Offset, Place
from processors.compiled import borrowing, inlined
from processors.settlement.book.book import IMPRESSIONS, Book, keep_text
from processors.settlement.book.layout import NO_TEXT, NONE
from processors.settlement.book.names import same_text
from processors.settlement.book.state_layouts import LISTENER, STREAM_COUNT
from processors.wire.hash_index import NOWHERE, candidate, home, place_in, put, take_out
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of

_ROW_BYTES_MIN = LISTENER.bytes_min + STREAM_COUNT.bytes_min


@borrowing
def touch(book: Book, data: IntArray, start: Offset, end: Offset) -> Place:
    """Place of the listener with this name, created if new; marks the listener as the most recent."""
    key = hash_of(address_of(data), start, end)
    found = _find_listener(book, key, data, start, end)
    if found == NONE:
        found = new_listener(book, key, keep_text(book, data, start, end), end - start)
    else:
        _leave_line(book, found)
    join_line(book, found)
    totals, listener = book.totals[0], book.listeners[found]
    totals["touches"] += 1
    listener["touch"] = totals["touches"]
    note_change(book, found)
    return Place(found)


@borrowing
def _leave_line(book: Book, place: Place) -> None:
    totals, listener = book.totals[0], book.listeners[place]
    earlier, later = listener["earlier"], listener["later"]
    if earlier == NONE:
        totals["least_recent"] = later
    else:
        book.listeners[earlier]["later"] = later
    if later == NONE:
        totals["most_recent"] = earlier
    else:
        book.listeners[later]["earlier"] = earlier


@borrowing
def join_line(book: Book, place: Place) -> None:
    """Append a listener to the recency list as the most recent; it must not be in the list."""
    totals, listener = book.totals[0], book.listeners[place]
    last = totals["most_recent"]
    listener["earlier"], listener["later"] = last, NONE
    if last == NONE:
        totals["least_recent"] = place
    else:
        book.listeners[last]["later"] = place
    totals["most_recent"] = place


@borrowing
def find_listener(book: Book, data: IntArray, start: Offset, end: Offset) -> Place:
    """Place of the listener with this name; -1 if there is none."""
    return _find_listener(book, hash_of(address_of(data), start, end), data, start, end)


@borrowing
def _find_listener(book: Book, key: np.uint64, data: IntArray, start: Offset, end: Offset) -> Place:
    index = book.listener_index
    at = candidate(index, key, home(index, key))
    while at != NOWHERE:
        place = place_in(index, at)
        listener = book.listeners[place]
        if same_text(book.text, listener["start"], listener["end"], data, start, end):
            return place
        at = candidate(index, key, at + 1)
    return NONE


@borrowing
def new_listener(book: Book, key: np.uint64, start: Offset, length: Index) -> Place:
    """Allocate a listener whose name is in the text already; it is not yet in the recency list."""
    totals = book.totals[0]
    place = Place(totals["listeners_free"])
    if place == NONE:
        place = totals["listeners_top"]
        totals["listeners_top"] = place + 1
    else:
        totals["listeners_free"] = book.listeners[place]["next"]
    totals["listeners"] += 1
    listener = book.listeners[place]
    listener["start"], listener["end"], listener["hash"] = start, start + length, key
    listener["touch"] = listener["event_count"] = listener["newest_ms"] = 0
    listener["row_bytes"] = _ROW_BYTES_MIN
    listener["impressions_offset"] = listener["stream_ends_offset"] = -1
    listener["plays"] = listener["plays_count"] = listener["plays_room"] = listener["playing_count"] = 0
    listener["impression"] = NONE
    listener["is_changed"] = listener["awaits_page"] = listener["has_row"] = False
    put(book.listener_index, key, place)
    return Place(place)


@borrowing
def drop_listener(book: Book, place: Place) -> None:
    """Free the place of a listener without streams and impressions."""
    totals, listener = book.totals[0], book.listeners[place]
    _leave_line(book, place)
    take_out(book.listener_index, listener["hash"], place)
    if listener["has_row"]:
        note_gone(book, listener["start"], listener["end"], NO_TEXT)
    totals["text_dead"] += listener["end"] - listener["start"]
    totals["plays_dead"] += listener["plays_room"]
    totals["listeners"] -= 1
    listener["is_changed"] = listener["awaits_page"] = False
    listener["next"] = totals["listeners_free"]
    totals["listeners_free"] = place


@inlined
def note_change(book: Book, place: Place) -> None:
    """Mark the listener's row as changed, to be written."""
    listener = book.listeners[place]
    if not listener["is_changed"]:
        totals = book.totals[0]
        listener["is_changed"] = True
        book.changed[totals["changed"]] = place
        totals["changed"] += 1


@inlined
def note_waiting(book: Book, place: Place) -> None:
    """Mark the listener as waiting for a page."""
    listener = book.listeners[place]
    if not listener["awaits_page"]:
        totals = book.totals[0]
        listener["awaits_page"] = True
        book.waiting[totals["waiting"]] = place
        totals["waiting"] += 1


@borrowing
def note_gone(book: Book, start: Offset, end: Offset, page: Offset) -> None:
    """Note a row to delete, of a listener (page -1) or of one of their impressions."""
    totals = book.totals[0]
    gone = book.gone[totals["gone"]]
    gone["start"], gone["end"], gone["page"] = start, end, page
    totals["gone"] += 1


@borrowing
def accept(book: Book, place: Place, source: Index, offset: Index, event_ms: Index) -> None:
    """Count an event that is neither too late nor a duplicate."""
    listener = book.listeners[place]
    listener["event_count"] += 1
    listener["newest_ms"] = max(listener["newest_ms"], event_ms)
    if source == IMPRESSIONS:
        listener["impressions_offset"] = max(listener["impressions_offset"], offset)
    else:
        listener["stream_ends_offset"] = max(listener["stream_ends_offset"], offset)
    note_waiting(book, place)
