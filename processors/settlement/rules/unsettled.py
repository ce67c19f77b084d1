"""Counts exposures that have not settled, on request, in one pass over the agenda."""

import numpy as np

from processors.settlement.book.agenda import SETTLE
from processors.settlement.book.book import Book

_KIND_SHIFT = np.uint64(62)


def unsettled_count(book: Book) -> int:
    """Number of exposures that have not reached their horizon.

    An entry of an impression that has been dropped is stale: its place has another serial.
    """
    agenda = book.agenda[: int(book.totals["agenda"][0])]
    due = agenda[agenda["tie"] >> _KIND_SHIFT == SETTLE]
    places, impressions = due["place"], book.impressions
    waits = (impressions["serial"][places] == due["serial"]) & ~impressions["is_settled"][places]
    return int(impressions["count"][places][waits].sum())
