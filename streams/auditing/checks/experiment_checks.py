"""Exposures follow from pages and definitions: the variant reported or else assigned, told once for each day."""

from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def experiment_exposures_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Exposures of a listener to another variant than her pages of the day had, or with another page than the first."""
    own = books.experiments
    for told, exposures in own.found.items():
        user_id, experiment, variant, _day = told
        if experiment not in own.definitions or user_id in books.forgotten:
            continue
        where = f"{user_id} in {experiment} on {exposures[0].event_ms}"
        if told not in own.expected:
            yield f"{where}: exposed to {variant}, and no page of the day was shown with it"
        elif exposures[0].impression_id != own.expected[told]:
            yield f"{where}: the first page is {own.expected[told]}, not {exposures[0].impression_id}"
        elif exposures[0].is_reported != (told in own.reported):
            yield f"{where}: reported by the client and assigned are confused"


def experiment_exposures_twice(books: Books, _: Recomputed) -> Iterator[str]:
    """Exposures that are told more than once for a day."""
    for (user_id, experiment, variant, _day), exposures in books.experiments.found.items():
        if len(exposures) > 1 and user_id not in books.forgotten:
            yield f"{user_id} in {experiment}: exposed to {variant} {len(exposures)} times on {exposures[0].event_ms}"


def experiment_exposures_missing(books: Books, _: Recomputed) -> Iterator[str]:
    """Pages of an experiment that is running without an exposure on their day."""
    own = books.experiments
    for told, impression_id in own.expected.items():
        if told not in own.found and told[0] not in books.forgotten:
            yield f"{told[0]} in {told[1]}: nothing tells that {impression_id} was shown with {told[2]}"


def assignments_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Outcomes and rankings with other assignments than their page, and the definitions in force at its time, say."""
    yield from books.experiments.faults["assignments_wrong"]
