"""Detects batches that were fetched for a task and lost on the way, so that they are fetched again.

Between fetch and task a batch passes through Faust's queues, which Faust empties, and skips, when it considers their
content obsolete after a rebalance. A batch lost there would be committed and never processed. Batches are therefore
numbered: a gap is detected at the next batch, or after a timeout if there is none.
"""

import time
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition

from streams.exactly_once.errors import ReopenNeeded
from streams.exactly_once.records.input_batch import Batch

PATIENCE_S = 30.0  # longer than a rebalance holds batches back on a busy machine


class Continuity:
    """Counts arrived batches of each input since the task's last seek."""

    def __init__(self, inputs: Sequence[TopicPartition]) -> None:
        self._arrived = dict.fromkeys(inputs, 0)
        self._seek = 0
        self._since_s: dict[TopicPartition, tuple[int, float]] = {}

    def begin(self, seek: int) -> None:
        """Restart at 0, after a seek."""
        self._seek = seek
        self._arrived = dict.fromkeys(self._arrived, 0)
        self._since_s = {}

    def follows(self, batch: Batch) -> bool:
        """Count a batch; returns whether it follows the previous one.

        >>> from streams.exactly_once.records.read_records import ReadRecord, Records
        >>> tp, records = TopicPartition("left", 0), Records.of([ReadRecord("left", 0, 0, 0, None, None)])
        >>> continuity = Continuity([tp])
        >>> [continuity.follows(Batch("left", 0, 0, number, records)) for number in (0, 1, 3)]
        [True, True, False]
        """
        tp = TopicPartition(batch.topic, batch.partition)
        if batch.number != self._arrived[tp]:
            return False
        self._arrived[tp] += 1
        return True

    def has_all(self, fetched_count: Callable[[TopicPartition, int], int]) -> bool:
        """Whether no fetched batch is on its way.

        >>> Continuity([TopicPartition("left", 0)]).has_all(lambda tp, seek: 1)
        False
        """
        return all(fetched_count(tp, self._seek) <= arrived for tp, arrived in self._arrived.items())

    def check(self, fetched_count: Callable[[TopicPartition, int], int], now_s: float | None = None) -> None:
        """Raise ReopenNeeded if a fetched batch has not arrived within ``PATIENCE_S``."""
        now_s = time.monotonic() if now_s is None else now_s
        for tp, arrived in self._arrived.items():
            if fetched_count(tp, self._seek) <= arrived:
                self._since_s.pop(tp, None)
                continue
            seen, since_s = self._since_s.setdefault(tp, (arrived, now_s))
            if seen != arrived:
                self._since_s[tp] = (arrived, now_s)
            elif now_s - since_s > PATIENCE_S:
                raise ReopenNeeded(f"a batch of {tp.topic}-{tp.partition} was fetched and did not arrive")
