"""The agenda: a heap of what there is to do, by event time."""

from typing import Any

import numpy as np

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, fused, inlined
from processors.settlement.book import Book
from processors.settlement.layout import Records
from processors.settlement.names import is_later_text
from processors.settlement.page import ID_AT
from processors.settlement.stream_text import ID_AT as STREAM_ID_AT
from processors.wire.binary import text_end

ATTRIBUTE, SETTLE, FORGET = 0, 1, 2
"""What there is to do at an appointment; at the same moment in this order."""
_KIND_SHIFT = np.uint64(62)


@borrowing
def appoint(book: Book, event_ms: Index, kind: Index, place: Index, serial: Index) -> None:
    """Put something on the agenda; at the same moment the kind decides what comes first, then the id."""
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
    """What there is to do."""
    return int(tie >> _KIND_SHIFT)


@borrowing
def strike_first(book: Book) -> None:
    """Take the first appointment off the agenda."""
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
    first, second = agenda[one], agenda[other]
    event_ms, tie, place, serial = first["event_ms"], first["tie"], first["place"], first["serial"]
    agenda[one] = agenda[other]
    second["event_ms"], second["tie"], second["place"], second["serial"] = event_ms, tie, place, serial


@fused
def _is_before(book: Book, one: Any, other: Any) -> bool:
    """Whether one comes before another: ids are looked at only where nothing else tells."""
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
def _id_of(book: Book, kind: Index, place: Index, serial: Index) -> tuple[int, int]:
    """Where the id of a stream or an impression stands in the text; nowhere, where it is forgotten by now."""
    if kind == ATTRIBUTE:
        stream = book.streams[place]
        is_known, first = stream["serial"] == serial, stream["start"] + STREAM_ID_AT
    else:
        impression = book.impressions[place]
        is_known, first = impression["serial"] == serial, impression["start"] + ID_AT
    return (int(first + 2), int(text_end(book.text, first))) if is_known else (0, 0)


@borrowing
def prefix(text: IntArray, start: Index, end: Index) -> np.uint64:
    """The first seven bytes of a text as a number that sorts as they do."""
    word = np.uint64(0)
    for offset in range(7):
        word <<= np.uint64(8)
        if start + offset < end:
            word |= np.uint64(text[start + offset])
    return word
