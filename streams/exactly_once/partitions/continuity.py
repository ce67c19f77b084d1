"""Sees that every batch fetched for a task reaches it: what Faust lost on the way is fetched again.

Between the fetch and the task a batch passes through Faust's queues, which Faust empties, and skips, when it
thinks that a rebalance makes their content worthless. A batch lost that way would be input that is committed
and never processed, so it is not left to Faust's timing: batches are numbered, a gap is seen when the next
batch comes, and where none comes, after a while.
"""

import time
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition

from streams.exactly_once.errors import ReopenNeeded
from streams.exactly_once.records.input_batch import Batch

PATIENCE_S = 30.0  # longer than a rebalance holds batches back on a busy machine


class Continuity:
    """Counts the batches that arrived of each input since the task's last seek."""

    def __init__(self, inputs: Sequence[TopicPartition]) -> None:
        self._arrived = dict.fromkeys(inputs, 0)
        self._seek = 0
        self._since_s: dict[TopicPartition, tuple[int, float]] = {}

    def begin(self, seek: int) -> None:
        """Count from 0: the inputs have been sought."""
        self._seek = seek
        self._arrived = dict.fromkeys(self._arrived, 0)
        self._since_s = {}

    def follows(self, batch: Batch) -> bool:
        """Take note of a batch; tell whether it follows the one before.

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

    def check(self, fetched_count: Callable[[TopicPartition, int], int], now_s: float | None = None) -> None:
        """Raise ReopenNeeded if a batch was fetched and has not arrived within the patience."""
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
