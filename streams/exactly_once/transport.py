"""Faust's aiokafka transport, below its public API: a message is a batch, offsets belong to transactions.

Theory of operation. Faust fetches in a thread of its own and hands messages to agents on the main loop. Stock
Faust pays one task switch and several futures per record; here one message carries all records that one fetch
returned for a topic-partition. Faust commits offsets from acknowledgements; here it commits nothing, since
offsets go into the transactions of the tasks. Faust seeks to committed offsets when a rebalance ends; here
each task seeks its own partitions once it has opened, and nothing is fetched from them until then.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

import aiokafka
from aiokafka import TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust.transport import base
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.exactly_once.assignor import CoPartitionedAssignor
from streams.exactly_once.batch import Batch
from streams.exactly_once.errors import NOT_ALLOWED, not_allowed
from streams.exactly_once.settings import DriverSettings
from streams.exactly_once.task import Record

FETCH_TIMEOUT_S = 0.1  # also how late a resumed partition is noticed
IDLE_S = 0.05
_T = TypeVar("_T")


class Owner(Protocol):
    """Who decides what happens to assigned partitions."""

    settings: DriverSettings
    assignor: CoPartitionedAssignor

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Open tasks for what was assigned; must return at once."""
        ...

    async def suspend(self) -> None:
        """Commit everything; a rebalance waits for it."""
        ...

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error."""
        ...

    def out_of_range(self, partitions: Iterable[TopicPartition]) -> None:
        """Reopen tasks whose next input the broker does not have (any more)."""
        ...

    def ready(self) -> set[TopicPartition]:
        """Give the partitions whose tasks are open and have room for more."""
        ...


class OwnedApp(Protocol):
    """A Faust app whose partitions belong to somebody outside of Faust."""

    owner: Owner


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer; what is async here runs on its loop."""

    def __post_init__(self) -> None:
        """Add the seek numbers to what Faust sets up."""
        super().__post_init__()
        self._owner = cast("OwnedApp", self.app).owner
        self._last_seek = 0
        self._seeks: dict[TopicPartition, int] = {}
        self._counts: dict[TopicPartition, int] = {}
        self.read_up: frozenset[TopicPartition] = frozenset()

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ARG002  Faust passes it
        settings = self._owner.settings
        return aiokafka.AIOKafkaConsumer(
            **settings.client_options(),
            group_id=settings.group,
            group_instance_id=settings.group_instance_id,
            partition_assignment_strategy=[self._owner.assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is gone is for its task to know
            isolation_level="read_committed",
            fetch_max_wait_ms=settings.fetch_wait_ms,
            max_partition_fetch_bytes=settings.fetch_max_partition_bytes,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
        )

    async def on_thread_stop(self) -> None:
        """Stop the consumer, but do not wait for a broker that is gone: aiokafka would, for ever."""
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):  # it may await a fetch that it cancelled
            await asyncio.wait_for(super().on_thread_stop(), self._owner.settings.stop_timeout_ms / 4000)

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run work on this thread's loop, from the main one."""
        try:
            result = asyncio.run_coroutine_threadsafe(work, self.thread_loop)
        except RuntimeError as error:  # its loop is closed
            work.close()
            raise ConsumerStoppedError from error
        return await asyncio.wrap_future(result)

    async def fetch(self, partitions: Collection[TopicPartition]) -> list[Batch]:
        """Fetch what has arrived for these partitions; wait a tenth of a second for something."""
        consumer = self._ensure_consumer()
        if consumer._closed:  # noqa: SLF001  Faust's own driver lives below aiokafka's surface as well
            raise ConsumerStoppedError
        await self.hear_of_errors()
        fetcher = consumer._fetcher  # noqa: SLF001
        with fetcher._subscriptions.fetch_context():  # noqa: SLF001
            fetched = await fetcher.fetched_records(
                partitions, timeout=FETCH_TIMEOUT_S, max_records=self._owner.settings.fetch_max_records
            )
        self.read_up = frozenset(filter(self._is_read_up, consumer.assignment()))
        # no await between the fetcher's answer and these numbers: no seek can happen in between
        return [self._numbered(tp, records) for tp, records in fetched.items()]

    def _numbered(self, tp: TopicPartition, records: Sequence[Record]) -> Batch:
        number = self._counts.get(tp, 0)
        self._counts[tp] = number + 1
        return Batch(tp.topic, tp.partition, self._seeks.get(tp, 0), number, records)

    def fetched_count(self, tp: TopicPartition, seek: int) -> int:
        """Count the batches fetched of a partition since this seek; may be asked on any thread."""
        return self._counts.get(tp, 0) if self._seeks.get(tp, 0) == seek else 0

    def _is_read_up(self, tp: TopicPartition) -> bool:
        """Whether all that is committed in a partition has been fetched."""
        assignment = self._ensure_consumer()._subscription.subscription.assignment  # noqa: SLF001  as above
        state = assignment.state_value(tp)
        return bool(state.has_valid_position and state.lso is not None and state.position >= state.lso)

    async def seek_together(self, positions: Mapping[TopicPartition, int]) -> int:
        """Seek a task's partitions and give the number that batches fetched from there will carry."""
        consumer = self._ensure_consumer()
        self._last_seek += 1
        for tp, offset in positions.items():
            consumer.seek(tp, offset)
            self._seeks[tp], self._counts[tp] = self._last_seek, 0
        return self._last_seek

    async def start_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Give each partition's next offset to process, and how many records were deleted before it.

        What the group has committed; where it has not, the earliest.
        """
        consumer = self._ensure_consumer()
        earliest = await consumer.beginning_offsets(list(partitions))
        offsets = {}
        for tp in partitions:
            committed = await consumer.committed(tp)
            first = committed if committed is not None else earliest[tp]
            offsets[tp] = (max(first, earliest[tp]), max(0, earliest[tp] - first))
        return offsets

    async def await_leaders(self, partitions: Collection[TopicPartition]) -> None:
        """Return once the leader of each partition has answered; aiokafka asks until it does."""
        await self._ensure_consumer().beginning_offsets(list(partitions))

    async def is_member(self) -> bool:
        """Ask the group's coordinator whether what we were assigned is still ours."""
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001
        try:
            return bool(await coordinator._do_heartbeat())  # noqa: SLF001
        except KafkaError:
            return False

    async def note_progress(self) -> None:
        """Tell the poll timeout that the main loop is alive though it fetches nothing.

        Else a worker that restores for long, or has no partitions, would leave its group.
        """
        with self._ensure_consumer()._fetcher._subscriptions.fetch_context():  # noqa: SLF001
            pass

    async def hear_of_errors(self) -> None:
        """Let aiokafka's coordinator go on trying: it waits for us to hear of what went wrong.

        Raises what it will never get over: missing rights.
        """
        if self._consumer is None:  # not started yet
            return
        try:
            self._consumer._coordinator.check_errors()  # noqa: SLF001
        except NOT_ALLOWED:
            raise
        except KafkaError:
            pass


class BatchConsumer(driver.Consumer):
    """The main loop's side."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def _owner(self) -> Owner:
        return cast("OwnedApp", self.app).owner

    @property
    def thread(self) -> BatchConsumerThread:
        """The thread, for the tasks that seek and ask."""
        return cast("BatchConsumerThread", self._thread)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let tasks commit first, then let Faust empty its queues."""
        await self._owner.suspend()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open tasks while Faust resumes its streams."""
        self._owner.assigned({TopicPartition(tp.topic, tp.partition) for tp in assigned})
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek nothing: every task seeks its own partitions once it has opened."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Commit nothing: offsets are in the tasks' transactions."""
        return False

    async def verify_all_partitions_active(self) -> None:
        """Check nothing: Faust's livelock detector watches the commits that it does not make here."""

    def close(self) -> None:
        """Do nothing: Faust would close the consumer on the wrong loop; stopping closes it properly."""

    async def _drain_messages(self, fetcher: Any) -> None:
        while await self._flows(fetcher):
            for batch in await self._fetch_some():
                # it may have been fetched while a rebalance ended, after its task had sought anew: hold it until
                # Faust's streams flow again, for they skip what comes before
                if await self._flows(fetcher):
                    await self.wait_first(self._hand_over(batch), self.suspend_flow.wait())

    async def _flows(self, fetcher: Any) -> bool:
        """Wait until streams flow; false once the fetcher should end."""
        while not (self.flow_active or self._should_end(fetcher)):
            await self.wait(self.can_resume_flow.wait())
        return not self._should_end(fetcher)

    async def _fetch_some(self) -> list[Batch]:
        ready = self._owner.ready()
        try:
            if not ready:
                await self.thread.run(self.thread.note_progress())
                await self.sleep(IDLE_S)
                return []
            return await self.thread.run(self.thread.fetch(ready))
        except ConsumerStoppedError:
            if not self.app.should_stop:
                raise
        except NoOffsetForPartitionError:
            pass  # aiokafka looked for a position before the task had sought one
        except OffsetOutOfRangeError as error:
            self._owner.out_of_range(error.args[0])
        except NOT_ALLOWED as error:
            self._owner.fail(not_allowed(error, "read its input as a member of its group"))
            await self.sleep(IDLE_S)
        except KafkaError as error:
            if not error.retriable:
                self._owner.fail(error)
            await self.sleep(self._owner.settings.reopen_backoff_ms / 1000)
        return []

    def _should_end(self, fetcher: Any) -> bool:
        return bool(self.should_stop or fetcher.should_stop)

    def _hand_over(self, batch: Batch) -> Awaitable[None]:
        last = batch.records[-1]
        message = ConsumerMessage(
            topic=batch.topic,
            partition=batch.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000,
            timestamp_type=0,
            headers={},
            key=None,
            value=cast("bytes", batch),
            checksum=None,
            tp=TP(batch.topic, batch.partition),
            generation_id=self.app.consumer_generation_id,
        )
        return cast("Awaitable[None]", self.callback(message))


class IdleProducer(base.Producer):
    """The producer that Faust wants to have and nobody uses: it opens no connection."""

    async def flush(self) -> None:
        """Nothing to flush."""


class BatchTransport(driver.Transport):
    """The transport to install as ``app.transport``; the app must have an ``owner``."""

    Consumer = BatchConsumer
    Producer = IdleProducer
