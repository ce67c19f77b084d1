"""Assembles a worker: a Faust app whose agents feed exactly-once tasks."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from streams.exactly_once.cancelling import ended
from streams.exactly_once.consumer.faust_app import ExactlyOnceApp, new_app
from streams.exactly_once.consumer.transport import BatchConsumer
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import NOT_ALLOWED, BrokerUnreachableError, DriverError, not_allowed
from streams.exactly_once.observer import Observer
from streams.exactly_once.partitions.ownership import Ownership
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.warm_up import compile_ahead
from streams.exactly_once.task import TaskSpec
from streams.exactly_once.topic_checks import topics_checked
from streams.exactly_once.wall_clock import wall_clock_ms

START_BACKOFF_MAX_S = 2.0
RIGHTS_INTERVAL_S = 0.5


class ConsumerFeed:
    """Access to the consumer thread for partitions, from the main loop."""

    def __init__(self, app: ExactlyOnceApp) -> None:
        self._app = app

    async def is_member(self) -> bool:
        """Whether the group's coordinator confirms our membership."""
        thread = self._consumer.thread
        return await thread.run(thread.is_member())

    async def bounds(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Earliest and last stable offsets."""
        thread = self._consumer.thread
        return await thread.run(thread.bounds(partitions))

    async def seek(self, positions: Mapping[TopicPartition, int]) -> int:
        """Seek a task's inputs together."""
        thread = self._consumer.thread
        return await thread.run(thread.seek_together(positions))

    async def await_leaders(self, partitions: Collection[TopicPartition]) -> None:
        """Wait until the leader of each partition answers."""
        thread = self._consumer.thread
        await thread.run(thread.await_leaders(partitions))

    def is_read_up(self, partition: TopicPartition) -> bool:
        """Whether the last fetch reached the end."""
        return partition in self._consumer.thread.read_up

    def end(self, partition: TopicPartition) -> int | None:
        """The last stable offset."""
        return self._consumer.thread.ends.get(partition)

    def fetched_count(self, partition: TopicPartition, seek: int) -> int:
        """Number of batches fetched from a partition since this seek."""
        return self._consumer.thread.fetched_count(partition, seek)

    @property
    def _consumer(self) -> BatchConsumer:
        return cast("BatchConsumer", self._app.consumer)


class ExactlyOnce:
    """A worker; ``run`` it on an event loop until it is stopped."""

    def __init__(self, app: ExactlyOnceApp, ownership: Ownership) -> None:
        self.app = app
        self._ownership = ownership

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then commit and leave the group.

        Raises exceptions of tasks, and DriverError if topics, state or broker prevent work.
        """
        compile_ahead()
        ownership = self._ownership
        ownership.begin(ConsumerFeed(self.app))
        if not await self._find_broker(stop):
            return
        broadcasts = asyncio.create_task(ownership.broadcasts.run(), name="broadcasts")
        start = asyncio.create_task(self.app.start(), name="faust")
        stopping = asyncio.create_task(stop.wait())
        crashed = asyncio.create_task(self.app._crashed.wait())  # noqa: SLF001  mode offers no wait
        rights = asyncio.create_task(self._watch_rights(), name="rights")
        try:
            waiting: set[asyncio.Future[Any]] = {start, broadcasts, stopping, crashed, ownership.failed}
            while not (stopping.done() or crashed.done() or ownership.failed.done()):
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done & {start, broadcasts}:
                    task.result()
                    waiting.discard(task)
        finally:
            for task in (broadcasts, stopping, crashed, rights):
                task.cancel()
            await self._shut_down(start)
            await ended(broadcasts)
        if crashed.done() and not crashed.cancelled():
            raise self.app.crash_reason or RuntimeError("Faust crashed without a reason")
        if ownership.failed.done():
            ownership.failed.result()

    async def _watch_rights(self) -> None:
        """Fail if the worker cannot join its group: since nothing is fetched, nothing else would report it."""
        consumer = cast("BatchConsumer", self.app.consumer)
        while True:
            await asyncio.sleep(RIGHTS_INTERVAL_S)
            with contextlib.suppress(ConsumerStoppedError, AssertionError):  # not started, or stopping
                try:
                    await consumer.thread.run(consumer.thread.hear_of_errors())
                except NOT_ALLOWED as error:
                    self._ownership.fail(not_allowed(error, "join its group"))
                    return
                except DriverError as error:
                    self._ownership.fail(error)
                    return

    async def _find_broker(self, stop: asyncio.Event) -> bool:
        """Wait for a broker and check the topics; False if stopped meanwhile."""
        settings, specs = self._ownership.settings, self._ownership.specs
        started_s, backoff_s = time.monotonic(), 0.1
        while not stop.is_set():
            try:
                await topics_checked(settings, specs)
            except (KafkaError, OSError) as error:
                waited_ms = (time.monotonic() - started_s) * 1000
                if settings.start_deadline_ms is not None and waited_ms >= settings.start_deadline_ms:
                    raise BrokerUnreachableError(
                        f"no broker at {settings.bootstrap} after {waited_ms / 1000:.0f} s: "
                        f"start it, or correct the address or its security settings ({error!r})"
                    ) from error
            else:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff_s):
                    await stop.wait()
            backoff_s = min(2 * backoff_s, START_BACKOFF_MAX_S)
        return False

    async def _shut_down(self, start: "asyncio.Task[None]") -> None:
        timeout_s = self._ownership.settings.stop_timeout_ms / 2000
        await ended(start)
        await self._ownership.close(timeout_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.app.stop()


def build(
    settings: DriverSettings,
    specs: Sequence[TaskSpec],
    *,
    observer: Observer | None = None,
    clock_ms: Callable[[], int] = wall_clock_ms,
) -> ExactlyOnce:
    """Build a worker from settings and tasks; does not connect yet.

    Raises ValueError if two tasks have the same name or input topic: offsets belong to group and topic, so the
    tasks would move each other's.
    """
    names = [spec.name for spec in specs]
    inputs = [topic for spec in specs for topic in spec.inputs]
    for what, words in (("task name", names), ("input topic", inputs)):
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            raise ValueError(f"{what} used by two tasks of one group: {', '.join(twice)}")
    ownership = Ownership(settings, specs, observer or Observer(), clock_ms)
    app = new_app(settings, ownership)
    for spec in specs:
        for topic in spec.inputs:
            _add_agent(app, ownership, spec, topic)
    return ExactlyOnce(app, ownership)


def _add_agent(app: ExactlyOnceApp, ownership: Ownership, spec: TaskSpec, topic: str) -> None:
    async def feed(stream: faust.StreamT[Batch]) -> AsyncIterator[int]:
        async for batch in stream:
            ownership.deliver(batch)
            yield len(batch.records)

    channel = app.topic(topic, value_serializer="raw", key_serializer="raw", acks=False)
    app.agent(channel, name=f"{spec.name}.{topic}", concurrency=1)(feed)
