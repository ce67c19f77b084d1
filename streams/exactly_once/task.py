"""What a task is: the processor of one input partition, and what it exchanges with the driver."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


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
    def headers(self) -> Sequence[tuple[str, bytes]]:
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
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class StateRow(NamedTuple):
    """A row of a task's state; None deletes."""

    key: bytes
    value: bytes | None


class Task(Protocol):
    """The processor of one input partition: synchronous, no IO, called by one coroutine at a time.

    Its state is what ``changed`` has handed out: after a crash a fresh task gets exactly that back in
    ``restore`` and sees every input after it again. An exception from any of these methods stops the driver:
    the input that a task cannot take is for the task to set aside.
    """

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Take the newest row of every key of its partition of the state topic; called once, first."""
        ...

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Take records of a broadcast topic; only ever between batches.

        At opening the newest record of every key, afterwards what comes, in offset order.
        """
        ...

    def process(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Take one batch of one input topic, offsets ascending."""
        ...

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:
        """Take the wall clock, as a value; ``behind`` names the input topics of which more is there to read."""
        ...

    def conclude(self) -> Iterable[Produced]:
        """Say what follows from all that came since the last commit; called once per commit, before ``changed``.

        What only the end of a transaction can show anyway is best made here: once, not once a batch.
        """
        ...

    def changed(self) -> Iterable[StateRow]:
        """Hand out the rows that changed since the last call; called once per commit."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What the driver has to know about one kind of task.

    ``inputs`` are consumed by the group, co-partitioned: task N gets partition N of each. ``state_topic`` is
    compacted and has as many partitions; rows of task N go to partition N. ``broadcasts`` are compacted
    topics that every task reads in full. ``state_format`` is a number to raise when rows change their
    meaning. A task that computes for long does so ``in_thread``: batches, broadcasts and ticks are then taken
    off the event loop, one at a time as ever, and others commit meanwhile.
    """

    name: str
    inputs: tuple[str, ...]
    state_topic: str
    broadcasts: tuple[str, ...] = ()
    make: Callable[[int], Task]
    tick_interval_ms: int = 200
    state_format: int = 1
    in_thread: bool = False

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
