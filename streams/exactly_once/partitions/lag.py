"""Lag of a task's inputs: unread records, and an upper bound of their age."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from streams.exactly_once.observer import Observer
from streams.exactly_once.records.input_batch import Batch

TELL_S = 1.0
NEAR_S = 2.0
"""Lag below which an input counts as caught up: under constant traffic few inputs are ever empty."""
Positions = Mapping[TopicPartition, int]
EndOf = Callable[[TopicPartition], int | None]


class Lag(NamedTuple):
    """Lag of one input; ``seconds`` is an upper bound of the age of unread records."""

    topic: str
    records: int
    seconds: float


class Lags:
    """Tracks how far the inputs of one open task have been processed, and when each was last read to its end.

    The age of the oldest unread record is known only by the log. But the record was written after the input was last
    read to its end and, as far as timestamps ascend, after the record processed last. The later of both is thus an
    upper bound of its age. Until one of them is known, the time since the task was opened is used.

    >>> from streams.exactly_once.records.read_records import ReadRecord, Records
    >>> tp = TopicPartition("left", 0)
    >>> lags = Lags([tp], now_s=100.0)
    >>> lags.processed(Batch("left", 0, 0, 0, Records.of([ReadRecord("left", 0, 7, 98_000, None, None)])))
    >>> lags.look({"left"}, now_s=101.0)
    >>> list(lags.told({tp: 8}, end=lambda tp: 12, now_s=101.0))
    [Lag(topic='left', records=4, seconds=3.0)]
    >>> lags.look((), now_s=102.0)
    >>> list(lags.told({tp: 11}, end=lambda tp: 12, now_s=102.5))
    [Lag(topic='left', records=0, seconds=0.0)]
    >>> lags.look({"left"}, now_s=103.0), list(lags.told({tp: 11}, end=lambda tp: 15, now_s=103.0))
    (None, [])
    >>> list(lags.told({tp: 11}, end=lambda tp: 15, now_s=103.5))
    [Lag(topic='left', records=4, seconds=1.5)]
    """

    def __init__(self, inputs: Sequence[TopicPartition], *, now_s: float) -> None:
        self._inputs = inputs
        self._opened_s = now_s
        self.is_caught_up = False
        """Whether all inputs have once been read to their ends, or nearly."""
        self._born_s = dict.fromkeys(inputs, -math.inf)  # unread records were not written before
        self._behind: Collection[str] = ()
        self._told_s = -math.inf

    def processed(self, batch: Batch) -> None:
        """Record a processed batch."""
        tp = TopicPartition(batch.topic, batch.partition)
        self._born_s[tp] = max(self._born_s[tp], int(batch.records.clock_ms[-1]) / 1_000)

    def look(self, behind: Collection[str], now_s: float) -> None:
        """Record the topics with unread records, and thereby those without."""
        self._behind = behind
        for tp in self._inputs:
            if tp.topic not in behind:
                self._born_s[tp] = now_s

    def tell(
        self, observer: Observer, task: str, partition: int, positions: Positions, end: EndOf, now_s: float
    ) -> None:
        """Report lags to an observer."""
        was_caught_up = self.is_caught_up
        for topic, records, seconds in self.told(positions, end, now_s):
            observer.lagging(task, partition, topic, records=records, seconds=seconds)
        if self.is_caught_up and not was_caught_up:
            observer.caught_up(task, partition)

    def told(self, positions: Positions, end: EndOf, now_s: float) -> Iterator[Lag]:
        """Lags to report, about once a second; `positions` are the next offsets to process."""
        if now_s - self._told_s < TELL_S:
            return
        self._told_s = now_s
        is_near = True
        for tp in self._inputs:
            at, ends_at = positions.get(tp), end(tp)
            if tp.topic not in self._behind:
                yield Lag(tp.topic, 0, 0.0)
            elif at is not None and ends_at is not None:
                born_s = self._born_s[tp]
                is_near &= now_s - born_s <= NEAR_S
                age_s = now_s - (born_s if math.isfinite(born_s) else self._opened_s)
                yield Lag(tp.topic, max(1, ends_at - at), max(0.0, age_s))
            else:  # nothing fetched yet
                is_near = False
        self.is_caught_up |= is_near
