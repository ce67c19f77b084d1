"""Matches stream-ends with the first ranking that was made after reading them."""

from collections import defaultdict, deque

RANKINGS_KEPT = 8
"""Newest rankings remembered of each listener: a ranking can be read before its event's acknowledgement."""


class Answers:
    """Seconds from when a stream-end was due until a ranking that knows of it could be read.

    A ranking names the offset up to which its listener's stream-ends had been read. Times are on one monotonic clock.

    >>> answers = Answers()
    >>> answers.sent("u", offset=7, due_s=1.0); answers.sent("u", offset=9, due_s=1.5)
    >>> answers.ranked("u", known_offset=8, at_s=1.25); answers.latencies_s, answers.waiting_count
    ([0.25], 1)
    """

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.waiting_count = 0
        self._waiting: defaultdict[str, deque[tuple[int, float]]] = defaultdict(deque)
        self._ranked: defaultdict[str, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=RANKINGS_KEPT))

    def sent(self, user_id: str, *, offset: int, due_s: float) -> None:
        """A stream-end is acknowledged at this offset; those of a listener come in the order of their offsets."""
        first = next((at_s for known, at_s in self._ranked[user_id] if known >= offset), None)
        if first is not None:
            self.latencies_s.append(first - due_s)
        else:
            self._waiting[user_id].append((offset, due_s))
            self.waiting_count += 1

    def ranked(self, user_id: str, *, known_offset: int, at_s: float) -> None:
        """A ranking that knows of the listener's stream-ends up to this offset has been read."""
        self._ranked[user_id].append((known_offset, at_s))
        waiting = self._waiting[user_id]
        while waiting and waiting[0][0] <= known_offset:
            self.latencies_s.append(at_s - waiting.popleft()[1])
            self.waiting_count -= 1
