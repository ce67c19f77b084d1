"""Writes all rows of a transaction, keys and values concatenated; compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.arrays import BoolArray, Index
from processors.compiled import borrowing, fused, inlined
from processors.settlement.book import Book
from processors.settlement.layout import HASH_AHEAD, NONE
from processors.settlement.limits import Limits
from processors.settlement.listener_rows import write_row
from processors.settlement.page import ID_AT
from processors.wire.binary import get_int, put_int, text_end
from processors.wire.loads import address_of, copy_words

_LISTENER, _IMPRESSION = (int.from_bytes(kind, "little") for kind in (b"l/", b"i/"))
_SEPARATOR = 0


class WrittenRows(NamedTuple):
    """n rows: key i is `keys[key_ends[i - 1]:key_ends[i]]`, likewise for values; a deleted row has no value."""

    keys: NDArray[np.uint8]
    key_ends: NDArray[np.int64]
    values: NDArray[np.uint8]
    value_ends: NDArray[np.int64]
    is_deleted: BoolArray


def row_columns(book: Book, limits: Limits) -> WrittenRows:
    """Rows changed since the last call, deletions first; drops streams that are no longer needed."""
    count, key_bytes, value_bytes = room_needed(book)
    keys, values = (np.empty(size + HASH_AHEAD, dtype=np.uint8) for size in (key_bytes, value_bytes))
    key_ends, value_ends = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    rows = WrittenRows(keys, key_ends, values, value_ends, np.zeros(count, dtype=np.bool_))
    used = write_rows(book, limits, rows)
    return WrittenRows(
        keys[: key_ends[used - 1] if used else 0],
        key_ends[:used],
        values[: value_ends[used - 1] if used else 0],
        value_ends[:used],
        rows.is_deleted[:used],
    )


@borrowing
def room_needed(book: Book) -> tuple[int, int, int]:
    """Upper bounds of the number of rows, and of the bytes of keys and values."""
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
        listener = book.listeners[book.changed[number]]
        if listener["is_changed"]:
            key_bytes += _key_bytes(book, listener["end"] - listener["start"], NONE)
            value_bytes += listener["row_bytes"]
    rows = totals["gone"] + totals["opened"] + totals["changed"]
    return int(rows), int(key_bytes), int(value_bytes)


@inlined
def _key_bytes(book: Book, user_bytes: Index, page: Index) -> int:
    size = 2 + user_bytes
    if page != NONE:
        size += 1 + get_int(book.text, page + ID_AT, 2)
    return int(size)


@borrowing
def write_rows(book: Book, limits: Limits, rows: WrittenRows) -> int:
    """Write the rows and clear all marks of change; returns their number."""
    totals, count, text = book.totals[0], 0, address_of(book.text)
    keys, values = address_of(rows.keys), address_of(rows.values)
    at: Index = np.int64(0)
    end: Index = np.int64(0)
    for number in range(totals["gone"]):
        gone = book.gone[number]
        at = _write_key(book, gone["start"], gone["end"], gone["page"], keys, at)
        rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, True
        count += 1
    for number in range(totals["opened"]):
        impression = book.impressions[book.opened[number, 0]]
        if impression["serial"] == book.opened[number, 1]:
            owner, start = book.listeners[impression["listener"]], impression["start"]
            at = _write_key(book, owner["start"], owner["end"], start, keys, at)
            end = copy_words(values, end, text, start, impression["end"])
            impression["has_row"] = True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    for number in range(totals["changed"]):
        place = np.int64(book.changed[number])
        listener = book.listeners[place]
        if listener["is_changed"]:
            at = _write_key(book, listener["start"], listener["end"], NONE, keys, at)
            end = write_row(book, place, limits, values, end)
            listener["is_changed"], listener["has_row"] = False, True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    totals["gone"] = totals["opened"] = totals["changed"] = 0
    return count


@fused
def _write_key(book: Book, start: Index, end: Index, page: Index, out: int, at: Index) -> int:
    text = address_of(book.text)
    at = put_int(out, at, _LISTENER if page == NONE else _IMPRESSION, 2)
    at = copy_words(out, at, text, start, end)
    if page == NONE:
        return at
    id_at = page + ID_AT
    return copy_words(out, put_int(out, at, _SEPARATOR, 1), text, id_at + 2, text_end(book.text, id_at))
