"""Processes the agenda up to the watermark: attributes streams, settles exposures, drops impressions; and evicts."""

from processors.arrays import Index, Place
from processors.compiled import borrowing
from processors.settlement.book.agenda import ATTRIBUTE, SETTLE, kind_of, strike_first
from processors.settlement.book.book import COUNTERS, Book
from processors.settlement.book.event_places import (
    drop_impression,
    drop_stream,
)
from processors.settlement.book.layout import NONE
from processors.settlement.book.listener_places import drop_listener
from processors.settlement.book.plays import copy_plays
from processors.settlement.output.due import Due
from processors.settlement.rules.attribution import attribute
from processors.settlement.rules.limits import Limits

_EXPOSURES_EVICTED = COUNTERS.index("exposures_evicted")
_LISTENERS_EVICTED = COUNTERS.index("listeners_evicted")
_LISTENERS_OVERSIZED = COUNTERS.index("listeners_oversized")
_OUTCOMES_SETTLED = COUNTERS.index("outcomes_settled")


@borrowing
def advance(book: Book, due: Due, limits: Limits) -> bool:
    """Process the agenda up to the watermark, then evict what exceeds the limits; false if `due` is full.

    In that case call it again with a larger `due`.
    """
    totals = book.totals[0]
    while totals["agenda"] and book.agenda[0]["event_ms"] <= totals["watermark_ms"]:
        if not _keep_appointment(book, due, limits):
            return False
        strike_first(book)
    while totals["leaving"] != NONE or _choose_leaving(book, limits):
        if not _evict_some(book, totals["leaving"], due, limits):
            return False
    return True


@borrowing
def _keep_appointment(book: Book, due: Due, limits: Limits) -> bool:
    """Process the first entry of the agenda unless it is stale; false if `due` is full."""
    entry = book.agenda[0]
    kind, place = kind_of(entry["tie"]), entry["place"]
    if kind == ATTRIBUTE:
        if book.streams[place]["serial"] == entry["serial"] and book.streams[place]["is_pending"]:
            if not _has_room(due, 0, limits):
                return False
            attribute(book, place, due, limits)
    elif book.impressions[place]["serial"] == entry["serial"]:
        if kind == SETTLE:
            if not _has_room(due, book.impressions[place]["count"], limits):
                return False
            _settle(book, place, due, limits)
        else:
            drop_impression(book, place)
    return True


@borrowing
def _choose_leaving(book: Book, limits: Limits) -> bool:
    """Set the next listener to evict in the totals, if any: the least recent, or one whose state is too large."""
    totals = book.totals[0]
    if _is_overfull(book, limits):
        totals["leaving"] = totals["least_recent"]
        return True
    for number in range(totals["changed"]):
        listener = book.listeners[book.changed[number]]
        if listener["is_changed"] and listener["row_bytes"] > limits.listener_bytes_max:
            totals["leaving"] = book.changed[number]
            book.counters[_LISTENERS_OVERSIZED] += 1
            return True
    return False


@borrowing
def _is_overfull(book: Book, limits: Limits) -> bool:
    totals = book.totals[0]
    return bool(
        totals["listeners"]
        and (totals["listeners"] > limits.listeners_max or totals["exposures_open"] > limits.exposures_max)
    )


@borrowing
def _has_room(due: Due, exposures: Index, limits: Limits) -> bool:
    pages, used, streams = due.counts
    return bool(
        pages < len(due.pages)
        and streams < len(due.streams)
        and used + exposures <= len(due.exposures)
        and due.page_offsets[pages] + limits.plays_max <= len(due.page_plays)
        and due.stream_offsets[streams] + limits.plays_max <= len(due.stream_plays)
    )


@borrowing
def _evict_some(book: Book, place: Place, due: Due, limits: Limits) -> bool:
    """Evict a listener in steps: attribute and settle what is open, then drop the listener; false if `due` is full."""
    listener = book.listeners[place]
    first, oldest_pending = Place(listener["plays"]), Place(NONE)
    for at in range(first, first + listener["plays_count"]):
        if book.streams[book.plays[at]["stream"]]["is_pending"]:
            oldest_pending = Place(book.plays[at]["stream"])
            break
    if oldest_pending != NONE:
        if not _has_room(due, 0, limits):
            return False
        attribute(book, oldest_pending, due, limits)
    elif listener["impression"] != NONE:
        impression = book.impressions[listener["impression"]]
        if not impression["is_settled"]:
            if not _has_room(due, impression["count"], limits):
                return False
            book.counters[_EXPOSURES_EVICTED] += impression["count"]
            _settle(book, listener["impression"], due, limits)
        drop_impression(book, listener["impression"])
    else:
        for at in range(first, first + listener["plays_count"]):
            drop_stream(book, Place(book.plays[at]["stream"]))
        drop_listener(book, place)
        book.totals[0]["leaving"] = NONE
        book.counters[_LISTENERS_EVICTED] += 1
    return True


@borrowing
def _settle(book: Book, place: Place, due: Due, limits: Limits) -> None:
    impression, number = book.impressions[place], due.counts[0]
    owner = Place(impression["listener"])
    listener = book.listeners[owner]
    impression["is_settled"] = True
    book.counters[_OUTCOMES_SETTLED] += impression["count"]
    page = due.pages[number]
    page["user"], page["user_end"], page["page"] = listener["start"], listener["end"], impression["start"]
    page["shown_ms"], page["settled_ms"] = impression["shown_ms"], impression["shown_ms"] + limits.horizon_ms
    page["page_end"], page["kept"] = impression["end"], impression["exposures"]
    page["impression"], page["serial"] = place, impression["serial"]
    page["exposures"], page["count"] = due.counts[1], impression["count"]
    first = due.page_offsets[number]
    last, shown_last = copy_plays(
        book, owner, page["settled_ms"], page["shown_ms"], limits.plays_max, due.page_plays, first
    )
    due.page_offsets[number + 1], page["shown_plays"] = last, shown_last - first
    page["is_grouped"] = impression["is_grouped"]
    for offset in range(impression["count"]):
        kept, handed_on = book.exposures[impression["exposures"] + offset], due.exposures[due.counts[1] + offset]
        handed_on["played_ms"], handed_on["streams"], handed_on["card"] = (
            kept["played_ms"],
            kept["streams"],
            kept["card"],
        )
        handed_on["is_discovery"] = True
        for play in range(first, shown_last):
            if due.page_plays[play]["card"] == kept["card"]:
                handed_on["is_discovery"] = False
    due.counts[0] = number + 1
    due.counts[1] += impression["count"]
