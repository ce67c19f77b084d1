"""Every ranking is valid, its sources exist, and its number counts its listener's events."""

from collections import Counter
from collections.abc import Iterator

from streams.auditing.books import INPUTS, Books
from streams.auditing.recomputed import Recomputed


def ranking_propensities_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Rankings with impossible propensities, or with cards in shelves where they are not valid."""
    yield from books.rankings.faults["ranking_propensities_wrong"]


def ranking_sources_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Rankings with a source that is not an event of their listener."""
    yield from books.rankings.faults["ranking_sources_wrong"]


def ranking_numbers_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Rankings written twice or out of order, and listeners whose last number is not the count of their events."""
    yield from books.rankings.faults["ranking_numbers_wrong"]
    accepted: Counter[str] = Counter(user_id for user_id, _ in (*books.impressions, *books.streams, *books.playing))
    excused = books.counters["impressions_too_late"] + books.counters["streams_too_late"]
    if books.counters["listeners_evicted"]:
        return  # a forgotten listener counts from one again
    for user_id, count in accepted.items():
        if user_id in books.forgotten:
            continue
        number = books.rankings.number_of.get(user_id, 0)
        if books.rankings.count and number != count:
            if number < count <= number + excused:
                excused -= count - number
                continue
            yield f"{user_id}: the last ranking is #{number}, after {count} events"


def forgotten_remembered(books: Books, _: Recomputed) -> Iterator[str]:
    """Remaining rankings of listeners who asked to be forgotten, without later events."""
    for key, user_id in books.rankings.user_under.items():
        if len(books.asked_last.get(user_id, ())) == len(INPUTS):
            yield f"{user_id} has a ranking under {key}, after the request to forget"
