"""How many exposures have not settled yet: counted when somebody asks, in one pass over the agenda."""

import numpy as np

from processors.settlement.agenda import SETTLE
from processors.settlement.book import Book

_KIND_SHIFT = np.uint64(62)


def unsettled_count(book: Book) -> int:
    """Exposures that wait for their horizon.

    An appointment of an impression that has left meanwhile is stale: the serial of its place has moved on.
    """
    agenda = book.agenda[: int(book.totals["agenda"][0])]
    due = agenda[agenda["tie"] >> _KIND_SHIFT == SETTLE]
    places, impressions = due["place"], book.impressions
    waits = (impressions["serial"][places] == due["serial"]) & ~impressions["is_settled"][places]
    return int(impressions["count"][places][waits].sum())
