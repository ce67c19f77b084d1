"""What all exposures of a due page say alike, written as JSON once: each of them copies it."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing, fused
from processors.settlement.book import Book
from processors.settlement.due import Due
from processors.settlement.layout import HASH_AHEAD
from processors.settlement.page import ID_AT
from processors.wire.binary import get_int, text_end
from processors.wire.json_writer import COMMA, NUMBER_BYTES, put_numbers, put_string, put_whole
from processors.wire.loads import address_of, copy_words

IMPRESSION_ID, USER_ID, SHOWN_MS, SETTLED_MS, USER_WEIGHTS, _END = range(6)
_PAGE_BYTES = 2 * NUMBER_BYTES + 16
_OPEN, _CLOSE = ord("["), ord("]")


class PageParts(NamedTuple):
    """Parts of p pages: part k of page i is `text[starts[i, k]:starts[i, k + 1]]`, a comma after the value."""

    text: IntArray  # uint8
    starts: IntArray  # [p, parts + 1]


def page_parts(book: Book, due: Due, weights: FloatArray) -> PageParts:
    """Parts of all due pages; `weights` [p, G] are the soft groups of their listeners."""
    names = bytes_of_names(book, due)
    room = names + len(due.pages) * (_PAGE_BYTES + weights.shape[1] * NUMBER_BYTES) + HASH_AHEAD
    parts = PageParts(np.empty(room, dtype=np.uint8), np.empty((len(due.pages), _END + 1), dtype=np.int64))
    write_parts(book, due, weights, parts)
    return parts


@borrowing
def bytes_of_names(book: Book, due: Due) -> int:
    """Bytes of the ids of due pages and of their listeners."""
    size = np.int64(0)
    for number in range(len(due.pages)):
        page = due.pages[number]
        size += page["user_end"] - page["user"] + get_int(book.text, page["page"] + ID_AT, 2)
    return int(size)


@borrowing
def write_parts(book: Book, due: Due, weights: FloatArray, parts: PageParts) -> None:
    """Write the parts of each page."""
    text, out = book.text, parts.text
    at: Index = np.int64(0)
    for number in range(len(due.pages)):
        page, starts = due.pages[number], parts.starts[number]
        id_at = page["page"] + ID_AT
        starts[IMPRESSION_ID] = at
        at = starts[USER_ID] = _comma(out, put_string(out, at, text, id_at + 2, text_end(text, id_at)))
        at = starts[SHOWN_MS] = _comma(out, put_string(out, at, text, page["user"], page["user_end"]))
        at = starts[SETTLED_MS] = _comma(out, put_whole(out, at, page["shown_ms"]))
        at = starts[USER_WEIGHTS] = _comma(out, put_whole(out, at, page["settled_ms"]))
        out[at] = _OPEN
        at = put_numbers(out, at + 1, weights[number], weights.shape[1], 6)
        out[at] = _CLOSE
        at = starts[_END] = _comma(out, at + 1)


@fused
def _comma(out: IntArray, at: Index) -> int:
    out[at] = COMMA
    return int(at + 1)


@fused
def put_part(parts: PageParts, part: Index, page: IntArray, chosen: IntArray, out: IntArray, at: Index) -> int:
    """Write a part of the pages of these exposures, with commas between; there are some."""
    data, into = address_of(parts.text), address_of(out)
    for place in range(len(chosen)):
        starts = parts.starts[page[chosen[place]]]
        at = copy_words(into, at, data, starts[part], starts[part + 1])
    return int(at - 1)
