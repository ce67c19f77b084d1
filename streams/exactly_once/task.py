"""What a task is: the processor of one input partition, and what it exchanges with the driver."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from streams.exactly_once.records.produced import Outputs, Rows, StateRow
from streams.exactly_once.records.read_records import Record, Records


class Task(Protocol):
    """The processor of one input partition: synchronous, no IO, called by one coroutine at a time.

    Its state is what ``changed`` has handed out: after a crash a fresh task gets exactly that back in
    ``restore`` and sees every input after it again. An exception from any of these methods stops the driver:
    the input that a task cannot take is for the task to set aside.
    """

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Take the newest row of every key of its partition of the state topic; called once, first."""
        ...

    def broadcast(self, topic: str, records: Sequence[Record]) -> Outputs:
        """Take records of a broadcast topic; only ever between batches.

        At opening the newest record of every key, afterwards what comes, in offset order.
        """
        ...

    def process(self, topic: str, records: Records) -> Outputs:
        """Take one batch of one input topic, offsets ascending."""
        ...

    def tick(self, now_ms: int, behind: Collection[str]) -> Outputs:
        """Take the wall clock, as a value; ``behind`` names the input topics of which more is there to read."""
        ...

    def conclude(self) -> Outputs:
        """Say what follows from all that came since the last commit; called once per commit, before ``changed``.

        What only the end of a transaction can show anyway is best made here: once, not once a batch.
        """
        ...

    def changed(self) -> Rows:
        """Hand out the rows that changed since the last call; called once per commit."""
        ...


class Measures(NamedTuple):
    """What a task measures of itself: counts, which only ever grow, and gauges, by name."""

    counts: Mapping[str, int]
    gauges: Mapping[str, float] = {}


@runtime_checkable
class Measured(Protocol):
    """A task that measures itself."""

    def measures(self) -> Measures:
        """Give all counts and gauges as they are; asked once per commit, after ``changed``, and after ``restore``."""
        ...


def measures_of(task: Task) -> Measures | None:
    """What a task measures, if it does."""
    return task.measures() if isinstance(task, Measured) else None


async def at_once() -> None:
    """Wait for nothing."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What the driver has to know about one kind of task.

    ``inputs`` are consumed by the group, co-partitioned: task N gets partition N of each. ``state_topic`` is
    compacted and has as many partitions; rows of task N go to partition N. ``broadcasts`` are compacted
    topics that every task reads in full. ``state_format`` is a number to raise when rows change their
    meaning. A task that computes much does so ``in_thread``: all its methods but ``restore`` are then called
    off the event loop, one at a time as ever; others go on meanwhile, in so far as it lets go of the interpreter.
    A partition is opened when ``until_ready`` has returned: until then it is owned, and nothing of it is read.
    Somebody ``awaits`` its records of that output topic: how old inputs are is told when one has been committed.
    ``partition_count`` is how many partitions its code reckons with, where it does: other topics are refused.
    """

    name: str
    inputs: tuple[str, ...]
    state_topic: str
    broadcasts: tuple[str, ...] = ()
    make: Callable[[int], Task]
    tick_interval_ms: int = 200
    state_format: int = 1
    in_thread: bool = False
    until_ready: Callable[[], Awaitable[None]] = at_once
    partition_count: int | None = None
    awaits: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work.

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
