"""The state row of a listener in bytes: written when it has changed, and read back.

Layout: touch, event count, newest event time and the offsets of both sources (8 bytes each, offsets plus one); the
number of streamed exposures (4, with `HAS_CREDITS`), and for each the id of its impression, its index there (4),
milliseconds (8), streams (4) and its credit (see `credits`; absent without `HAS_CREDITS`, as in older rows); the number
of streams (4), and each as it is kept in the text (`stream_text`), newest first. The row of an impression is its page.
"""

import numpy as np

from processors.arrays import Index, IntArray
from processors.compiled import borrowing
from processors.settlement.agenda import ATTRIBUTE, appoint
from processors.settlement.arrivals import schedule
from processors.settlement.book import Book, keep_text
from processors.settlement.event_places import (
    drop_stream,
    find_impression,
    new_impression,
    new_stream,
    note_streamed,
    owned_hash,
)
from processors.settlement.layout import NONE
from processors.settlement.limits import Limits
from processors.settlement.listener_places import find_listener, join_line, new_listener
from processors.settlement.names import number_of
from processors.settlement.page import (
    COUNT_AT,
    COUNT_BYTES,
    ID_AT,
    SHELF_AT,
    exposure_end,
    exposures_at,
    order_count,
)
from processors.settlement.plays import begin_later, move_plays, put_play
from processors.settlement.stream_text import ID_AT as STREAM_ID_AT
from processors.settlement.stream_text import event_ms_of, stream_end
from processors.wire.binary import get_int, put_int, text_end
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of, copy_words

HAS_CREDITS = 1 << 31
"""Flag in the number of streamed exposures: each entry ends with a credit."""


@borrowing
def write_row(book: Book, place: Index, limits: Limits, out: int, at: Index) -> int:
    """Write a listener's row by words, and drop streams that are no longer needed; returns the offset after it."""
    listener = book.listeners[place]
    at = put_int(out, at, listener["touch"], 8)
    at = put_int(out, at, listener["event_count"], 8)
    at = put_int(out, at, listener["newest_ms"], 8)
    at = put_int(out, at, listener["impressions_offset"] + 1, 8)
    at = put_int(out, at, listener["stream_ends_offset"] + 1, 8)
    at = _write_played(book, np.int64(listener["impression"]), out, at)
    return _write_streams(book, place, limits, out, at)


@borrowing
def _write_played(book: Book, impression: Index, out: int, at: Index) -> int:
    text, counted_at, count = address_of(book.text), at, 0
    at += 4
    while impression != NONE:
        shown = book.impressions[impression]
        left, place, id_at = shown["streamed"], np.int64(shown["exposures"]), shown["start"] + ID_AT
        count += left
        while left:
            exposure = book.exposures[place]
            if exposure["streams"]:
                at = copy_words(out, at, text, id_at, text_end(book.text, id_at))
                at = put_int(out, at, place - shown["exposures"], 4)
                at = put_int(out, at, exposure["played_ms"], 8)
                at = put_int(out, at, exposure["streams"], 4)
                credit = np.int64(exposure["credit"])
                if credit == NONE:
                    at = put_int(out, at, 0, 2)
                else:
                    at = copy_words(out, at, text, credit, text_end(book.text, credit))
                left -= 1
            place += 1
        impression = np.int64(shown["next"])
    put_int(out, counted_at, count | HAS_CREDITS, 4)
    return int(at)


@borrowing
def _write_streams(book: Book, place: Index, limits: Limits, out: int, at: Index) -> int:
    """Write the streams; drop those too old to be needed for recognising a duplicate.

    Pending streams and the newest `plays_max` up to the watermark are always kept; records of streams that had not
    ended are no plays.
    """
    text, watermark_ms, counted_at, rank = address_of(book.text), book.totals[0]["watermark_ms"], at, 0
    listener, plays, too_old_ms = book.listeners[place], book.plays, watermark_ms - limits.correction_ms
    first, at = np.int64(listener["plays"]), at + 4
    kept = end = first + listener["plays_count"]
    for number in range(end - 1, first - 1, -1):
        play = plays[number]
        start = play["start"]
        rank += play["event_ms"] <= watermark_ms and not play["is_playing"]
        is_old = play["event_ms"] < too_old_ms and (rank > limits.plays_max or play["is_playing"])
        if is_old and not book.streams[play["stream"]]["is_pending"]:
            drop_stream(book, np.int64(play["stream"]))
        else:
            at = copy_words(out, at, text, start, stream_end(book.text, start))
            kept -= 1
            plays[kept] = play
    begin_later(book, listener, kept)
    put_int(out, counted_at, end - kept, 4)
    return int(at)


@borrowing
def read_listeners(book: Book, keys: IntArray, key_spans: IntArray, rows: IntArray, row_spans: IntArray) -> None:
    """Restore listeners and their streams from rows, least recent first; names are spans [n, 2] of `keys`."""
    for number in range(len(key_spans)):
        start, end = key_spans[number, 0], key_spans[number, 1]
        place = new_listener(
            book, hash_of(address_of(keys), start, end), keep_text(book, keys, start, end), end - start
        )
        join_line(book, place)
        listener, at = book.listeners[place], row_spans[number, 0]
        listener["touch"], listener["event_count"] = get_int(rows, at, 8), get_int(rows, at + 8, 8)
        listener["newest_ms"] = get_int(rows, at + 16, 8)
        listener["impressions_offset"] = get_int(rows, at + 24, 8) - 1
        listener["stream_ends_offset"] = get_int(rows, at + 32, 8) - 1
        listener["has_row"] = True
        at += 40
        played = get_int(rows, at, 4)
        at += 4
        for _ in range(played & ~HAS_CREDITS):
            at = text_end(rows, at) + 16
            if played & HAS_CREDITS:
                at = text_end(rows, at)
        count = get_int(rows, at, 4)
        at += 4
        move_plays(book, listener, count)
        listener["plays_count"] = count
        for play in range(listener["plays"] + count - 1, listener["plays"] - 1, -1):
            at = _read_stream(book, place, rows, at, play)


@borrowing
def _read_stream(book: Book, listener: Index, rows: IntArray, at: Index, number: Index) -> int:
    """Restore the stream at `at` as play `number`; returns the offset after it."""
    id_at, card_at, end = at + STREAM_ID_AT, text_end(rows, at + STREAM_ID_AT), stream_end(rows, at)
    first = keep_text(book, rows, at, end)
    key = owned_hash(rows, id_at + 2, card_at, listener)
    card = number_of(book.cards, rows, card_at + 2, text_end(rows, card_at))
    place = new_stream(book, listener, key, first, first + end - at, card)
    put_play(book, number, place)
    stream = book.streams[place]
    if stream["is_pending"]:
        appoint(book, event_ms_of(rows, at), ATTRIBUTE, place, stream["serial"])
    return int(end)


@borrowing
def read_impressions(
    book: Book,
    keys: IntArray,
    key_spans: IntArray,
    pages: IntArray,
    page_spans: IntArray,
    limits: Limits,
) -> int:
    """Restore impressions from their pages; the book's totals tell which have settled.

    Their listeners must have been restored. Returns the number of impressions without a listener, which are skipped.
    """
    left_out = 0
    for number in range(len(key_spans)):
        listener = find_listener(book, keys, key_spans[number, 0], key_spans[number, 1])
        if listener == NONE:
            left_out += 1
            continue
        start, end = page_spans[number, 0], page_spans[number, 1]
        first = keep_text(book, pages, start, end)
        id_at = first + ID_AT
        key = owned_hash(book.text, id_at + 2, text_end(book.text, id_at), listener)
        count = get_int(pages, start + COUNT_AT, COUNT_BYTES)
        place = new_impression(book, listener, key, first, first + end - start, count)
        impression = book.impressions[place]
        impression["shown_ms"] = get_int(pages, start, 8)
        impression["has_row"] = impression["is_grouped"] = True
        impression["is_settled"] = impression["shown_ms"] <= book.totals[0]["settled_until_ms"]
        at, later = exposures_at(book.text, first), order_count(book.text, first)
        for offset in range(count):
            exposure = book.exposures[impression["exposures"] + offset]
            exposure["played_ms"], exposure["streams"], exposure["credit"] = 0, 0, NONE
            card_at = text_end(book.text, at + SHELF_AT)
            exposure["card"] = number_of(book.cards, book.text, card_at + 2, text_end(book.text, card_at))
            at = exposure_end(book.text, at, later)
        schedule(book, place, limits)
    return left_out


@borrowing
def read_played(book: Book, keys: IntArray, key_spans: IntArray, rows: IntArray, row_spans: IntArray) -> None:
    """Restore what has been streamed of exposures, from the listeners' rows."""
    for number in range(len(key_spans)):
        listener = find_listener(book, keys, key_spans[number, 0], key_spans[number, 1])
        at = row_spans[number, 0] + 40
        count = get_int(rows, at, 4)
        at += 4
        for _ in range(count & ~HAS_CREDITS):
            start, end = at + 2, text_end(rows, at)
            key = owned_hash(rows, start, end, listener)
            place = find_impression(book, listener, key, rows, start, end)
            at = end + 16
            following = text_end(rows, at) if count & HAS_CREDITS else at
            if place != NONE:
                exposure = book.exposures[book.impressions[place]["exposures"] + get_int(rows, end, 4)]
                exposure["played_ms"], exposure["streams"] = get_int(rows, end + 4, 8), get_int(rows, end + 12, 4)
                note_streamed(book, place)
                if following > at + 2:
                    exposure["credit"] = keep_text(book, rows, at, following)
                    book.listeners[listener]["row_bytes"] += following - at - 2
            at = following
