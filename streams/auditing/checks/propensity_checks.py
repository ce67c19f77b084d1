"""Propensities are passed on unchanged: from rankings to impressions, and from these to outcomes."""

from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def propensities_not_kept(books: Books, _: Recomputed) -> Iterator[str]:
    """Outcomes with other propensities than their impression."""
    yield from books.propensities.faults["propensities_not_kept"]


def propensities_not_of_ranking(books: Books, _: Recomputed) -> Iterator[str]:
    """Impressions with other propensities than the ranking that they were made from, in the same order of cards."""
    yield from books.propensities.faults["propensities_not_of_ranking"]
