"""What a task is: the processor of one input partition, and what it exchanges with the driver."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.spans import Spans

if TYPE_CHECKING:
    from streams.exactly_once.records import Records


class Record(Protocol):
    """A record as it was read; aiokafka's ``ConsumerRecord`` fits."""

    @property
    def topic(self) -> str:
        """Where it was read."""
        ...

    @property
    def partition(self) -> int:
        """In which partition."""
        ...

    @property
    def offset(self) -> int:
        """At which offset."""
        ...

    @property
    def timestamp(self) -> int:
        """Its time stamp in milliseconds."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its value; None is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Its headers."""
        ...


class Produced(NamedTuple):
    """A record to be written.

    Without a partition it goes where Kafka's own partitioner would send its key (murmur2); without a key as
    well, to the partition with the number of the task's own (modulo). Without a time stamp it gets the time
    of writing.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class ProducedColumns(NamedTuple):
    """Records of one topic to be written, in columns: what ``Produced`` says of one, without headers.

    The columns are of one size. ``partitions`` are as in ``Produced`` where given; else the keys decide.

    >>> columns = ProducedColumns("sums", Spans.of([b"a", b"b"]), Spans.of([b"1", None]))
    >>> list(columns.each())[1]
    Produced(topic='sums', key=b'b', value=None, headers=(), partition=None, timestamp_ms=None)
    """

    topic: str
    keys: Spans
    values: Spans
    partitions: NDArray[np.int32] | None = None
    timestamps_ms: NDArray[np.int64] | None = None

    @property
    def record_count(self) -> int:
        """How many records these are."""
        return self.keys.size

    def each(self) -> Iterator[Produced]:
        """Give the records one by one."""
        absent: list[int | None] = [None] * self.record_count
        partitions = absent if self.partitions is None else self.partitions.tolist()
        stamps = absent if self.timestamps_ms is None else self.timestamps_ms.tolist()
        for key, value, partition, stamp_ms in zip(
            self.keys.each(), self.values.each(), partitions, stamps, strict=True
        ):
            yield Produced(self.topic, key, value, (), partition, stamp_ms)


class StateRow(NamedTuple):
    """A row of a task's state; None deletes."""

    key: bytes
    value: bytes | None


class RowColumns(NamedTuple):
    """Rows of a task's state, in columns of one size; a value that is None deletes, a key is never None.

    >>> list(RowColumns(Spans.of([b"a", b"b"]), Spans.of([b"1", None])).each())
    [StateRow(key=b'a', value=b'1'), StateRow(key=b'b', value=None)]
    """

    keys: Spans
    values: Spans

    @property
    def record_count(self) -> int:
        """How many rows these are."""
        return self.keys.size

    def each(self) -> Iterator[StateRow]:
        """Give the rows one by one."""
        for key, value in zip(self.keys.each(), self.values.each(), strict=True):
            assert key is not None
            yield StateRow(key, value)


Outputs: TypeAlias = Iterable[Produced | ProducedColumns]
"""What a task produces, record by record or many at once, in the order in which it is written."""

Rows: TypeAlias = Iterable[StateRow | RowColumns]
"""Rows that changed, one by one or many at once."""


def record_count(things: Sequence[Produced | ProducedColumns | StateRow | RowColumns]) -> int:
    """Count records, whether they come one by one or in columns.

    >>> record_count([StateRow(b"a", None), RowColumns(Spans.of([b"b", b"c"]), Spans.of([b"2", b"3"]))])
    3
    """
    more = [it.record_count - 1 for it in things if isinstance(it, (ProducedColumns, RowColumns))]
    return len(things) + sum(more)


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

    def process(self, topic: str, records: "Records") -> Outputs:
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
