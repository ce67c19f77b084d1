"""The interface of a task, the processor of one input partition, and its specification for the driver."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.records.produced import Outputs, Rows, StateRow
from streams.exactly_once.records.read_records import Record, Records


class Task(Protocol):
    """The processor of one input partition: synchronous, without IO, called by one coroutine at a time.

    Its state consists of the rows that ``changed`` has returned: after a crash, a new task gets exactly these in
    ``restore`` and sees all later inputs again. An exception from any of these methods stops the driver; a task must
    handle bad input itself.
    """

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the state from the newest row of each key of the state partition; called once, first."""
        ...

    def broadcast(self, topic: str, records: Sequence[Record]) -> Outputs:
        """Process records of a broadcast topic, between batches.

        When the task is opened, these are the newest records of all keys; later, new records in offset order.
        """
        ...

    def process(self, topic: str, records: Records) -> Outputs:
        """Process one batch of one input topic, in offset order."""
        ...

    def tick(self, now_ms: int, behind: Collection[str]) -> Outputs:
        """Process the wall-clock time; ``behind`` names the input topics with unread records."""
        ...

    def conclude(self) -> Outputs:
        """Produce output for everything since the last commit; called once per commit, before ``changed``.

        Output that readers see only after the commit is best produced here, once instead of once per batch.
        """
        ...

    def changed(self) -> Rows:
        """Return the state rows that changed since the last call; called once per commit."""
        ...


class Measures(NamedTuple):
    """Metrics of a task by name: counts, which never decrease, and gauges."""

    counts: Mapping[str, int]
    gauges: Mapping[str, float] = {}


@runtime_checkable
class Measured(Protocol):
    """A task with metrics."""

    def measures(self) -> Measures:
        """All counts and gauges; called after ``restore``, and once per commit after ``changed``."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A task whose partitions are kept in step."""

    def moments(self, topic: str, records: Records) -> NDArray[np.int64]:
        """Ascending moments of the records of a batch, from one batch to the next as well; `process` follows."""
        ...


def measures_of(task: Task) -> Measures | None:
    """The metrics of a task, if it has any."""
    return task.measures() if isinstance(task, Measured) else None


async def at_once() -> None:
    """Return at once."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What the driver needs to know about one kind of task.

    ``inputs`` are consumed by the group, co-partitioned: task N gets partition N of each. ``state_topic`` is
    compacted and has the same number of partitions; rows of task N go to partition N. ``broadcasts`` are compacted
    topics that every task reads in full. Increase ``state_format`` when the meaning of rows changes. With ``in_thread``
    all methods except ``restore`` run off the event loop, still one at a time; other tasks continue meanwhile as far as
    the task releases the interpreter's lock. Of those that also ``take_turns``, because they compute often and briefly,
    only as many run at a time as leave a core to the event loop, on which commits wait. A partition is opened when
    ``until_ready`` has returned; until then it is owned but not read. If it has rows of state, ``until_restorable`` is
    awaited before they are restored. The age of inputs is reported when output to the topic ``awaits`` has been
    committed.
    With a ``partition_count``, topics with another number of partitions are refused.
    With a ``step_slack_ms`` the task is `Paced`: all its partitions, and those of other such tasks, go to one member of
    the group, and none gets further ahead of another than this.
    With a ``commit_interval_ms`` it commits at this interval where the driver's is shorter: a task that nobody waits
    for leaves its share of the broker and of the event loop to those that somebody waits for.
    """

    name: str
    inputs: tuple[str, ...]
    state_topic: str
    broadcasts: tuple[str, ...] = ()
    make: Callable[[int], Task]
    tick_interval_ms: int = 200
    state_format: int = 1
    in_thread: bool = False
    take_turns: bool = False
    until_ready: Callable[[], Awaitable[None]] = at_once
    until_restorable: Callable[[], Awaitable[None]] = at_once
    partition_count: int | None = None
    awaits: str | None = None
    step_slack_ms: int | None = None
    commit_interval_ms: int = 0

    def __post_init__(self) -> None:
        """Refuse inconsistent specifications.

        >>> TaskSpec(name="sums", inputs=(), state_topic="state", make=lambda partition: ...)
        Traceback (most recent call last):
        ...
        ValueError: task 'sums' has no input topic
        """
        if not self.inputs:
            raise ValueError(f"task '{self.name}' has no input topic")
        topics = [*self.inputs, self.state_topic, *self.broadcasts]
        if len(set(topics)) != len(topics):
            raise ValueError(f"task '{self.name}' names a topic twice: {', '.join(topics)}")
        if self.tick_interval_ms <= 0:
            raise ValueError(f"task '{self.name}' needs a positive tick_interval_ms")
