"""No stream-end is lost: each is one interaction, and the sums of every listener are those of the input."""

from collections import Counter
from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def interactions_missing(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Streams without an interaction, except those of users that are not sampled."""
    sampled = {user_id for user_id, _ in books.interactions}
    excused = books.counters["streams_too_late"]
    for (user_id, event_id), stream in books.streams.items():
        if user_id in books.forgotten:
            continue
        if (user_id, event_id) in books.interactions or not recomputed.is_due(user_id, stream.event_ms):
            continue
        if recomputed.rules.sample_share < 1.0 and user_id not in sampled:
            continue
        if excused > 0 and recomputed.is_out_of_reach(user_id, stream.event_ms):
            excused -= 1
            continue
        yield f"{user_id} {event_id}, ended at {stream.event_ms}"


def interactions_twice(books: Books, _: Recomputed) -> Iterator[str]:
    """Interactions that were written more than once."""
    for (user_id, event_id), count in books.interactions.items():
        if user_id in books.forgotten:
            continue
        for _again in range(count - 1):
            yield f"{user_id} {event_id}"


def interactions_unexpected(books: Books, _: Recomputed) -> Iterator[str]:
    """Interactions without a stream-end."""
    yield from (f"{user_id} {event_id}" for user_id, event_id in books.interactions.keys() - books.streams.keys())


def listener_sums_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Listeners whose interactions do not sum to the time of their stream-ends."""
    expected: Counter[str] = Counter()
    for name in books.interactions.keys() & books.streams.keys():
        expected[name[0]] += books.streams[name].played_ms
    for user_id, played_ms in books.played_ms.items():
        if played_ms != expected[user_id] and user_id not in books.forgotten:
            yield f"{user_id}: {played_ms} ms, not {expected[user_id]} ms"
