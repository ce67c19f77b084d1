"""The arms of a test in which due pages and streams were shown, as numbers."""

import numpy as np

from processors.arrays import IntArray
from processors.compiled import borrowing, compiled
from processors.settlement.book import Book
from processors.settlement.layout import NONE
from processors.settlement.names import Names, names_from, names_with_room, new_names, number_of
from processors.settlement.page import variant_at
from processors.wire.binary import text_end
from schemas.variant_names import in_metrics


def variants_of(book: Book, pages: IntArray, otherwise: str) -> tuple[list[str], IntArray]:
    """Names of variants in metrics, and for each page [n] (where it begins in the book's text) its variant's number.

    That of page -1 is `otherwise`.
    """
    pages = np.ascontiguousarray(pages)  # of few a column is contiguous as it is: one type for all
    names = names_with_room(new_names(), len(pages), bytes_of_variants(book, pages))
    numbers = number_variants(book, pages, names)
    return [otherwise, *map(in_metrics, names_from(names, 0))], numbers


@borrowing
def bytes_of_variants(book: Book, pages: IntArray) -> int:
    """Room that the names may take."""
    size = 0
    for page in pages:
        if page != NONE:
            at = variant_at(book.text, page)
            size += text_end(book.text, at) - at
    return size


@compiled
def number_variants(book: Book, pages: IntArray, names: Names) -> IntArray:
    """Number each page's variant from one on; 0 where there is no page."""
    numbers = np.zeros(len(pages), dtype=np.int64)
    for place in range(len(pages)):
        if pages[place] != NONE:
            at = variant_at(book.text, pages[place])
            numbers[place] = 1 + number_of(names, book.text, at + 2, text_end(book.text, at))
    return numbers
