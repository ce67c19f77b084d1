"""The listeners who await a page, and what the page is made of."""

from typing import NamedTuple

import numpy as np

from processors.arrays import Index, IntArray
from processors.compiled import borrowing
from processors.settlement.book import Book
from processors.settlement.due import PLAY
from processors.settlement.layout import NONE, Records
from processors.settlement.listener_places import note_waiting
from processors.settlement.plays import copy_plays

_ALL_MS = np.int64(2**62)


class Waiting(NamedTuple):
    """n listeners: plays of listener i are `plays[offsets[i]:offsets[i + 1]]`, the oldest first."""

    place: IntArray  # in the book's listeners
    offsets: IntArray
    plays: Records


def waiting_listeners(book: Book, plays_max: int) -> Waiting:
    """Who awaits a page, with the newest plays of each; afterwards nobody does."""
    room = int(book.totals["waiting"][0])
    place, offsets = np.zeros(room, dtype=np.int64), np.zeros(room + 1, dtype=np.int64)
    plays = np.zeros(room * plays_max, dtype=PLAY)
    count = collect(book, plays_max, place, offsets, plays)
    return Waiting(place[:count], offsets[: count + 1], plays[: offsets[count]])


@borrowing
def collect(book: Book, plays_max: Index, place: IntArray, offsets: IntArray, plays: Records) -> int:
    """Fill the columns; gives how many wait."""
    totals, count = book.totals[0], 0
    for number in range(totals["waiting"]):
        who = np.int64(book.waiting[number])
        listener = book.listeners[who]
        if listener["awaits_page"]:
            listener["awaits_page"] = False
            place[count] = who
            end, _ = copy_plays(book, who, _ALL_MS, _ALL_MS, plays_max, plays, offsets[count])
            offsets[count + 1] = end
            count += 1
    totals["waiting"] = 0
    return count


@borrowing
def await_pages(book: Book, ranked_touches: Index) -> None:
    """Let those await a page who have been touched since; after a restart, in the order of their touches."""
    place = np.int64(book.totals[0]["least_recent"])
    while place != NONE:
        if book.listeners[place]["touch"] > ranked_touches:
            note_waiting(book, place)
        place = np.int64(book.listeners[place]["later"])
