"""No input is lost: each is readable, or has exactly one dead letter with unchanged bytes."""

from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def inputs_unaccounted(books: Books, _: Recomputed) -> Iterator[str]:
    """Unreadable inputs without a dead letter."""
    for topic, partition, offset in books.unreadable:
        yield f"{topic}/{partition}@{offset} is not a message and has no dead letter"


def dead_letters_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Dead letters that are duplicated, changed, or without a record."""
    for topic, partition, offset in books.letters_changed:
        yield f"{topic}/{partition}@{offset} has other bytes in its dead letter"
    for place, letters in books.letters.items():
        topic, partition, offset = place
        if len(letters) > 1:
            yield f"{topic}/{partition}@{offset} has {len(letters)} dead letters"
        if topic in books.topics and place not in books.letters_matched:
            yield f"{topic}/{partition}@{offset} has a dead letter and does not exist"
