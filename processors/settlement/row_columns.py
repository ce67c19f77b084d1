"""All rows of a transaction end to end: keys and values, written by compiled code."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.cocluster.arrays import BoolArray, Index, IntArray
from processors.compiled import compiled, inlined
from processors.settlement.book import Book
from processors.settlement.layout import NONE
from processors.settlement.limits import Limits
from processors.settlement.listener_rows import forget_streams, row_bytes, write_row
from processors.settlement.page import ID_AT
from processors.wire.binary import get_int

_LISTENER, _IMPRESSION, _SLASH, _SEPARATOR = 108, 105, 47, 0  # l, i, /


class WrittenRows(NamedTuple):
    """n rows: key i is `keys[key_ends[i - 1]:key_ends[i]]`, values likewise; a deleted row has no value."""

    keys: NDArray[np.uint8]
    key_ends: NDArray[np.int64]
    values: NDArray[np.uint8]
    value_ends: NDArray[np.int64]
    is_deleted: BoolArray


def row_columns(book: Book, limits: Limits) -> WrittenRows:
    """Rows of what has changed since this was last asked: deleted ones first."""
    count, key_bytes, value_bytes = measure(book, limits)
    rows = WrittenRows(
        np.empty(key_bytes, dtype=np.uint8),
        np.zeros(count, dtype=np.int64),
        np.empty(value_bytes, dtype=np.uint8),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.bool_),
    )
    used = write_rows(book, rows)
    ends = rows.value_ends[used - 1] if used else 0
    return WrittenRows(
        rows.keys, rows.key_ends[:used], rows.values[:ends], rows.value_ends[:used], rows.is_deleted[:used]
    )


@compiled
def measure(book: Book, limits: Limits) -> tuple[int, int, int]:
    """Forget what no later event can ask for; give the rows there may be, and the room that they need."""
    totals, key_bytes, value_bytes = book.totals[0], np.int64(0), np.int64(0)
    for number in range(totals["gone"]):
        gone = book.gone[number]
        key_bytes += _key_bytes(book, gone["end"] - gone["start"], gone["page"])
    for number in range(totals["opened"]):
        impression = book.impressions[book.opened[number, 0]]
        if impression["serial"] == book.opened[number, 1]:
            owner = book.listeners[impression["listener"]]
            key_bytes += _key_bytes(book, owner["end"] - owner["start"], impression["start"])
            value_bytes += impression["end"] - impression["start"]
    for number in range(totals["changed"]):
        place = book.changed[number]
        listener = book.listeners[place]
        if listener["is_changed"]:
            forget_streams(book, place, limits)
            key_bytes += _key_bytes(book, listener["end"] - listener["start"], NONE)
            value_bytes += row_bytes(book, place)
    rows = totals["gone"] + totals["opened"] + totals["changed"]
    return int(rows), int(key_bytes), int(value_bytes)


@inlined
def _key_bytes(book: Book, user_bytes: Index, page: Index) -> int:
    size = 2 + user_bytes
    if page != NONE:
        size += 1 + get_int(book.text, page + ID_AT, 2)
    return int(size)


@compiled
def write_rows(book: Book, rows: WrittenRows) -> int:
    """Write the rows; afterwards nothing is changed. Gives how many there are."""
    totals, count = book.totals[0], 0
    at: Index = np.int64(0)
    end: Index = np.int64(0)
    for number in range(totals["gone"]):
        gone = book.gone[number]
        at = _write_key(book, gone["start"], gone["end"], gone["page"], rows.keys, at)
        rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, True
        count += 1
    for number in range(totals["opened"]):
        impression = book.impressions[book.opened[number, 0]]
        if impression["serial"] == book.opened[number, 1]:
            owner, start = book.listeners[impression["listener"]], impression["start"]
            at = _write_key(book, owner["start"], owner["end"], start, rows.keys, at)
            for offset in range(impression["end"] - start):
                rows.values[end + offset] = book.text[start + offset]
            end += impression["end"] - start
            impression["has_row"] = True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    for number in range(totals["changed"]):
        place = book.changed[number]
        listener = book.listeners[place]
        if listener["is_changed"]:
            at = _write_key(book, listener["start"], listener["end"], NONE, rows.keys, at)
            end = write_row(book, place, rows.values, end)
            listener["is_changed"], listener["has_row"] = False, True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    totals["gone"] = totals["opened"] = totals["changed"] = 0
    return count


@compiled
def _write_key(book: Book, start: Index, end: Index, page: Index, out: IntArray, at: Index) -> int:
    out[at] = _LISTENER if page == NONE else _IMPRESSION
    out[at + 1] = _SLASH
    at = _copy(book.text, start, end, out, at + 2)
    if page != NONE:
        out[at] = _SEPARATOR
        first = page + ID_AT
        at = _copy(book.text, first + 2, first + 2 + get_int(book.text, first, 2), out, at + 1)
    return int(at)


@inlined
def _copy(text: IntArray, start: Index, end: Index, out: IntArray, at: Index) -> int:
    for offset in range(end - start):
        out[at + offset] = text[start + offset]
    return int(at + end - start)
