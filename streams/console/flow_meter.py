"""Rates and lag of topics, from samples of their offsets."""

from collections import defaultdict, deque
from collections.abc import Mapping

from msgspec import Struct

Place = tuple[str, int]
"""Topic and partition."""
WINDOW_MS = 10_000


class _Sample(Struct, frozen=True):
    now_ms: int
    ends: Mapping[str, int]  # by topic, over its partitions


class FlowMeter:
    """Offsets of ten seconds: rates are differences of ends, lag is what is committed less than the end.

    Ends count the markers of transactions as well, so rates of topics that workers write are a little too high.

    >>> meter = FlowMeter()
    >>> meter.note(0, {("plays", 0): 10, ("plays", 1): 0}, {("plays", 0): 4})
    >>> meter.note(2_000, {("plays", 0): 20, ("plays", 1): 10}, {("plays", 0): 20, ("plays", 1): 7})
    >>> meter.rate("plays"), meter.lag("plays"), meter.partitions("plays"), meter.lag("pages"), meter.rate("pages")
    (10.0, 3, 2, None, None)
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()
        self._lag: dict[str, int] = {}
        self._partitions: dict[str, int] = {}
        self.lag_known = False

    def note(self, now_ms: int, ends: Mapping[Place, int], committed: Mapping[Place, int]) -> None:
        """Take a sample: ends of partitions, and the positions that the workers' group has committed."""
        totals: dict[str, int] = defaultdict(int)
        counts: dict[str, int] = defaultdict(int)
        lag: dict[str, int] = defaultdict(int)
        for (topic, partition), end in ends.items():
            totals[topic] += end
            counts[topic] += 1
            if (topic, partition) in committed:
                lag[topic] += max(0, end - committed[topic, partition])
        self._samples.append(_Sample(now_ms, dict(totals)))
        self._lag, self._partitions, self.lag_known = dict(lag), dict(counts), bool(committed)
        while len(self._samples) > 2 and self._samples[1].now_ms <= now_ms - WINDOW_MS:
            self._samples.popleft()

    @property
    def newest_ms(self) -> int | None:
        """When the newest sample was taken."""
        return self._samples[-1].now_ms if self._samples else None

    def exists(self, topic: str) -> bool:
        """Whether the topic had partitions at the last sample."""
        return topic in self._partitions

    def partitions(self, topic: str) -> int:
        """Number of partitions."""
        return self._partitions.get(topic, 0)

    def total(self, topic: str) -> int:
        """Offsets that were ever given out in the topic."""
        return self._samples[-1].ends.get(topic, 0) if self._samples else 0

    def lag(self, topic: str) -> int | None:
        """Offsets between the committed positions and the ends; None where the group has committed nothing."""
        return self._lag.get(topic)

    def rate(self, topic: str) -> float | None:
        """Offsets per second over the window; None until there are two samples of the topic."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        if topic not in first.ends or topic not in last.ends or last.now_ms <= first.now_ms:
            return None
        return max(0, last.ends[topic] - first.ends[topic]) * 1_000.0 / (last.now_ms - first.now_ms)
