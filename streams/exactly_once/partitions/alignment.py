"""Keeps the inputs of a task aligned by timestamp while it catches up.

A fetch returns as many bytes of each input. If one input has small records and another large ones, a backlog of the
first is read long before that of the second, and a task that joins them must buffer all of it. An input that is ahead
of another by record timestamp therefore waits for it. Inputs wait only for an input that flows: one that has nothing to
read, or whose partition is unavailable, delays no other.
"""

import time
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition

from streams.exactly_once.records.input_batch import Batch

SLACK_MS = 200
FLOWING_S = 1.0


class Alignment:
    """Tracks the timestamps up to which each input of one task has been read.

    >>> from streams.exactly_once.records.read_records import ReadRecord, Records
    >>> left, right = TopicPartition("left", 0), TopicPartition("right", 0)
    >>> alignment = Alignment([left, right])
    >>> for topic, read_ms in (("left", 5_000), ("right", 1_000)):
    ...     records = Records.of([ReadRecord(topic, 0, 7, read_ms, None, None)])
    ...     alignment.note(Batch(topic, 0, 0, 0, records), now_s=10.0)
    >>> alignment.abreast(is_read_up=lambda tp: False, now_s=10.5) == [right]
    True
    >>> alignment.abreast(is_read_up=lambda tp: tp == right, now_s=10.5) == [left, right]
    True
    >>> alignment.abreast(is_read_up=lambda tp: False, now_s=12.0) == [left, right]
    True
    """

    def __init__(self, inputs: Sequence[TopicPartition]) -> None:
        self._inputs = inputs
        self._read: dict[TopicPartition, tuple[int, float]] = {}

    def begin(self) -> None:
        """Reset, after a seek."""
        self._read.clear()

    def note(self, batch: Batch, now_s: float | None = None) -> None:
        """Record that a batch has been read."""
        tp = TopicPartition(batch.topic, batch.partition)
        self._read[tp] = (int(batch.records.clock_ms[-1]), time.monotonic() if now_s is None else now_s)

    def abreast(self, is_read_up: Callable[[TopicPartition], bool], now_s: float | None = None) -> list[TopicPartition]:
        """The inputs that should be read now."""
        if len(self._read) < 2:
            return list(self._inputs)
        now_s = time.monotonic() if now_s is None else now_s
        flowing = [
            read_ms for tp, (read_ms, at_s) in self._read.items() if now_s - at_s < FLOWING_S and not is_read_up(tp)
        ]
        limit_ms = min(flowing) + SLACK_MS if flowing else None
        return [tp for tp in self._inputs if limit_ms is None or tp not in self._read or self._read[tp][0] <= limit_ms]
