"""Places in the book: taken, found, linked and given back; the agenda, and how far event time has come."""

from typing import Any, NamedTuple

import numpy as np

from processors.cocluster.arrays import Index, IntArray
from processors.compiled import compiled, inlined
from processors.settlement.book import IMPRESSIONS, NONE, Book, keep_text, put, same_text, take_out
from processors.settlement.page import ID_AT
from processors.wire.binary import text_end
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of

ATTRIBUTE, SETTLE, FORGET = 0, 1, 2
"""What there is to do at an appointment; at the same moment in this order."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_KIND_SHIFT = np.uint64(62)


class Limits(NamedTuple):
    """The settings of settlement, as compiled code takes them."""

    horizon_ms: int
    attribution_ms: int
    correction_ms: int
    lateness_ms: int
    plays_max: int
    listeners_max: int
    exposures_max: int


@compiled
def rise(book: Book, lateness_ms: Index) -> None:
    """Let the watermark follow the slowest source that is not idle; where all are, the newest."""
    slowest_ms, newest_ms, is_any_counted = np.int64(-1), np.int64(-1), False
    for source in range(len(book.clocks)):
        source_ms = book.clocks[source, 0]
        newest_ms = max(newest_ms, source_ms)
        if not book.clocks[source, 2]:
            slowest_ms = min(slowest_ms, source_ms) if is_any_counted else source_ms
            is_any_counted = True
    reached_ms = slowest_ms if is_any_counted else newest_ms
    if reached_ms >= 0:
        totals = book.totals[0]
        totals["watermark_ms"] = max(totals["watermark_ms"], reached_ms - lateness_ms)


@compiled
def observe(book: Book, source: Index, event_ms: Index, lateness_ms: Index) -> None:
    """Take note that a source has delivered an event of this time."""
    clocks = book.clocks
    clocks[source, 1] = 0
    if event_ms > clocks[source, 0] or clocks[source, 2]:
        clocks[source, 0] = max(clocks[source, 0], event_ms)
        clocks[source, 2] = 0
        rise(book, lateness_ms)


@compiled
def touch(book: Book, data: IntArray, start: Index, end: Index) -> int:
    """Place of the listener of this name, new or not; now the most recent."""
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
    return int(found)


@compiled
def find_listener(book: Book, data: IntArray, start: Index, end: Index) -> int:
    """Place of the listener of this name; -1 where there is none."""
    return _find_listener(book, hash_of(address_of(data), start, end), data, start, end)


@compiled
def _find_listener(book: Book, key: Any, data: IntArray, start: Index, end: Index) -> int:
    index = book.listener_index
    mask = len(index) - 1
    at = np.int64(key & np.uint64(mask))
    while index[at] != NONE:
        row = book.listeners[index[at]]
        if row["hash"] == key and same_text(book.text, row["start"], row["end"], data, start, end):
            return int(index[at])
        at = (at + 1) & mask
    return NONE


@compiled
def new_listener(book: Book, key: Any, start: Index, length: Index) -> int:
    """Take a place for a listener whose name is in the text already; it stands in no line yet."""
    totals = book.totals[0]
    place = np.int64(totals["listeners_free"])
    if place == NONE:
        place = totals["listeners_top"]
        totals["listeners_top"] = place + 1
    else:
        totals["listeners_free"] = book.listeners[place]["next"]
    totals["listeners"] += 1
    listener = book.listeners[place]
    listener["start"], listener["end"], listener["hash"] = start, start + length, key
    listener["touch"] = listener["event_count"] = listener["newest_ms"] = 0
    listener["impressions_offset"] = listener["stream_ends_offset"] = -1
    listener["stream"] = listener["impression"] = NONE
    listener["is_changed"] = listener["awaits_page"] = listener["has_row"] = False
    put(book.listener_index, key, place)
    return int(place)


@compiled
def _leave_line(book: Book, place: Index) -> None:
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


@compiled
def join_line(book: Book, place: Index) -> None:
    """Put a listener who stands in no line at the end of it, where the most recent stand."""
    totals, listener = book.totals[0], book.listeners[place]
    last = totals["most_recent"]
    listener["earlier"], listener["later"] = last, NONE
    if last == NONE:
        totals["least_recent"] = place
    else:
        book.listeners[last]["later"] = place
    totals["most_recent"] = place


@compiled
def drop_listener(book: Book, place: Index) -> None:
    """Give a listener's place back, who has no streams and no impressions any more."""
    totals, listener = book.totals[0], book.listeners[place]
    _leave_line(book, place)
    take_out(book.listener_index, book.listeners, place)
    if listener["has_row"]:
        note_gone(book, listener["start"], listener["end"], NONE)
    totals["text_dead"] += listener["end"] - listener["start"]
    totals["listeners"] -= 1
    listener["is_changed"] = listener["awaits_page"] = False
    listener["next"] = totals["listeners_free"]
    totals["listeners_free"] = place


@inlined
def note_change(book: Book, place: Index) -> None:
    """The listener's row is to be written."""
    listener = book.listeners[place]
    if not listener["is_changed"]:
        totals = book.totals[0]
        listener["is_changed"] = True
        book.changed[totals["changed"]] = place
        totals["changed"] += 1


@inlined
def note_waiting(book: Book, place: Index) -> None:
    """The listener awaits a page."""
    listener = book.listeners[place]
    if not listener["awaits_page"]:
        totals = book.totals[0]
        listener["awaits_page"] = True
        book.waiting[totals["waiting"]] = place
        totals["waiting"] += 1


@compiled
def note_gone(book: Book, start: Index, end: Index, page: Index) -> None:
    """A row is to be deleted, of this listener or of one of its pages."""
    totals = book.totals[0]
    gone = book.gone[totals["gone"]]
    gone["start"], gone["end"], gone["page"] = start, end, page
    totals["gone"] += 1


@compiled
def accept(book: Book, place: Index, source: Index, offset: Index, event_ms: Index) -> None:
    """Count an event of a listener that is neither too late nor known."""
    listener = book.listeners[place]
    listener["event_count"] += 1
    listener["newest_ms"] = max(listener["newest_ms"], event_ms)
    if source == IMPRESSIONS:
        listener["impressions_offset"] = max(listener["impressions_offset"], offset)
    else:
        listener["stream_ends_offset"] = max(listener["stream_ends_offset"], offset)
    note_waiting(book, place)


@inlined
def owned_hash(data: IntArray, start: Index, end: Index, listener: Index) -> np.uint64:
    """Hash of an id among those of all listeners."""
    return hash_of(address_of(data), start, end) ^ (np.uint64(listener + 1) * _GOLDEN)


@compiled
def find_impression(book: Book, listener: Index, key: Any, data: IntArray, start: Index, end: Index) -> int:
    """Place of a listener's impression of this id; -1 where there is none."""
    index, text = book.impression_index, book.text
    mask = len(index) - 1
    at = np.int64(key & np.uint64(mask))
    while index[at] != NONE:
        row = book.impressions[index[at]]
        if row["hash"] == key and row["listener"] == listener:
            first = row["start"] + ID_AT
            if same_text(text, first + 2, text_end(text, first), data, start, end):
                return int(index[at])
        at = (at + 1) & mask
    return NONE


@compiled
def find_stream(book: Book, listener: Index, key: Any, data: IntArray, start: Index, end: Index) -> int:
    """Place of a listener's stream of this id; -1 where there is none."""
    index = book.stream_index
    mask = len(index) - 1
    at = np.int64(key & np.uint64(mask))
    while index[at] != NONE:
        row = book.streams[index[at]]
        is_owned = row["hash"] == key and row["listener"] == listener
        if is_owned and same_text(book.text, row["start"], row["end"], data, start, end):
            return int(index[at])
        at = (at + 1) & mask
    return NONE


@compiled
def new_impression(book: Book, listener: Index, key: Any, start: Index, end: Index, count: Index) -> int:
    """Take a place for an impression whose page is in the text already, and for its exposures."""
    totals = book.totals[0]
    place = np.int64(totals["impressions_free"])
    if place == NONE:
        place = totals["impressions_top"]
        totals["impressions_top"] = place + 1
    else:
        totals["impressions_free"] = book.impressions[place]["next"]
    totals["impressions"] += 1
    totals["exposures_open"] += count
    owner, impression = book.listeners[listener], book.impressions[place]
    impression["start"], impression["end"], impression["hash"] = start, end, key
    impression["exposures"], impression["count"] = totals["exposures_used"], count
    totals["exposures_used"] += count
    impression["listener"] = listener
    impression["is_settled"] = impression["has_row"] = False
    impression["previous"], impression["next"] = NONE, owner["impression"]
    if owner["impression"] != NONE:
        book.impressions[owner["impression"]]["previous"] = place
    owner["impression"] = place
    put(book.impression_index, key, place)
    return int(place)


@compiled
def drop_impression(book: Book, place: Index) -> None:
    """Forget an impression and its exposures."""
    totals, impression = book.totals[0], book.impressions[place]
    owner = book.listeners[impression["listener"]]
    before, after = impression["previous"], impression["next"]
    if before == NONE:
        owner["impression"] = after
    else:
        book.impressions[before]["next"] = after
    if after != NONE:
        book.impressions[after]["previous"] = before
    take_out(book.impression_index, book.impressions, place)
    if impression["has_row"]:
        note_gone(book, owner["start"], owner["end"], impression["start"])
    totals["impressions"] -= 1
    totals["exposures_open"] -= impression["count"]
    totals["exposures_dead"] += impression["count"]
    totals["text_dead"] += impression["end"] - impression["start"]
    impression["serial"] += 1
    impression["next"] = totals["impressions_free"]
    totals["impressions_free"] = place


@compiled
def new_stream(book: Book, listener: Index, key: Any, start: Index, end: Index, event_ms: Index) -> int:
    """Take a place for a stream whose id is in the text already, and put it among those of its listener."""
    totals, streams = book.totals[0], book.streams
    place = np.int64(totals["streams_free"])
    if place == NONE:
        place = totals["streams_top"]
        totals["streams_top"] = place + 1
    else:
        totals["streams_free"] = streams[place]["next"]
    totals["streams"] += 1
    stream = streams[place]
    stream["start"], stream["end"], stream["hash"] = start, end, key
    stream["event_ms"], stream["listener"] = event_ms, listener
    before, after = np.int64(NONE), np.int64(book.listeners[listener]["stream"])
    while after != NONE and _ended_after(book, after, place):
        before, after = after, np.int64(streams[after]["next"])
    stream["next"] = after
    if before == NONE:
        book.listeners[listener]["stream"] = place
    else:
        streams[before]["next"] = place
    put(book.stream_index, key, place)
    return int(place)


@inlined
def _ended_after(book: Book, place: Index, other: Index) -> bool:
    """Whether a stream comes after another, by when they ended and by their ids."""
    one, two = book.streams[place], book.streams[other]
    if one["event_ms"] != two["event_ms"]:
        return bool(one["event_ms"] > two["event_ms"])
    return bool(prefix(book.text, one["start"], one["end"]) > prefix(book.text, two["start"], two["end"]))


@compiled
def drop_stream(book: Book, place: Index) -> None:
    """Forget a stream that is in no list any more."""
    totals, stream = book.totals[0], book.streams[place]
    take_out(book.stream_index, book.streams, place)
    totals["streams"] -= 1
    totals["text_dead"] += stream["end"] - stream["start"]
    stream["serial"] += 1
    stream["next"] = totals["streams_free"]
    totals["streams_free"] = place


@compiled
def prefix(text: IntArray, start: Index, end: Index) -> np.uint64:
    """The first seven bytes of a text as a number that sorts as they do."""
    word = np.uint64(0)
    for offset in range(7):
        word <<= np.uint64(8)
        if start + offset < end:
            word |= np.uint64(text[start + offset])
    return word


@compiled
def appoint(book: Book, event_ms: Index, kind: Index, place: Index, serial: Index, start: Index, end: Index) -> None:
    """Put something on the agenda; at the same moment the kind decides what comes first, then the name."""
    totals, agenda = book.totals[0], book.agenda
    tie = (np.uint64(kind) << _KIND_SHIFT) | prefix(book.text, start, end)
    at = np.int64(totals["agenda"])
    totals["agenda"] = at + 1
    while at > 0:
        above = (at - 1) // 2
        parent = agenda[above]
        if parent["event_ms"] < event_ms or (parent["event_ms"] == event_ms and parent["tie"] <= tie):
            break
        agenda[at] = agenda[above]
        at = above
    entry = agenda[at]
    entry["event_ms"], entry["tie"], entry["place"], entry["serial"] = event_ms, tie, place, serial


@inlined
def kind_of(tie: Any) -> int:
    """What there is to do."""
    return int(tie >> _KIND_SHIFT)


@compiled
def strike_first(book: Book) -> None:
    """Take the first appointment off the agenda."""
    totals, agenda = book.totals[0], book.agenda
    count = np.int64(totals["agenda"]) - 1
    totals["agenda"] = count
    last_ms, last_tie = agenda[count]["event_ms"], agenda[count]["tie"]
    at = np.int64(0)
    while True:
        below = 2 * at + 1
        if below >= count:
            break
        if below + 1 < count and _is_before(agenda[below + 1], agenda[below]):
            below += 1
        child = agenda[below]
        if last_ms < child["event_ms"] or (last_ms == child["event_ms"] and last_tie <= child["tie"]):
            break
        agenda[at] = agenda[below]
        at = below
    agenda[at] = agenda[count]


@inlined
def _is_before(one: Any, other: Any) -> bool:
    return bool(
        one["event_ms"] < other["event_ms"] or (one["event_ms"] == other["event_ms"] and one["tie"] < other["tie"])
    )
