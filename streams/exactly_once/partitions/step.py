"""Keeps the partitions of some tasks in step, by moments that the tasks themselves read from their records.

Records of several partitions whose output goes to one partition are mixed in the order in which they are committed. A
partition that is read faster would therefore put hours between records of the same minute. Here no partition
processes a record that is more than a slack ahead of the first record that another has not committed yet. The one that
is last is never held, so somebody always advances; what holds others is committed at once. A partition that has nothing
to read holds nobody, and neither does one from which nothing has come for a while.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.records.input_batch import Batch

PATIENCE_S = 300.0
"""Longer than a busy machine needs to open a partition after a kill; then the others go on without it."""


class Reads(Protocol):
    """An open task, as its pace uses it."""

    async def moments(self, batch: Batch) -> NDArray[np.int64]:
        """Ascending moments of the records of a batch."""
        ...


class Unpaced:
    """The pace of a task that need not keep step: whole batches, as they come."""

    is_held = False
    is_waited_for = False

    async def part(self, reads: Reads, inbox: deque[Batch]) -> Batch | None:  # noqa: ARG002  as Pace
        """The next batch."""
        return inbox.popleft()

    def stir(self) -> None:
        """Do nothing."""

    def writing(self) -> None:
        """Do nothing."""

    def committed(self) -> None:
        """Do nothing."""

    def reset(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""


class Step:
    """The paces of one worker's partitions."""

    def __init__(self, slack_ms: int, *, patience_s: float = PATIENCE_S) -> None:
        self.slack_ms = slack_ms
        self.patience_s = patience_s
        self.paces: list[Pace] = []

    def join(self, is_read_up: Callable[[], bool], wake: Callable[[], None]) -> "Pace":
        """The pace of one more partition. `is_read_up` tells whether it has nothing to read."""
        pace = Pace(self, is_read_up, wake)
        self.paces.append(pace)
        return pace


class Pace(Unpaced):
    """The pace of one partition."""

    def __init__(self, step: Step, is_read_up: Callable[[], bool], wake: Callable[[], None]) -> None:
        self.is_held = False
        self.is_waited_for = False
        self._step = step
        self._is_read_up = is_read_up
        self._wake = wake
        self._moments: NDArray[np.int64] | None = None
        self._working_ms: int | None = None
        self._writing_ms: int | None = None
        self._unknown_since_s = time.monotonic()

    async def part(self, reads: Reads, inbox: deque[Batch]) -> Batch | None:
        """The records to process now, the beginning of the next batch; None if the others are too far behind."""
        batch = inbox[0]
        if self._moments is None:
            self._moments = await reads.moments(batch)
        moments = self._moments
        count = int(np.searchsorted(moments, self._limit_ms(), side="right"))
        if count == 0:
            self.is_held, self.is_waited_for = True, self.has_work
            return None
        if self._working_ms is None:
            self._working_ms = int(moments[0])
        self.is_waited_for = self.is_waited_for or any(pace.is_held for pace in self._step.paces)
        if count == len(moments):
            self._moments, self._unknown_since_s = None, time.monotonic()
            return inbox.popleft()
        self._moments = moments[count:]
        inbox[0] = batch._replace(records=batch.records[count:])
        return batch._replace(records=batch.records[:count])

    def floor_ms(self) -> float:
        """The moment of the first record that is not committed yet; infinite if nothing is to be expected."""
        known = [it for it in (self._writing_ms, self._working_ms) if it is not None]
        if self._moments is not None:
            known.append(int(self._moments[0]))
        if known:
            return min(known)
        now_s = time.monotonic()
        if self._is_read_up():
            self._unknown_since_s = now_s
            return math.inf
        return math.inf if now_s - self._unknown_since_s > self._step.patience_s else -math.inf

    def stir(self) -> None:
        """Look again whether the others still hold it."""
        self.is_held = False

    def writing(self) -> None:
        """Note that what was processed so far is being committed."""
        self._writing_ms, self._working_ms, self.is_waited_for = self._working_ms, None, False

    def committed(self) -> None:
        """Note that it is committed, and let the others look again."""
        if self._writing_ms is not None:
            self._writing_ms = None
            self._stir_others()

    def reset(self) -> None:
        """Forget what was read and not committed: it will be read again."""
        self._moments = self._working_ms = self._writing_ms = None
        self.is_held = self.is_waited_for = False
        self._unknown_since_s = time.monotonic()

    def leave(self) -> None:
        """Hold nobody any more."""
        if self in self._step.paces:
            self._step.paces.remove(self)
            self._stir_others()

    def _limit_ms(self) -> float:
        """The last moment that may be processed now; those that hold it are asked to commit."""
        others = [(pace.floor_ms(), pace) for pace in self._step.paces if pace is not self]
        limit_ms = min((floor_ms for floor_ms, _ in others), default=math.inf) + self._step.slack_ms
        assert self._moments is not None
        if limit_ms < self._moments[-1]:
            for floor_ms, pace in others:
                if floor_ms + self._step.slack_ms < self._moments[-1] and pace.has_work:
                    pace.hurry()
        return limit_ms

    @property
    def has_work(self) -> bool:
        """Whether something is processed and not yet being written."""
        return self._working_ms is not None

    def hurry(self) -> None:
        """Commit soon: another partition waits for it."""
        self.is_waited_for = True
        self._wake()

    def _stir_others(self) -> None:
        for pace in self._step.paces:
            if pace is not self and pace.is_held:
                pace.stir()
                pace._wake()  # noqa: SLF001  another of our own kind


def pace_in(
    step: Step | None, slack_ms: int | None, is_read_up: Callable[[], bool], wake: Callable[[], None]
) -> Unpaced:
    """The pace of a partition: in step, if its task has a slack."""
    return Unpaced() if step is None or slack_ms is None else step.join(is_read_up, wake)
