"""Sends records when they are due, in batches of a few milliseconds, as a busy producer does."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.benchmarks.latency.answers import Answers
from streams.benchmarks.latency.to_send import ToSend
from streams.exactly_once.records.partitioner import Partitioner

TICK_S = 0.01


class Fed(NamedTuple):
    """What has been sent, and how long it took."""

    records: int
    seconds: float


class PacedFeed:
    """Sends records in order at a rate per second; record i is due i / rate seconds after the start.

    Latencies count from then, not from when the broker had time for the record: otherwise a system that stalls would
    not be asked while it stalls.
    """

    def __init__(self, producer: Any, partitions: dict[str, int]) -> None:
        self._producer = producer
        self._partitions = partitions
        self._partition_of = Partitioner().partition_of
        self._acknowledged: set[asyncio.Task[None]] = set()

    async def feed(self, records: Sequence[ToSend], per_second: float, answers: Answers) -> Fed:
        """Send all records, and tell `answers` of the stream-ends to be followed.

        Raises the broker's error if a record was not acknowledged.
        """
        started_s, sent = time.monotonic(), 0
        while sent < len(records):
            due = min(len(records), int((time.monotonic() - started_s) * per_second))
            if due > sent:
                await self._send(records[sent:due], sent, started_s, per_second, answers)
                sent = due
            await asyncio.sleep(TICK_S)
        seconds = time.monotonic() - started_s
        await asyncio.gather(*self._acknowledged)
        return Fed(sent, seconds)

    async def _send(
        self, records: Sequence[ToSend], first: int, started_s: float, per_second: float, answers: Answers
    ) -> None:
        by_place: defaultdict[tuple[str, int], list[tuple[ToSend, float]]] = defaultdict(list)
        for number, record in enumerate(records, first):
            topic, key, *_ = record.record
            place = topic, self._partition_of(key, self._partitions[topic])
            by_place[place].append((record, started_s + number / per_second))
        for (topic, partition), placed in by_place.items():
            left = placed
            while left:
                batch = self._producer.create_batch()
                taken = _fill(batch, left)
                acknowledgement = await self._producer.send_batch(batch, topic, partition=partition)
                task = asyncio.create_task(_note(acknowledgement, left[:taken], answers))
                self._acknowledged.add(task)
                task.add_done_callback(self._done)
                left = left[taken:]

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.exception() is None:  # a failed one stays, and is raised at the end
            self._acknowledged.discard(task)


def _fill(batch: Any, records: Sequence[tuple[ToSend, float]]) -> int:
    """Append records until the batch is full; returns their number."""
    for number, ((record, _), _) in enumerate(records):
        if batch.append(timestamp=None, key=record.key, value=record.value) is None:
            return number
    return len(records)


async def _note(acknowledgement: Any, records: Sequence[tuple[ToSend, float]], answers: Answers) -> None:
    first = (await acknowledgement).offset
    for number, ((record, is_followed), due_s) in enumerate(records):
        if is_followed:
            answers.sent(record.key.decode(), offset=first + number, due_s=due_s)
