"""Partitions that keep step: nothing is committed far ahead of what another partition has still to commit."""

import asyncio
from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.exactly_once.partitions.step import Pace, Step
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.read_records import ReadRecord, Records

SLACK_MS = 10


class Stamps:
    """A task whose moments are the newest timestamps so far."""

    def __init__(self) -> None:
        self.newest_ms = 0

    async def moments(self, batch: Batch) -> NDArray[np.int64]:
        found = np.maximum.accumulate(np.maximum(batch.records.timestamps, self.newest_ms))
        self.newest_ms = int(found[-1])
        return found


class Partition:
    """One partition: batches to come, what is processed and what is being written."""

    def __init__(self, step: Step, batches: list[list[int]]) -> None:
        self.task = Stamps()
        self.coming = deque(batches)
        self.inbox: deque[Batch] = deque()
        self.processed: list[int] = []
        self.written: list[int] = []
        self.wakes = 0
        self.pace = step.join(self.is_read_up, self.wake)

    def is_read_up(self) -> bool:
        return not self.coming and not self.inbox

    def wake(self) -> None:
        self.wakes += 1

    def fetch(self) -> None:
        if self.coming:
            stamps = self.coming.popleft()
            records = [ReadRecord("t", 0, number, stamp, None, None) for number, stamp in enumerate(stamps)]
            self.inbox.append(Batch("t", 0, 0, 0, Records.of(records)))

    async def process(self) -> None:
        if self.inbox and (part := await self.pace.part(self.task, self.inbox)) is not None:
            self.processed += part.records.timestamps.tolist()

    def begin(self) -> None:
        if not self.written:
            self.pace.writing()
            self.written, self.processed = self.processed, []

    def commit(self, log: list[int]) -> None:
        log += self.written
        self.written = []
        self.pace.committed()

    @property
    def is_done(self) -> bool:
        return self.is_read_up() and not self.processed and not self.written


def disorder_ms(log: list[int]) -> int:
    """How far a record comes after one that is newer."""
    newest = worst = 0
    for stamp in log:
        worst = max(worst, newest - stamp)
        newest = max(newest, stamp)
    return worst


stamps = st.lists(st.integers(1, 200), min_size=1, max_size=12).map(sorted)
batches = st.lists(st.integers(1, 4), min_size=0, max_size=4)


@given(st.lists(stamps, min_size=2, max_size=3), st.data())
@settings(max_examples=60)
def test_commits_of_several_partitions_are_in_step_in_whatever_order_they_happen(
    partitions: list[list[int]], data: st.DataObject
) -> None:
    step, log = Step(SLACK_MS, patience_s=1e9), list[int]()
    everyone = [Partition(step, [some[at : at + 3] for at in range(0, len(some), 3)]) for some in partitions]
    turns = 0
    while not all(it.is_done for it in everyone):
        turns += 1
        assert turns < 2_000, "nobody advances"
        one = data.draw(st.sampled_from(everyone)) if turns < 60 else everyone[turns % len(everyone)]
        action = data.draw(st.integers(0, 3)) if turns < 60 else (turns // len(everyone)) % 4
        if action == 0:
            one.fetch()
        elif action == 1:
            asyncio.run(one.process())
        elif action == 2:
            one.begin()
        else:
            one.commit(log)
    assert sorted(log) == sorted(stamp for some in partitions for stamp in some), "each record once"
    assert disorder_ms(log) <= SLACK_MS


def two(first: list[int], second: list[int], patience_s: float = 1e9) -> tuple[Partition, Partition]:
    step = Step(SLACK_MS, patience_s=patience_s)
    return Partition(step, [first]), Partition(step, [second])


def test_a_batch_is_divided_where_the_other_partition_has_come_to() -> None:
    ahead, behind = two([1, 30, 31], [5, 6])
    ahead.fetch()
    asyncio.run(ahead.process())
    assert ahead.pace.is_held, "nobody knows yet what the other one has"
    behind.fetch()
    asyncio.run(behind.process())
    asyncio.run(ahead.process())
    assert (ahead.processed, behind.processed) == ([1], [5, 6])
    asyncio.run(ahead.process())
    assert ahead.pace.is_held
    assert behind.pace.is_waited_for, "what holds another is committed at once"


def test_a_partition_that_has_not_been_read_holds_the_others_until_patience_ends() -> None:
    for patience_s, expected in ((1e9, []), (-1.0, [50])):
        known, _ = two([50], [1], patience_s)
        known.fetch()
        asyncio.run(known.process())
        assert known.processed == expected


def test_a_partition_that_leaves_holds_nobody() -> None:
    held, leaving = two([50], [1])
    held.fetch()
    asyncio.run(held.process())
    assert held.pace.is_held
    leaving.pace.leave()
    assert not held.pace.is_held
    assert held.wakes == 1
    assert isinstance(held.pace, Pace)
