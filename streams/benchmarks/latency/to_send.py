"""Chooses the stream-ends whose rankings are awaited: those that count."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from processors.worlds.home_page import Event
from schemas.stream_ends import StreamEnd
from streams.benchmarks.filling import Keyed, keyed


class ToSend(NamedTuple):
    """A record, and whether a ranking must follow it."""

    record: Keyed
    is_followed: bool


def to_send(events: Iterable[Event], lateness_ms: int) -> Iterator[ToSend]:
    """The records of these events; copies of an event and late ones are sent, but no ranking follows them.

    >>> from tests.builders import stream_end
    >>> ends = [stream_end(event_id=name, event_ms=time) for name, time in (("a", 50), ("a", 50), ("b", 39), ("c", 40))]
    >>> [one.is_followed for one in to_send(ends, lateness_ms=10)]
    [True, False, False, True]
    """
    seen: set[str] = set()
    newest_ms = 0
    for event in events:
        newest_ms = max(newest_ms, event.event_ms)
        counts = event.event_id not in seen and event.event_ms >= newest_ms - lateness_ms
        seen.add(event.event_id)
        yield ToSend(keyed(event), counts and isinstance(event, StreamEnd))
