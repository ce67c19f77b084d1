"""Attributes streams to the exposures that led to them; of one that was still playing, the longest record counts."""

import numpy as np

from processors.arrays import Index, Place
from processors.compiled import borrowing
from processors.settlement.book.book import COUNTERS, Book
from processors.settlement.book.event_places import end_pending, find_impression, note_streamed, owned_hash
from processors.settlement.book.layout import NO_TEXT, NONE
from processors.settlement.book.listener_places import note_change
from processors.settlement.book.names import is_later_text, same_text
from processors.settlement.book.page import PAGE_ID_AT
from processors.settlement.book.plays import copy_plays
from processors.settlement.book.state_layouts import ATTRIBUTED, ORGANIC, PENDING, PENDING_NAMED
from processors.settlement.book.stream_text import (
    STREAM_ID_AT,
    event_ms_of,
    is_playing_at,
    named_at,
    played_ms_of,
    same_stream_at,
    started_ms_of,
    state_at,
    state_of,
)
from processors.settlement.output.due import Due
from processors.settlement.rules.limits import Limits
from processors.wire.binary import text_span

_OUTCOMES_CORRECTED = COUNTERS.index("outcomes_corrected")
_STREAMS_ATTRIBUTED = COUNTERS.index("streams_attributed")
_STREAMS_ORGANIC = COUNTERS.index("streams_organic")
_STREAMS_PLAYING = COUNTERS.index("streams_playing")
_STREAMS_UNMATCHED = COUNTERS.index("streams_unmatched")


@borrowing
def attribute(book: Book, place: Place, due: Due, limits: Limits) -> None:
    """Attribute a stream to the exposure that led to it, if any; it corrects an exposure that has settled."""
    stream, number = book.streams[place], due.counts[2]
    owner = Place(stream["listener"])
    listener = book.listeners[owner]
    note_change(book, owner)
    impression, index = _exposure_of(book, place, limits.attribution_ms)
    handed_on = due.streams[number]
    handed_on["user"], handed_on["user_end"] = listener["start"], listener["end"]
    event_ms = event_ms_of(book.text, stream["start"])
    played_ms = played_ms_of(book.text, stream["start"])
    handed_on["start"], handed_on["end"] = text_span(book.text, stream["start"] + STREAM_ID_AT)
    handed_on["event_ms"], handed_on["played_ms"] = event_ms, played_ms
    handed_on["card"], handed_on["page"], handed_on["is_correction"] = stream["card"], NO_TEXT, False
    at = state_at(book.text, stream["start"])
    is_playing = is_playing_at(book.text, at)
    handed_on["is_playing"] = is_playing
    book.counters[_STREAMS_PLAYING] += is_playing
    due.stream_offsets[number + 1], _ = copy_plays(
        book, owner, event_ms, event_ms, limits.plays_max, due.stream_plays, due.stream_offsets[number]
    )
    due.counts[2] = number + 1
    if impression != NONE:
        shown = book.impressions[impression]
        exposure = book.exposures[shown["exposures"] + index]
        handed_on["page"], handed_on["page_end"], handed_on["exposure"] = shown["start"], shown["end"], index
        handed_on["impression"], handed_on["serial"] = impression, shown["serial"]
        handed_on["kept"] = shown["exposures"] + index
        handed_on["previous_ms"] = exposure["played_ms"]
        if not exposure["streams"]:
            note_streamed(book, impression)
        heard_ms = _heard_before(book, place)
        counted_ms: Index = exposure["played_ms"] if limits.longest_only else max(heard_ms, 0)
        gained_ms: Index = max(played_ms - counted_ms, 0)
        exposure["played_ms"] += gained_ms
        # a client may tell of one stream under two exposures: each has had it then
        is_first = heard_ms == NONE or exposure["streams"] == 0
        exposure["streams"] += is_first
        handed_on["total_ms"], handed_on["stream_count"] = exposure["played_ms"], exposure["streams"]
        is_correction = shown["is_settled"] and (gained_ms > 0 or is_first)
        handed_on["is_correction"] = is_correction
        book.counters[_STREAMS_ATTRIBUTED] += not is_playing
        book.counters[_OUTCOMES_CORRECTED] += is_correction
    elif state_of(book.text, at) == PENDING:
        book.counters[_STREAMS_ORGANIC] += not is_playing
    else:
        book.counters[_STREAMS_UNMATCHED] += not is_playing
    end_pending(book, place, ORGANIC if is_playing and impression == NONE else ATTRIBUTED)


@borrowing
def _heard_before(book: Book, place: Place) -> int:
    """Time of a stream that its exposure has been given already, while it was playing; -1 if there is none.

    Whatever the order in which its records come, the longest counts. They are of one stream if they name it, its card
    and its start alike.
    """
    stream, text = book.streams[place], book.text
    listener, heard_ms = book.listeners[stream["listener"]], np.int64(NONE)
    if not listener["playing_count"]:
        return NONE
    own_start, own_end = text_span(text, same_stream_at(text, stream["start"]))
    started_ms = started_ms_of(text, stream["start"])
    for number in range(listener["plays"], listener["plays"] + listener["plays_count"]):
        start = book.plays[number]["start"]
        if book.plays[number]["card"] != stream["card"] or started_ms_of(text, start) != started_ms:
            continue
        other_start, other_end = text_span(text, same_stream_at(text, start))
        is_counted = state_of(text, state_at(text, start)) == ATTRIBUTED
        if is_counted and same_text(text, own_start, own_end, text, other_start, other_end):
            heard_ms = max(heard_ms, np.int64(played_ms_of(text, start)))
    return int(heard_ms)


@borrowing
def _exposure_of(book: Book, place: Place, attribution_ms: Index) -> tuple[Place, Place]:
    """The impression and exposure that led to a stream: the one it names, else the newest of its card before it began.

    An impression that was shown after the stream had ended is never the cause.
    """
    stream, text = book.streams[place], book.text
    owner = Place(stream["listener"])
    at = state_at(text, stream["start"])
    if state_of(text, at) == PENDING_NAMED:
        start, end = text_span(text, named_at(text, stream["start"]))
        named = find_impression(book, owner, owned_hash(text, start, end, owner), text, start, end)
        if named != NONE and book.impressions[named]["shown_ms"] <= event_ms_of(text, stream["start"]):
            index = _index_of(book, named, stream["card"])
            if index != NONE:
                return named, index
        return NONE, NONE
    best, best_index = Place(NONE), Place(NONE)
    candidate, started_ms = Place(book.listeners[owner]["impression"]), started_ms_of(text, stream["start"])
    while candidate != NONE:
        shown = book.impressions[candidate]
        since_shown_ms = started_ms - shown["shown_ms"]
        if 0 <= since_shown_ms <= attribution_ms and (best == NONE or _is_newer(book, candidate, best)):
            index = _index_of(book, candidate, stream["card"])
            if index != NONE:
                best, best_index = candidate, index
        candidate = Place(shown["next"])
    return best, best_index


@borrowing
def _index_of(book: Book, place: Place, card: Place) -> Place:
    impression = book.impressions[place]
    for index in range(impression["count"]):
        if book.exposures[impression["exposures"] + index]["card"] == card:
            return Place(index)
    return NONE


@borrowing
def _is_newer(book: Book, place: Place, other: Index) -> bool:
    """Whether an impression is newer than another; equal times are ordered by id."""
    one, two, text = book.impressions[place], book.impressions[other], book.text
    if one["shown_ms"] != two["shown_ms"]:
        return bool(one["shown_ms"] > two["shown_ms"])
    start, end = text_span(text, one["start"] + PAGE_ID_AT)
    other_start, other_end = text_span(text, two["start"] + PAGE_ID_AT)
    return is_later_text(text, start, end, other_start, other_end)
