"""Impressions and streams in the book: lookup, creation, links to their listener, removal."""

import numpy as np

from processors.arrays import Index, IntArray, Offset, Place
from processors.compiled import borrowing, fused, inlined
from processors.settlement.book.book import Book
from processors.settlement.book.layout import NO_TEXT, NONE, Records
from processors.settlement.book.listener_places import note_gone
from processors.settlement.book.names import same_text
from processors.settlement.book.page import PAGE_ID_AT
from processors.settlement.book.state_layouts import CREDITED, PENDING, PENDING_NAMED, PLAYING
from processors.settlement.book.stream_text import STREAM_ID_AT, is_playing_at, named_at, state_at, state_of
from processors.wire.binary import text_span
from processors.wire.hash_index import NOWHERE, candidate, home, place_in, put, take_out
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of

_CREDITED_BYTES = CREDITED.bytes_min
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@inlined
def owned_hash(data: IntArray, start: Offset, end: Offset, listener: Place) -> np.uint64:
    """Hash of an id together with its listener, since ids are unique per listener only."""
    return hash_of(address_of(data), start, end) ^ (np.uint64(listener + 1) * _GOLDEN)


@fused
def find_impression(book: Book, listener: Place, key: np.uint64, data: IntArray, start: Offset, end: Offset) -> Place:
    """Place of a listener's impression with this id; -1 if there is none."""
    return _find(book.impression_index, book.impressions, PAGE_ID_AT, book.text, listener, key, data, start, end)


@fused
def find_stream(book: Book, listener: Place, key: np.uint64, data: IntArray, start: Offset, end: Offset) -> Place:
    """Place of a listener's stream with this id; -1 if there is none."""
    return _find(book.stream_index, book.streams, STREAM_ID_AT, book.text, listener, key, data, start, end)


@fused
def _find(
    index: IntArray,
    rows: Records,
    id_at: Index,
    text: IntArray,
    listener: Place,
    key: np.uint64,
    data: IntArray,
    start: Offset,
    end: Offset,
) -> Place:
    """Place of the listener's row whose text has this id at `id_at`; -1 if there is none."""
    at = candidate(index, key, home(index, key))
    while at != NOWHERE:
        place = place_in(index, at)
        if rows[place]["listener"] == listener:
            own_start, own_end = text_span(text, rows[place]["start"] + id_at)
            if same_text(text, own_start, own_end, data, start, end):
                return place
        at = candidate(index, key, at + 1)
    return NONE


@borrowing
def new_impression(book: Book, listener: Place, key: np.uint64, start: Offset, end: Offset, count: Index) -> Place:
    """Allocate an impression whose page is in the text already, with its exposures."""
    totals = book.totals[0]
    place = Place(totals["impressions_free"])
    if place == NONE:
        place = totals["impressions_top"]
        totals["impressions_top"] = place + 1
    else:
        totals["impressions_free"] = book.impressions[place]["next"]
    totals["impressions"] += 1
    totals["exposures_open"] += count
    owner, impression = book.listeners[listener], book.impressions[place]
    impression["start"], impression["end"], impression["hash"] = start, end, key
    impression["exposures"], impression["count"], impression["streamed"] = totals["exposures_used"], count, 0
    totals["exposures_used"] += count
    impression["listener"] = listener
    impression["is_settled"] = impression["has_row"] = impression["is_grouped"] = False
    impression["previous"], impression["next"] = NONE, owner["impression"]
    if owner["impression"] != NONE:
        book.impressions[owner["impression"]]["previous"] = place
    owner["impression"] = place
    put(book.impression_index, key, place)
    return Place(place)


@borrowing
def drop_impression(book: Book, place: Place) -> None:
    """Remove an impression and its exposures."""
    totals, impression = book.totals[0], book.impressions[place]
    owner = book.listeners[impression["listener"]]
    before, after = impression["previous"], impression["next"]
    if before == NONE:
        owner["impression"] = after
    else:
        book.impressions[before]["next"] = after
    if after != NONE:
        book.impressions[after]["previous"] = before
    take_out(book.impression_index, impression["hash"], place)
    if impression["has_row"]:
        note_gone(book, owner["start"], owner["end"], impression["start"])
    owner["row_bytes"] -= impression["streamed"] * _played_bytes(book, impression)
    if impression["streamed"]:
        let_go = _credit_bytes(book, impression)
        owner["row_bytes"] -= let_go
        totals["text_dead"] += let_go
    totals["impressions"] -= 1
    totals["exposures_open"] -= impression["count"]
    totals["exposures_dead"] += impression["count"]
    totals["text_dead"] += impression["end"] - impression["start"]
    impression["serial"] += 1
    impression["next"] = totals["impressions_free"]
    totals["impressions_free"] = place


@borrowing
def note_streamed(book: Book, place: Place) -> None:
    """Count another exposure of an impression as streamed, and the bytes that it adds to the listener's row."""
    impression = book.impressions[place]
    impression["streamed"] += 1
    book.listeners[impression["listener"]]["row_bytes"] += _played_bytes(book, impression)


@borrowing
def _credit_bytes(book: Book, impression: Records) -> int:
    """Bytes of the credits of an impression's exposures."""
    size, first = 0, Place(impression["exposures"])
    for place in range(first, first + impression["count"]):
        credit = book.exposures[place]["credit"]
        if credit != NO_TEXT:
            start, end = text_span(book.text, credit)
            size += end - start
    return int(size)


@inlined
def _played_bytes(book: Book, impression: Records) -> int:
    start, end = text_span(book.text, Offset(impression["start"]) + PAGE_ID_AT)
    return int(_CREDITED_BYTES + end - start)


@borrowing
def new_stream(book: Book, listener: Place, key: np.uint64, start: Offset, end: Offset, card: Place) -> Place:
    """Allocate a stream that is in the text already."""
    totals, streams = book.totals[0], book.streams
    place = Place(totals["streams_free"])
    if place == NONE:
        place = totals["streams_top"]
        totals["streams_top"] = place + 1
    else:
        totals["streams_free"] = streams[place]["next"]
    totals["streams"] += 1
    stream = streams[place]
    stream["start"], stream["end"], stream["hash"] = start, end, key
    stream["card"], stream["listener"] = card, listener
    at, owner = state_at(book.text, start), book.listeners[listener]
    state = state_of(book.text, at)
    stream["is_pending"] = state in (PENDING, PENDING_NAMED)
    owner["playing_count"] += is_playing_at(book.text, at)
    owner["row_bytes"] += end - start
    put(book.stream_index, key, place)
    return Place(place)


@borrowing
def drop_stream(book: Book, place: Place) -> None:
    """Remove a stream that is no longer among the plays."""
    totals, stream = book.totals[0], book.streams[place]
    take_out(book.stream_index, stream["hash"], place)
    owner = book.listeners[stream["listener"]]
    owner["row_bytes"] -= stream["end"] - stream["start"]
    owner["playing_count"] -= is_playing_at(book.text, state_at(book.text, stream["start"]))
    totals["streams"] -= 1
    totals["text_dead"] += stream["end"] - stream["start"]
    stream["serial"] += 1
    stream["next"] = totals["streams_free"]
    totals["streams_free"] = place


@borrowing
def end_pending(book: Book, place: Place, state: Index) -> None:
    """Mark a stream as attributed, or as of no exposure, and release the impression id that it named."""
    stream = book.streams[place]
    at = state_at(book.text, stream["start"])
    end = named_at(book.text, stream["start"])
    book.text[at] = state | (book.text[at] & PLAYING)
    stream["is_pending"] = False
    let_go, stream["end"] = stream["end"] - end, end
    book.totals[0]["text_dead"] += let_go
    book.listeners[stream["listener"]]["row_bytes"] -= let_go
