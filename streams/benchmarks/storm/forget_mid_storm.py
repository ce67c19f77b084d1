"""Listeners who ask to be forgotten during a storm, without later events."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from processors.worlds.home_page import Event
from streams.forgetting.scan import Found

FIRST, LAST = 0.3, 0.7
"""Range of the requests, as shares of the events."""
TOGETHER = 10


class Asked(NamedTuple):
    """A listener asks to be forgotten."""

    user_id: str


def with_requests(
    events: Iterable[Event], count: int, *, of_events: int, users: int, seed: int
) -> Iterator[Event | Asked]:
    """Events with requests of `count` listeners, one after the other, without later events of theirs.

    Their names are not part of other names, so that a scan finds only them. Each has the events of several listeners of
    the world, so that much is known of each at the request.
    """
    together = min(TOGETHER, users // max(count, 1))
    chosen = Random(seed).sample(range(users), together * count)  # noqa: S311  reproducible, not secret
    names = {f"u{user}": name for user, name in zip(chosen, together * names_of(count, seed), strict=True)}
    step = (LAST - FIRST) * of_events / max(count, 1)
    moments = [(round(FIRST * of_events + step * number), name) for number, name in enumerate(names_of(count, seed))]
    asked: set[str] = set()
    for place, event in enumerate(events):
        while moments and place >= moments[0][0]:
            _, name = moments.pop(0)
            asked.add(name)
            yield Asked(name)
        name = names.get(event.user_id, event.user_id)
        if name not in asked:
            yield event if name == event.user_id else replace(event, user_id=name)


def names_of(count: int, seed: int) -> list[str]:
    """The names of these listeners."""
    return [f"asks-to-be-forgotten-{number:04}-{seed}" for number in range(count)]


def is_forgotten(found: Iterable[Found]) -> bool:
    """Whether no kept record contains them, although events did: otherwise the scan would prove nothing."""
    topics = {one.topic: one for one in found}
    return not any(one.kept for one in topics.values()) and topics["impressions"].leaving > 0
