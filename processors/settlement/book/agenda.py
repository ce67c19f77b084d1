"""The agenda: a binary heap of pending work, ordered by event time."""

from typing import Any

import numpy as np

from processors.arrays import Index, IntArray, Offset, Place
from processors.compiled import borrowing, fused, inlined
from processors.settlement.book.book import Book
from processors.settlement.book.layout import Records
from processors.settlement.book.names import is_later_text
from processors.settlement.book.page import PAGE_ID_AT
from processors.settlement.book.stream_text import STREAM_ID_AT
from processors.wire.binary import text_span

ATTRIBUTE, SETTLE, FORGET = 0, 1, 2
"""Kinds of entries; entries of the same time are processed in this order."""
_KIND_SHIFT = np.uint64(62)


@borrowing
def appoint(book: Book, event_ms: Index, kind: Index, place: Place, serial: Index) -> None:
    """Add an entry; entries of the same time are ordered by kind, then by id."""
    totals, agenda = book.totals[0], book.agenda
    at = np.int64(totals["agenda"])
    totals["agenda"] = at + 1
    entry = agenda[at]
    entry["event_ms"], entry["place"], entry["serial"] = event_ms, place, serial
    start, end = _id_of(book, kind, place, serial)
    entry["tie"] = (np.uint64(kind) << _KIND_SHIFT) | prefix(book.text, start, end)
    while at > 0:
        above = (at - 1) // 2
        if not _is_before(book, agenda[at], agenda[above]):
            break
        _swap(agenda, at, above)
        at = above


@inlined
def kind_of(tie: Any) -> int:
    """The kind of an entry: the upper bits of its tie-breaker, above 56 bits of the id's prefix."""
    return int(np.int64(tie >> _KIND_SHIFT))


@borrowing
def strike_first(book: Book) -> None:
    """Remove the first entry."""
    totals, agenda = book.totals[0], book.agenda
    count = np.int64(totals["agenda"]) - 1
    totals["agenda"] = count
    agenda[0] = agenda[count]
    at = np.int64(0)
    while True:
        below = 2 * at + 1
        if below >= count:
            break
        if below + 1 < count and _is_before(book, agenda[below + 1], agenda[below]):
            below += 1
        if not _is_before(book, agenda[below], agenda[at]):
            break
        _swap(agenda, at, below)
        at = below


@inlined
def _swap(agenda: Records, one: Index, other: Index) -> None:
    # these are views: the fields of the first must be copied before it is overwritten
    first, second = agenda[one], agenda[other]
    event_ms, tie, place, serial = first["event_ms"], first["tie"], first["place"], first["serial"]
    agenda[one] = agenda[other]
    second["event_ms"], second["tie"], second["place"], second["serial"] = event_ms, tie, place, serial


@fused
def _is_before(book: Book, one: Any, other: Any) -> bool:
    """Whether one entry precedes another; full ids are compared only if time, kind and id prefix are equal."""
    if one["event_ms"] != other["event_ms"]:
        return bool(one["event_ms"] < other["event_ms"])
    if one["tie"] != other["tie"]:
        return bool(one["tie"] < other["tie"])
    return _has_earlier_id(book, one, other)


@borrowing
def _has_earlier_id(book: Book, one: Any, other: Any) -> bool:
    kind = kind_of(one["tie"])
    start, end = _id_of(book, kind, one["place"], one["serial"])
    other_start, other_end = _id_of(book, kind, other["place"], other["serial"])
    return is_later_text(book.text, other_start, other_end, start, end)


@borrowing
def _id_of(book: Book, kind: Index, place: Place, serial: Index) -> tuple[Offset, Offset]:
    """Span of the id of a stream or an impression in the text; empty if its record has been dropped."""
    if kind == ATTRIBUTE:
        stream = book.streams[place]
        is_known, first = stream["serial"] == serial, stream["start"] + STREAM_ID_AT
    else:
        impression = book.impressions[place]
        is_known, first = impression["serial"] == serial, impression["start"] + PAGE_ID_AT
    return text_span(book.text, first) if is_known else (Offset(0), Offset(0))


@borrowing
def prefix(text: IntArray, start: Offset, end: Offset) -> np.uint64:
    """The first seven bytes of a text as an integer with the same order."""
    word = np.uint64(0)
    for offset in range(7):
        word <<= np.uint64(8)
        if start + offset < end:
            word |= np.uint64(text[start + offset])
    return word
