"""Writes all rows of a transaction, keys and values concatenated; compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.arrays import BoolArray, Offset, Place
from processors.compiled import borrowing
from processors.settlement.book.book import Book
from processors.settlement.book.layout import HASH_AHEAD, NO_TEXT
from processors.settlement.rules.limits import Limits
from processors.settlement.state.listener_rows import write_row
from processors.settlement.state.row_keys import key_bytes, put_key
from processors.wire.loads import address_of, copy_words


class WrittenRows(NamedTuple):
    """n rows: key i is `keys[key_ends[i - 1]:key_ends[i]]`, likewise for values; a deleted row has no value."""

    keys: NDArray[np.uint8]
    key_ends: NDArray[np.int64]
    values: NDArray[np.uint8]
    value_ends: NDArray[np.int64]
    is_deleted: BoolArray


def row_columns(book: Book, limits: Limits) -> WrittenRows:
    """Rows changed since the last call, deletions first; drops streams that are no longer needed."""
    count, *sizes = room_needed(book)
    keys, values = (np.empty(size + HASH_AHEAD, dtype=np.uint8) for size in sizes)
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
    totals, keys, values = book.totals[0], np.int64(0), np.int64(0)
    for number in range(totals["gone"]):
        gone = book.gone[number]
        keys += key_bytes(book, gone["end"] - gone["start"], gone["page"])
    for number in range(totals["opened"]):
        impression = book.impressions[book.opened[number, 0]]
        if impression["serial"] == book.opened[number, 1]:
            owner = book.listeners[impression["listener"]]
            keys += key_bytes(book, owner["end"] - owner["start"], impression["start"])
            values += impression["end"] - impression["start"]
    for number in range(totals["changed"]):
        listener = book.listeners[book.changed[number]]
        if listener["is_changed"]:
            keys += key_bytes(book, listener["end"] - listener["start"], NO_TEXT)
            values += listener["row_bytes"]
    rows = totals["gone"] + totals["opened"] + totals["changed"]
    return int(rows), int(keys), int(values)


@borrowing
def write_rows(book: Book, limits: Limits, rows: WrittenRows) -> int:
    """Write the rows and clear all marks of change; returns their number."""
    totals, count, text = book.totals[0], 0, address_of(book.text)
    keys, values = address_of(rows.keys), address_of(rows.values)
    at = Offset(0)
    end = Offset(0)
    for number in range(totals["gone"]):
        gone = book.gone[number]
        at = put_key(book, gone["start"], gone["end"], gone["page"], keys, at)
        rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, True
        count += 1
    for number in range(totals["opened"]):
        impression = book.impressions[book.opened[number, 0]]
        if impression["serial"] == book.opened[number, 1]:
            owner, start = book.listeners[impression["listener"]], impression["start"]
            at = put_key(book, owner["start"], owner["end"], start, keys, at)
            end = copy_words(values, end, text, start, impression["end"])
            impression["has_row"] = True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    for number in range(totals["changed"]):
        place = Place(book.changed[number])
        listener = book.listeners[place]
        if listener["is_changed"]:
            at = put_key(book, listener["start"], listener["end"], NO_TEXT, keys, at)
            end = write_row(book, place, limits, values, end)
            listener["is_changed"], listener["has_row"] = False, True
            rows.key_ends[count], rows.value_ends[count], rows.is_deleted[count] = at, end, False
            count += 1
    totals["gone"] = totals["opened"] = totals["changed"] = 0
    return count
