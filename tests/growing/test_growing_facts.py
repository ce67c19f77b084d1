"""Growing changes no fact: neither what is unread then, nor clients that do not know of it, nor crashes."""

from itertools import pairwise

import numpy as np
import pytest

from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from tests.builders import impression, stream_end
from tests.growing.listeners_in_memory import ListenersInMemory

NUMBERS = (2, 4, 8)
USERS = [f"user-{number}" for number in range(12)] + ['quoted "\\', "größer"]
EVENTS, END_MS = 240, 400_000


def history(rng: np.random.Generator) -> list[Impression | StreamEnd]:
    """Pages and plays of some listeners, in the order of event time."""
    events: list[Impression | StreamEnd] = []
    for number, event_ms in enumerate(np.sort(rng.integers(30_000, 200_000, EVENTS)).tolist()):
        user = USERS[rng.integers(len(USERS))]
        if rng.random() < 0.5:
            cards = [f"c{card}" for card in rng.choice(6, 3, replace=False)]
            events.append(impression(event_id=f"i{number}", user_id=user, event_ms=event_ms, cards=cards))
        else:
            played_ms = int(rng.integers(1, 15_000))
            events.append(
                stream_end(
                    event_id=f"s{number}",
                    user_id=user,
                    card_id=f"c{rng.integers(6)}",
                    started_ms=event_ms - played_ms,
                    event_ms=event_ms,
                    played_ms=played_ms,
                )
            )
    return events


def played(seed: int, numbers: tuple[int, ...]) -> ListenersInMemory:
    """The history with these numbers of partitions one after the other; clients use the last two that there were."""
    rng = np.random.default_rng(seed)
    events = history(np.random.default_rng(seed))
    listeners = ListenersInMemory(numbers[0])
    bounds = np.linspace(0, len(events), len(numbers) + 1).astype(int).tolist()
    for phase, (start, end) in enumerate(pairwise(bounds)):
        if phase:
            listeners.grow(numbers[phase])
        for event in events[start:end]:
            stale = numbers[max(0, phase - int(rng.integers(3)))]
            listeners.write(event, stale)
            if rng.random() < 0.3 and (unread := listeners.unread()):
                listeners.process(unread[rng.integers(len(unread))], int(rng.integers(1, 12)))
            if rng.random() < 0.05:
                listeners.crash(int(rng.integers(listeners.count)))
            if rng.random() < 0.1:
                listeners.tick()
    listeners.close_books(END_MS)
    listeners.finish(rng)
    return listeners


def facts(listeners: ListenersInMemory) -> tuple[object, ...]:
    ranked = {user: max(numbers) for user, numbers in listeners.numbers.items() if user in USERS}
    interactions = {one: count for one, count in listeners.interactions.items() if one[0] in USERS}
    return dict(listeners.settled), dict(listeners.corrected), interactions, ranked, listeners.letters


@pytest.mark.parametrize("seed", range(4))
def test_facts_are_those_of_a_run_that_never_grew(seed: int) -> None:
    grown, never = played(seed, NUMBERS), played(seed, NUMBERS[:1])
    assert facts(grown) == facts(never)
    assert sum(len(log) for (topic, _), log in grown.logs.items() if topic == "forwarded") > 20
    assert all(len(outcomes) == 1 for outcomes in grown.settled.values())
    assert len(grown.settled) == 3 * sum(
        isinstance(event, Impression) for event in history(np.random.default_rng(seed))
    )
    for numbers in grown.numbers.values():
        assert numbers == sorted(set(numbers)), "ranking numbers go on where they were"
    late = [task.core.settlement.counters for task in grown.tasks.values()]
    assert not any(counters["streams_late"] or counters["impressions_late"] for counters in late)
