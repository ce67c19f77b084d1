"""Reads kept pages and their exposures as columns; compiled."""

from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray, Offset
from processors.compiled import borrowing, by_reference
from processors.settlement.book.layout import NO_TEXT
from processors.settlement.book.page import (
    PAGE_ID_AT,
    exposure_end,
    exposures_at,
    logged_at,
    order_at,
    order_count,
    propensity_at,
    row_of,
    shelf_at,
    shown_ms_of,
    slot_of,
    variant_at,
)
from processors.settlement.book.state_layouts import ORDER_COUNT
from processors.wire.binary import text_span
from processors.wire.impressions import ORDER


@by_reference
class PageColumns(NamedTuple):
    """Pages [p] with spans of the book's text; all values of page -1 are -1."""

    shown_ms: IntArray  # [p]
    event_id: IntArray  # [p, 2]
    logged: IntArray  # [p, 2], all logged texts
    variant: IntArray  # [p, 2]

    @classmethod
    def of(cls, text: IntArray, pages: IntArray) -> "PageColumns":
        """Columns of the pages at these offsets in the book's text [p]; -1 for no page."""
        columns = cls(np.empty(len(pages), dtype=np.int64), *np.empty((3, len(pages), 2), dtype=np.int64))
        read_pages(text, np.ascontiguousarray(pages), columns)
        return columns

    def some(self, chosen: IntArray) -> "PageColumns":
        """The chosen pages, in order."""
        return PageColumns(*(column[chosen] for column in self))


class ExposureColumns(NamedTuple):
    """Exposures [x] of pages, with spans of the book's text."""

    row: IntArray  # [x], on the page
    slot: IntArray  # [x], in the shelf
    shelf_id: IntArray  # [x, 2]
    propensity: IntArray  # [x, 2], a number as text
    order: IntArray  # [x, o, 2], the values `ORDER`, likewise; -1 for null

    @classmethod
    def of(cls, text: IntArray, pages: IntArray, places: IntArray) -> "ExposureColumns":
        """Columns of exposures, from the offsets of their pages [x] and their indices there [x].

        Fastest if the exposures of a page are in order.
        """
        numbers, spans = np.empty((2, len(pages)), dtype=np.int64), np.empty((2, len(pages), 2), dtype=np.int64)
        order = np.full((len(pages), ORDER_COUNT, 2), NO_TEXT, dtype=np.int64)
        columns = cls(numbers[0], numbers[1], spans[0], spans[1], order)
        read_exposures(text, np.ascontiguousarray(pages), np.ascontiguousarray(places, dtype=np.int64), columns)
        return columns

    def of_order(self, name: str) -> IntArray:
        """Spans [x, 2] of one of the values `ORDER`."""
        return self.order[:, ORDER.index(name)]


@borrowing
def read_pages(text: IntArray, pages: IntArray, columns: PageColumns) -> None:
    """Fill the columns of pages."""
    for number in range(len(pages)):
        page = pages[number]
        event_id, logged, variant = columns.event_id[number], columns.logged[number], columns.variant[number]
        if page == NO_TEXT:
            columns.shown_ms[number] = event_id[:] = logged[:] = variant[:] = NO_TEXT
            continue
        columns.shown_ms[number] = shown_ms_of(text, page)
        event_id[0], event_id[1] = text_span(text, page + PAGE_ID_AT)
        logged[0], logged[1] = logged_at(text, page), exposures_at(text, page)
        variant[0], variant[1] = text_span(text, variant_at(text, page))


@borrowing
def read_exposures(text: IntArray, pages: IntArray, places: IntArray, columns: ExposureColumns) -> None:
    """Fill the columns of exposures; an exposure next to the previous one is found without a search."""
    page, place, at, later = Offset(NO_TEXT), np.int64(0), Offset(0), np.int64(0)
    for number in range(len(pages)):
        if pages[number] != page or places[number] < place:
            page, place, at = pages[number], np.int64(0), exposures_at(text, pages[number])
            later = np.int64(order_count(text, page))
        while place < places[number]:
            place, at = place + 1, exposure_end(text, at, later)
        columns.row[number], columns.slot[number] = row_of(text, at), slot_of(text, at)
        columns.shelf_id[number, 0], columns.shelf_id[number, 1] = text_span(text, shelf_at(text, at))
        columns.propensity[number, 0], columns.propensity[number, 1] = text_span(text, propensity_at(text, at))
        value = order_at(text, at)
        for field in range(later):
            start, end = text_span(text, value)
            if end > start:
                columns.order[number, field, 0], columns.order[number, field, 1] = start, end
            value = end


def are_one(text: IntArray, spans: IntArray) -> BoolArray:
    """Whether the numbers at these spans [n, 2] are written as 1, the propensity of what is certain.

    >>> text = np.frombuffer(b"1.01E-40.91", dtype=np.uint8)
    >>> are_one(text, np.array([[0, 3], [3, 7], [7, 10], [10, 11]])).tolist()
    [True, False, False, True]
    """
    return np.asarray((text[spans[:, 0]] == ord("1")) & (spans[:, 1] - spans[:, 0] <= len("1.0")))
