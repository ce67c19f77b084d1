"""The thread that owns the aiokafka consumer: fetches and numbers batches, seeks, and queries offsets."""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, TypeVar, cast

import aiokafka
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers import aiokafka as driver

from streams.exactly_once.consumer.assignor import CoPartitionedAssignor
from streams.exactly_once.consumer.column_fetcher import consumer_of_columns
from streams.exactly_once.consumer.group_membership import Membership, check
from streams.exactly_once.consumer.owner import OwnedApp
from streams.exactly_once.consumer.patient_consumer import patient
from streams.exactly_once.errors import NOT_ALLOWED
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.read_records import Records

FETCH_TIMEOUT_S = 0.1  # also how late a resumed partition is noticed
_T = TypeVar("_T")


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer; coroutines of this class run on its loop."""

    def __post_init__(self) -> None:
        """Initialise the seek numbers, after Faust's own fields."""
        super().__post_init__()
        self._owner = cast("OwnedApp", self.app).owner
        self._assignor = CoPartitionedAssignor(self._owner.specs)
        self._last_seek = 0
        self._seeks: dict[TopicPartition, int] = {}
        self._counts: dict[TopicPartition, int] = {}
        self.read_up: frozenset[TopicPartition] = frozenset()
        self.ends: dict[TopicPartition, int] = {}
        self._membership = Membership(self._owner.settings)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ARG002  Faust passes it
        settings = self._owner.settings
        return patient(consumer_of_columns(settings.fetch_max_records))(
            **settings.client_options(),
            group_id=settings.group,
            group_instance_id=settings.group_instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # a task must know if its position does not exist
            isolation_level="read_committed",
            fetch_max_wait_ms=settings.fetch_wait_ms,
            max_partition_fetch_bytes=settings.fetch_max_partition_bytes,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
        )

    async def on_thread_stop(self) -> None:
        """Stop the consumer with a timeout: aiokafka would wait for an unreachable broker for ever."""
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):  # it may await a cancelled fetch
            await asyncio.wait_for(super().on_thread_stop(), self._owner.settings.stop_timeout_ms / 4000)

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine on this thread's loop, from the main one."""
        try:
            result = asyncio.run_coroutine_threadsafe(work, self.thread_loop)
        except RuntimeError as error:  # its loop is closed
            work.close()
            raise ConsumerStoppedError from error
        return await asyncio.wrap_future(result)

    async def fetch(self, partitions: Collection[TopicPartition]) -> list[Batch]:
        """Fetch records of these partitions; wait at most a tenth of a second for some."""
        consumer = self._ensure_consumer()
        if consumer._closed:  # noqa: SLF001  Faust's own driver uses aiokafka's internals as well
            raise ConsumerStoppedError
        await self.hear_of_errors()
        fetcher = consumer._fetcher  # noqa: SLF001
        with fetcher._subscriptions.fetch_context():  # noqa: SLF001
            fetched = await fetcher.fetched_records(partitions, timeout=FETCH_TIMEOUT_S)
        # no await between the fetcher's response and these numbers, so that no seek can happen in between; batches are
        # counted first: whoever sees that a partition is read up must see that they are on their way
        batches = [self._numbered(tp, records) for tp, records in fetched.items() if records]
        assignment = consumer.assignment()
        self.read_up = frozenset(filter(self._is_read_up, assignment))
        self.ends = {tp: end for tp in assignment if (end := self._end(tp)) is not None}
        return batches

    def _numbered(self, tp: TopicPartition, records: Records) -> Batch:
        number = self._counts.get(tp, 0)
        self._counts[tp] = number + 1
        records.fetched_ms = self._owner.clock_ms()
        return Batch(tp.topic, tp.partition, self._seeks.get(tp, 0), number, records)

    def fetched_count(self, tp: TopicPartition, seek: int) -> int:
        """Number of batches fetched from a partition since this seek; may be called on any thread."""
        return self._counts.get(tp, 0) if self._seeks.get(tp, 0) == seek else 0

    def _is_read_up(self, tp: TopicPartition) -> bool:
        """Whether all committed records of a partition have been fetched."""
        state = self._state(tp)
        return bool(state.has_valid_position and state.lso is not None and state.position >= state.lso)

    def _end(self, tp: TopicPartition) -> int | None:
        """The last stable offset of a partition as of the last fetch."""
        end: int | None = self._state(tp).lso
        return end

    def _state(self, tp: TopicPartition) -> Any:
        return self._ensure_consumer()._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001  as above

    async def seek_together(self, positions: Mapping[TopicPartition, int]) -> int:
        """Seek a task's partitions; returns the seek number of subsequent batches."""
        consumer = self._ensure_consumer()
        self._last_seek += 1
        self.read_up -= positions.keys()
        for tp, offset in positions.items():
            consumer.seek(tp, offset)
            self._state(tp).lso = None  # what was the end before may not be it any more: the next fetch tells
            self._seeks[tp], self._counts[tp] = self._last_seek, 0
        return self._last_seek

    async def bounds(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Earliest and last stable offset of each partition."""
        consumer, listed = self._ensure_consumer(), list(partitions)
        earliest, ends = await consumer.beginning_offsets(listed), await consumer.end_offsets(listed)
        return {tp: (earliest[tp], ends[tp]) for tp in listed}

    async def await_leaders(self, partitions: Collection[TopicPartition]) -> None:
        """Return once the leader of each partition has answered; aiokafka retries until then."""
        await self._ensure_consumer().beginning_offsets(list(partitions))

    async def is_member(self) -> bool:
        """Ask the group's coordinator whether our assignment is still valid."""
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001
        try:
            return bool(await coordinator._do_heartbeat())  # noqa: SLF001
        except KafkaError:
            return False

    async def note_progress(self) -> None:
        """Reset the poll timeout although nothing is fetched.

        Otherwise a worker with a long restore, or without partitions, would leave its group.
        """
        consumer = self._ensure_consumer()
        await self.hear_of_errors()
        with consumer._fetcher._subscriptions.fetch_context():  # noqa: SLF001
            pass

    async def hear_of_errors(self) -> None:
        """Retrieve errors of aiokafka's coordinator, which waits for that before it retries.

        Raises permanent ones: missing rights, and what ``Membership`` raises.
        """
        if self._consumer is None:  # not started yet
            return
        try:
            check(self._membership, self._consumer._coordinator)  # noqa: SLF001
        except NOT_ALLOWED:
            raise
        except KafkaError:
            pass
