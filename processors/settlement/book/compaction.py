"""Copies the live part of a book's text, exposures or plays once half of it is dead."""

import numpy as np

from processors.arrays import IntArray, Offset, Place
from processors.compiled import borrowing, compiled
from processors.settlement.book.book import Book
from processors.settlement.book.layout import EXPOSURE, HASH_AHEAD, NO_TEXT, NONE, PLAY_KEPT, Records
from processors.settlement.book.names import Names, names_with_room, new_names, number_of
from processors.wire.binary import text_end
from processors.wire.loads import address_of, copy_words

TEXT_MIN, EXPOSURES_MIN, PLAYS_MIN = 1 << 20, 1 << 16, 1 << 16
"""Minimum sizes for compaction, in bytes of text and records."""


def compacted(book: Book) -> Book:
    """The book without dead text, exposures and plays, if worthwhile; earlier spans of its text become invalid."""
    totals = book.totals[0]
    if totals["text_used"] > TEXT_MIN and 2 * totals["text_dead"] > totals["text_used"]:
        book = with_text_together(book)
    if totals["exposures_used"] > EXPOSURES_MIN and 2 * totals["exposures_dead"] > totals["exposures_used"]:
        book = with_exposures_together(book)
    if totals["plays_used"] > PLAYS_MIN and 2 * totals["plays_dead"] > totals["plays_used"]:
        book = with_plays_together(book)
    return book


def with_text_together(book: Book) -> Book:
    """The same book without dead text, and without cards that no record refers to."""
    totals = book.totals[0]
    live = int(totals["text_used"] - totals["text_dead"])
    text = np.zeros(max(TEXT_MIN, 2 * live) + HASH_AHEAD, dtype=np.uint8)
    move_text(book, text)
    cards = names_with_room(new_names(), int(book.cards.counts[0]), int(book.cards.counts[1]))
    renumber_cards(book, cards)
    return book._replace(text=text, cards=cards)


def with_exposures_together(book: Book) -> Book:
    """The same book without dead exposures."""
    exposures = np.zeros(max(EXPOSURES_MIN, 2 * int(book.totals["exposures_open"][0])), dtype=EXPOSURE)
    move_exposures(book, exposures)
    return book._replace(exposures=exposures)


def with_plays_together(book: Book) -> Book:
    """The same book without dead plays."""
    totals = book.totals[0]
    live = int(totals["plays_used"] - totals["plays_dead"])
    plays = np.zeros(max(PLAYS_MIN, 2 * live), dtype=PLAY_KEPT)
    move_plays(book, plays)
    return book._replace(plays=plays)


@borrowing
def move_text(book: Book, text: IntArray) -> None:
    """Copy all live text into `text`."""
    totals = book.totals[0]
    used = Offset(0)
    place = Place(totals["least_recent"])
    while place != NONE:
        listener = book.listeners[place]
        listener["start"], listener["end"] = _moved(book.text, listener["start"], listener["end"], text, used)
        used = Offset(listener["end"])
        for at in range(listener["plays"], listener["plays"] + listener["plays_count"]):
            play = book.plays[at]
            stream = book.streams[play["stream"]]
            play["start"] = used
            stream["start"], stream["end"] = _moved(book.text, stream["start"], stream["end"], text, used)
            used = Offset(stream["end"])
        impression = Place(listener["impression"])
        while impression != NONE:
            shown = book.impressions[impression]
            shown["start"], shown["end"] = _moved(book.text, shown["start"], shown["end"], text, used)
            used = Offset(shown["end"])
            if shown["streamed"]:
                used = _move_credits(book, shown, text, used)
            impression = Place(shown["next"])
        place = Place(listener["later"])
    totals["text_used"], totals["text_dead"] = used, 0


@borrowing
def _move_credits(book: Book, impression: Records, into: IntArray, used: Offset) -> Offset:
    first = Place(impression["exposures"])
    for place in range(first, first + impression["count"]):
        exposure = book.exposures[place]
        start = Offset(exposure["credit"])
        if start != NO_TEXT:
            exposure["credit"] = used
            used = copy_words(address_of(into), used, address_of(book.text), start, text_end(book.text, start))
    return Offset(used)


@borrowing
def _moved(text: IntArray, start: Offset, end: Offset, into: IntArray, used: Offset) -> tuple[int, int]:
    """Copy a span to offset `used` of another text; returns the span there."""
    return int(used), copy_words(address_of(into), used, address_of(text), start, end)


@compiled
def renumber_cards(book: Book, cards: Names) -> None:
    """Renumber the cards that records refer to, in `cards`."""
    text = book.cards.text
    numbers = np.full(book.cards.counts[0], NONE, dtype=np.int64)
    place = Place(book.totals[0]["least_recent"])
    while place != NONE:
        listener = book.listeners[place]
        for at in range(listener["plays"], listener["plays"] + listener["plays_count"]):
            play = book.plays[at]
            play["card"] = _renumbered(book.cards.rows, text, play["card"], numbers, cards)
            book.streams[play["stream"]]["card"] = play["card"]
        impression = Place(book.listeners[place]["impression"])
        while impression != NONE:
            shown = book.impressions[impression]
            for offset in range(shown["count"]):
                exposure = book.exposures[shown["exposures"] + offset]
                exposure["card"] = _renumbered(book.cards.rows, text, exposure["card"], numbers, cards)
            impression = Place(shown["next"])
        place = Place(book.listeners[place]["later"])


@borrowing
def _renumbered(rows: Records, text: IntArray, card: Place, numbers: IntArray, cards: Names) -> int:
    if numbers[card] == NONE:
        numbers[card] = number_of(cards, text, rows[card]["start"], rows[card]["end"])
    return int(numbers[card])


@borrowing
def move_exposures(book: Book, exposures: Records) -> None:
    """Copy the exposures of all impressions into `exposures`."""
    totals = book.totals[0]
    used = Offset(0)
    place = Place(totals["least_recent"])
    while place != NONE:
        impression = Place(book.listeners[place]["impression"])
        while impression != NONE:
            shown = book.impressions[impression]
            for offset in range(shown["count"]):
                exposures[used + offset] = book.exposures[shown["exposures"] + offset]
            shown["exposures"] = used
            used += shown["count"]
            impression = Place(shown["next"])
        place = Place(book.listeners[place]["later"])
    totals["exposures_used"], totals["exposures_dead"] = used, 0


@borrowing
def move_plays(book: Book, plays: Records) -> None:
    """Copy the plays of all listeners into `plays`, each list with its capacity."""
    totals = book.totals[0]
    used = Offset(0)
    place = Place(totals["least_recent"])
    while place != NONE:
        listener = book.listeners[place]
        for offset in range(listener["plays_count"]):
            plays[used + offset] = book.plays[listener["plays"] + offset]
        listener["plays"] = used
        used += listener["plays_room"]
        place = Place(listener["later"])
    totals["plays_used"], totals["plays_dead"] = used, 0
