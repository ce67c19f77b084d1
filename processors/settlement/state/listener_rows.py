"""The state row of a listener in bytes: written when it has changed, and read back; see `state_layouts`."""

from processors.arrays import Address, IntArray, Offset, Place
from processors.compiled import borrowing
from processors.settlement.book.agenda import ATTRIBUTE, appoint
from processors.settlement.book.book import Book, keep_text
from processors.settlement.book.event_places import (
    drop_stream,
    find_impression,
    new_impression,
    new_stream,
    note_streamed,
    owned_hash,
)
from processors.settlement.book.layout import NO_TEXT, NONE
from processors.settlement.book.listener_places import find_listener, join_line, new_listener
from processors.settlement.book.names import number_of
from processors.settlement.book.page import (
    PAGE_ID_AT,
    card_at,
    exposure_count_of,
    exposure_end,
    exposures_at,
    order_count,
    shown_ms_of,
)
from processors.settlement.book.plays import begin_later, move_plays, put_play
from processors.settlement.book.state_layouts import CREDITED, HAS_CREDITS, LISTENER, STREAM_COUNT, STREAMED
from processors.settlement.book.stream_text import STREAM_ID_AT, event_ms_of, stream_end
from processors.settlement.book.stream_text import card_at as stream_card_at
from processors.settlement.rules.arrivals import schedule
from processors.settlement.rules.limits import Limits
from processors.wire.binary import LENGTH_BYTES, text_span
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of, copy_words

_put_listener, _put_streamed, _put_count = LISTENER.put(), CREDITED.put(), STREAM_COUNT.put()
_replace_streamed = LISTENER.replace("streamed")
_listener_in, _streamed_in, _count_of = LISTENER.numbers(), STREAMED.numbers(), STREAM_COUNT.get("streams")
_credit_at, _streamed_end = CREDITED.place("credit"), CREDITED.end()
_LISTENER_BYTES, _COUNT_BYTES = LISTENER.bytes_min, STREAM_COUNT.bytes_min
_IMPRESSION_ID_AT = STREAMED.offset("impression_id")


@borrowing
def write_row(book: Book, place: Place, limits: Limits, out: Address, at: Offset) -> Offset:
    """Write a listener's row by words, and drop streams that are no longer needed; returns the offset after it."""
    listener, row = book.listeners[place], at
    at = _put_listener(
        out,
        row,
        touch=listener["touch"],
        event_count=listener["event_count"],
        newest_ms=listener["newest_ms"],
        impressions_end=listener["impressions_offset"] + 1,
        stream_ends_end=listener["stream_ends_offset"] + 1,
        streamed=0,
    )
    at, count = _write_streamed(book, Place(listener["impression"]), out, at)
    _replace_streamed(out, row, count | HAS_CREDITS)
    return _write_streams(book, place, limits, out, at)


@borrowing
def _write_streamed(book: Book, impression: Place, out: Address, at: Offset) -> tuple[Offset, int]:
    """Write the streamed exposures of a list of impressions; returns the offset after them, and their number."""
    text, count = address_of(book.text), 0
    while impression != NONE:
        shown = book.impressions[impression]
        left, place = shown["streamed"], Place(shown["exposures"])
        event_id = text_span(book.text, shown["start"] + PAGE_ID_AT)
        count += left
        while left:
            exposure = book.exposures[place]
            if exposure["streams"]:
                credit = Offset(exposure["credit"])
                at = _put_streamed(
                    out,
                    at,
                    text,
                    impression_id=event_id,
                    exposure=place - shown["exposures"],
                    played_ms=exposure["played_ms"],
                    streams=exposure["streams"],
                    credit=(0, 0) if credit == NO_TEXT else text_span(book.text, credit),
                )
                left -= 1
            place += 1
        impression = Place(shown["next"])
    return Offset(at), int(count)


@borrowing
def _write_streams(book: Book, place: Place, limits: Limits, out: Address, at: Offset) -> Offset:
    """Write the streams; drop those too old to be needed for recognising a duplicate.

    Pending streams and the newest `plays_max` up to the watermark are always kept; records of streams that had not
    ended are no plays.
    """
    text, watermark_ms, count_at, rank = address_of(book.text), book.totals[0]["watermark_ms"], at, 0
    listener, plays, too_old_ms = book.listeners[place], book.plays, watermark_ms - limits.correction_ms
    first, at = Place(listener["plays"]), at + _COUNT_BYTES
    kept = end = first + listener["plays_count"]
    for number in range(end - 1, first - 1, -1):
        play = plays[number]
        start = play["start"]
        rank += play["event_ms"] <= watermark_ms and not play["is_playing"]
        is_old = play["event_ms"] < too_old_ms and (rank > limits.plays_max or play["is_playing"])
        if is_old and not book.streams[play["stream"]]["is_pending"]:
            drop_stream(book, Place(play["stream"]))
        else:
            at = copy_words(out, at, text, start, stream_end(book.text, start))
            kept -= 1
            plays[kept] = play
    begin_later(book, listener, kept)
    _put_count(out, count_at, streams=end - kept)
    return Offset(at)


@borrowing
def read_listeners(book: Book, keys: IntArray, key_spans: IntArray, rows: IntArray, row_spans: IntArray) -> None:
    """Restore listeners and their streams from rows, least recent first; names are spans [n, 2] of `keys`."""
    for number in range(len(key_spans)):
        start, end = key_spans[number, 0], key_spans[number, 1]
        place = new_listener(
            book, hash_of(address_of(keys), start, end), keep_text(book, keys, start, end), end - start
        )
        join_line(book, place)
        listener, row = book.listeners[place], _listener_in(rows, row_spans[number, 0])
        listener["touch"], listener["event_count"], listener["newest_ms"] = row.touch, row.event_count, row.newest_ms
        listener["impressions_offset"] = row.impressions_end - 1
        listener["stream_ends_offset"] = row.stream_ends_end - 1
        listener["has_row"] = True
        at = row_spans[number, 0] + _LISTENER_BYTES
        for _ in range(row.streamed & ~HAS_CREDITS):
            at = _streamed_end(rows, at) if row.streamed & HAS_CREDITS else _credit_at(rows, at)
        count = _count_of(rows, at)
        at += _COUNT_BYTES
        move_plays(book, listener, count)
        listener["plays_count"] = count
        for play in range(listener["plays"] + count - 1, listener["plays"] - 1, -1):
            at = _read_stream(book, place, rows, at, Place(play))


@borrowing
def _read_stream(book: Book, listener: Place, rows: IntArray, at: Offset, play: Place) -> Offset:
    """Restore the stream at `at` as a play; returns the offset after it."""
    end = stream_end(rows, at)
    first = keep_text(book, rows, at, end)
    id_start, id_end = text_span(rows, at + STREAM_ID_AT)
    key = owned_hash(rows, id_start, id_end, listener)
    card_start, card_end = text_span(rows, stream_card_at(rows, at))
    card = number_of(book.cards, rows, card_start, card_end)
    place = new_stream(book, listener, key, first, first + (end - at), card)
    put_play(book, play, place)
    stream = book.streams[place]
    if stream["is_pending"]:
        appoint(book, event_ms_of(rows, at), ATTRIBUTE, place, stream["serial"])
    return end


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
        id_start, id_end = text_span(book.text, first + PAGE_ID_AT)
        key = owned_hash(book.text, id_start, id_end, listener)
        count = exposure_count_of(pages, start)
        place = new_impression(book, listener, key, first, first + end - start, count)
        impression = book.impressions[place]
        impression["shown_ms"] = shown_ms_of(pages, start)
        impression["has_row"] = impression["is_grouped"] = True
        impression["is_settled"] = impression["shown_ms"] <= book.totals[0]["settled_until_ms"]
        at, later = exposures_at(book.text, first), order_count(book.text, first)
        for offset in range(count):
            exposure = book.exposures[impression["exposures"] + offset]
            exposure["played_ms"], exposure["streams"], exposure["credit"] = 0, 0, NO_TEXT
            card_start, card_end = text_span(book.text, card_at(book.text, at))
            exposure["card"] = number_of(book.cards, book.text, card_start, card_end)
            at = exposure_end(book.text, at, later)
        schedule(book, place, limits)
    return left_out


@borrowing
def read_played(book: Book, keys: IntArray, key_spans: IntArray, rows: IntArray, row_spans: IntArray) -> None:
    """Restore what has been streamed of exposures, from the listeners' rows."""
    for number in range(len(key_spans)):
        listener = find_listener(book, keys, key_spans[number, 0], key_spans[number, 1])
        row = row_spans[number, 0]
        count, at = _listener_in(rows, row).streamed, row + _LISTENER_BYTES
        for _ in range(count & ~HAS_CREDITS):
            start, end = text_span(rows, at + _IMPRESSION_ID_AT)
            place = find_impression(book, listener, owned_hash(rows, start, end, listener), rows, start, end)
            credit_at = _credit_at(rows, at)
            following = _streamed_end(rows, at) if count & HAS_CREDITS else credit_at
            if place != NONE:
                streamed = _streamed_in(rows, at)
                exposure = book.exposures[book.impressions[place]["exposures"] + streamed.exposure]
                exposure["played_ms"], exposure["streams"] = streamed.played_ms, streamed.streams
                note_streamed(book, place)
                if following > credit_at + LENGTH_BYTES:
                    exposure["credit"] = keep_text(book, rows, credit_at, following)
                    book.listeners[listener]["row_bytes"] += following - credit_at - LENGTH_BYTES
            at = following
