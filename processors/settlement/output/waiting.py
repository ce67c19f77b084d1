"""The listeners who wait for a page, with their plays."""

from typing import NamedTuple

import numpy as np

from processors.arrays import Index, IntArray, Place
from processors.compiled import borrowing
from processors.settlement.book.book import Book
from processors.settlement.book.layout import NONE, Records
from processors.settlement.book.listener_places import note_waiting
from processors.settlement.book.plays import copy_plays
from processors.settlement.output.due import PLAY

_ALL_MS = np.int64(2**62)


class Waiting(NamedTuple):
    """n listeners: listener i has `plays[offsets[i]:offsets[i + 1]]`, oldest first."""

    place: IntArray  # places of the listeners in the book
    offsets: IntArray
    plays: Records


def waiting_listeners(book: Book, plays_max: int) -> Waiting:
    """The listeners who wait for a page, with the newest plays of each; clears the list."""
    room = int(book.totals["waiting"][0])
    place, offsets = np.zeros(room, dtype=np.int64), np.zeros(room + 1, dtype=np.int64)
    plays = np.zeros(room * plays_max, dtype=PLAY)
    count = collect(book, plays_max, place, offsets, plays)
    return Waiting(place[:count], offsets[: count + 1], plays[: offsets[count]])


@borrowing
def collect(book: Book, plays_max: Index, place: IntArray, offsets: IntArray, plays: Records) -> int:
    """Fill the columns; returns the number of listeners."""
    totals, count = book.totals[0], 0
    for number in range(totals["waiting"]):
        owner = Place(book.waiting[number])
        listener = book.listeners[owner]
        if listener["awaits_page"]:
            listener["awaits_page"] = False
            place[count] = owner
            end, _ = copy_plays(book, owner, _ALL_MS, _ALL_MS, plays_max, plays, offsets[count])
            offsets[count + 1] = end
            count += 1
    totals["waiting"] = 0
    return count


@borrowing
def await_pages(book: Book, ranked_touches: Index) -> None:
    """Mark listeners touched after `ranked_touches` as waiting for a page, in the order of their touches."""
    place = Place(book.totals[0]["least_recent"])
    while place != NONE:
        if book.listeners[place]["touch"] > ranked_touches:
            note_waiting(book, place)
        place = Place(book.listeners[place]["later"])
