"""The partitions that this worker owns: opens assigned ones, closes revoked ones."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import DriverError, PartitionsDifferError
from streams.exactly_once.observer import Observer
from streams.exactly_once.partitions.broadcast_reader import BroadcastReader
from streams.exactly_once.partitions.owned_partition import OwnedPartition
from streams.exactly_once.partitions.step import Step
from streams.exactly_once.partitions.worker_context import Feed
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import TaskSpec
from streams.exactly_once.topic_checks import topics_checked
from streams.exactly_once.wall_clock import wall_clock_ms


def numbers_by_task(specs: Sequence[TaskSpec], partitions: Collection[TopicPartition]) -> dict[str, list[int]]:
    """Partition numbers by task of an assignment of topic-partitions.

    Raises PartitionsDifferError if the inputs of a task have different partitions.

    >>> spec = TaskSpec(name="sums", inputs=("left", "right"), state_topic="s", make=lambda partition: ...)
    >>> numbers_by_task([spec], {TopicPartition("left", 1), TopicPartition("right", 1)})
    {'sums': [1]}
    """
    result = {}
    for spec in specs:
        given: Mapping[str, set[int]] = {
            topic: {tp.partition for tp in partitions if tp.topic == topic} for topic in spec.inputs
        }
        numbers = given[spec.inputs[0]]
        if any(other != numbers for other in given.values()):
            listed = ", ".join(f"{topic}: {sorted(having)}" for topic, having in given.items())
            raise PartitionsDifferError(
                f"task '{spec.name}' was assigned different partitions of its inputs ({listed}): "
                "every member of the group must use this driver, and the topics need equal partition counts"
            )
        result[spec.name] = sorted(numbers)
    return result


class Ownership:
    """The partitions of one worker, and their shared context."""

    def __init__(
        self,
        settings: DriverSettings,
        specs: Sequence[TaskSpec],
        observer: Observer,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.settings = settings
        self.specs = tuple(specs)
        self.observer = observer
        self.clock_ms = clock_ms
        self.feed: Feed  # set once the app has a consumer
        self.broadcasts: BroadcastReader
        self.failed: asyncio.Future[None]
        self._task_of_topic = {topic: spec.name for spec in specs for topic in spec.inputs}
        self._owned: dict[tuple[str, int], OwnedPartition] = {}
        self.restoring = asyncio.Semaphore(settings.restores_max)
        self.turns = asyncio.Semaphore(max(1, _cores() - 1))
        slacks = [spec.step_slack_ms for spec in specs if spec.step_slack_ms is not None]
        self.step = Step(min(slacks)) if slacks else None
        self._closing: set[asyncio.Task[None]] = set()
        self._admission: asyncio.Task[None] | None = None
        self._ended = False

    def begin(self, feed: Feed) -> None:
        """Initialise on the running loop."""
        self.feed = feed
        self.failed = asyncio.get_running_loop().create_future()
        self.broadcasts = BroadcastReader(
            self.settings,
            (topic for spec in self.specs for topic in spec.broadcasts),
            deliver=self._announce,
            observer=self.observer,
        )

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error; later errors are ignored."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Open tasks for assigned partitions, unless the worker is leaving."""
        if self._ended:
            return
        try:
            numbers = numbers_by_task(self.specs, partitions)
        except PartitionsDifferError as error:
            self.fail(error)
            return
        wanted = {(spec.name, number): spec for spec in self.specs for number in numbers[spec.name]}
        self.observer.joined(wanted.keys())
        gone = [owned for key, owned in self._owned.items() if key not in wanted]
        self._begin_closing(gone)
        new = []
        for (name, number), spec in wanted.items():
            if kept := self._owned.get((name, number)):
                kept.resume()
            else:
                owned = self._owned[name, number] = OwnedPartition(spec, number, self)
                self.observer.assigned(name, number)
                new.append(owned)
        self._stop_admission()
        self._admission = asyncio.get_running_loop().create_task(self._admit(new))

    async def suspend(self, timeout_s: float | None = None) -> None:
        """Commit everything in bounded time, by default half of the rebalance timeout."""
        self._stop_admission()
        if timeout_s is None:
            timeout_s = self.settings.rebalance_timeout_ms / 2000
        owned = list(self._owned.values())
        suspended = await asyncio.gather(*(partition.suspend(timeout_s) for partition in owned))
        self._begin_closing([it for it, may_go_on in zip(owned, suspended, strict=True) if not may_go_on])
        await self._wait_closed()

    async def close(self, timeout_s: float) -> None:
        """Commit and release everything in bounded time, finally."""
        self._ended = True
        await self.suspend(timeout_s)
        self._begin_closing(list(self._owned.values()))
        await self._wait_closed()

    def out_of_range(self, partitions: Iterable[TopicPartition]) -> None:
        """Reopen tasks whose next offset does not exist: they determine what is lost."""
        for tp in partitions:
            owned = self._owned.get((self._task_of_topic[tp.topic], tp.partition))
            if owned is not None:
                owned.reopen(f"{tp.topic}-{tp.partition} does not have the next offset")

    def ready(self) -> set[TopicPartition]:
        """The input partitions from which to fetch."""
        return {tp for owned in self._owned.values() for tp in owned.wanted()}

    def deliver(self, batch: Batch) -> None:
        """Pass a batch to its task, or drop it if this worker does not own the task (any more)."""
        owned = self._owned.get((self._task_of_topic[batch.topic], batch.partition))
        if owned is not None:
            owned.deliver(batch)

    async def _admit(self, new: Sequence[OwnedPartition]) -> None:
        while True:
            try:
                await topics_checked(self.settings, self.specs)
            except DriverError as error:
                self.fail(error)
                return
            except (KafkaError, OSError):
                await asyncio.sleep(self.settings.reopen_backoff_ms / 1000)
            else:
                break
        for owned in new:
            owned.start()

    def _begin_closing(self, partitions: Sequence[OwnedPartition]) -> None:
        for partition in partitions:
            key = (partition.spec.name, partition.number)
            if self._owned.get(key) is not partition:
                continue  # a rebalance and a shutdown may close it at the same time
            del self._owned[key]
            self.observer.revoked(partition.spec.name, partition.number)
            closing = asyncio.get_running_loop().create_task(partition.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _wait_closed(self) -> None:
        if self._closing:
            await asyncio.wait(set(self._closing))

    def _stop_admission(self) -> None:
        if self._admission is not None:
            self._admission.cancel()
            self._admission = None

    def _announce(self, topic: str, records: Sequence[Record]) -> None:
        for owned in self._owned.values():
            owned.announce(topic, records)


def _cores() -> int:
    """Cores that this process may use, as far as the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
