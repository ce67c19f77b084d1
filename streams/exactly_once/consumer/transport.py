"""Faust's aiokafka transport, below its public API: a message is a batch, offsets belong to transactions.

Theory of operation. Faust fetches in its own thread and passes messages to agents on the main loop. Stock Faust needs
one task switch and several futures per record; here one message carries all records that one fetch returned for a
topic-partition. Faust commits offsets from acknowledgements; here it commits nothing, because offsets are part of the
tasks' transactions. Faust seeks to committed offsets when a rebalance ends; here each task seeks its own partitions
once it is open, and nothing is fetched from them before.
"""

from collections.abc import Awaitable
from typing import Any, cast

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

from streams.exactly_once.consumer.consumer_thread import BatchConsumerThread
from streams.exactly_once.consumer.owner import OwnedApp, Owner
from streams.exactly_once.errors import NOT_ALLOWED, DriverError, not_allowed
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.topic_checks import refuse_torn

IDLE_S = 0.05


class BatchConsumer(driver.Consumer):
    """The consumer on the main loop."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def _owner(self) -> Owner:
        return cast("OwnedApp", self.app).owner

    @property
    def thread(self) -> BatchConsumerThread:
        """The consumer thread, for tasks that seek and query offsets."""
        return cast("BatchConsumerThread", self._thread)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let tasks commit first, then let Faust empty its queues."""
        await self._owner.suspend()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open tasks while Faust resumes its streams."""
        partitions = {TopicPartition(tp.topic, tp.partition) for tp in assigned}
        try:
            await refuse_torn(self._owner.settings, self._owner.specs, partitions)
        except DriverError as error:
            self._owner.fail(error)
            return
        except (KafkaError, OSError):
            pass  # then the owner reports what it sees
        self._owner.assigned(partitions)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Do nothing: each task seeks its own partitions when it is open."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Do nothing: offsets are part of the tasks' transactions."""
        return False

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: Faust's livelock detector watches its own commits, and there are none."""

    def close(self) -> None:
        """Do nothing: Faust would close the consumer on the wrong loop; stopping closes it on the right one."""

    async def _drain_messages(self, fetcher: Any) -> None:
        while await self._flows(fetcher):
            for batch in await self._fetch_some():
                # it may have been fetched at the end of a rebalance, after its task's new seek: hold it until Faust's
                # streams flow again, because they skip earlier messages
                if await self._flows(fetcher):
                    await self.wait_first(self._hand_over(batch), self.suspend_flow.wait())

    async def _flows(self, fetcher: Any) -> bool:
        """Wait until streams flow; False if the fetcher should end."""
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
            pass  # aiokafka needed a position before the task had sought one
        except OffsetOutOfRangeError as error:
            self._owner.out_of_range(error.args[0])
        except DriverError as error:
            self._owner.fail(error)
            await self.sleep(IDLE_S)
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
        last_offset, last_ms = int(batch.records.offsets[-1]), int(batch.records.timestamps[-1])
        message = ConsumerMessage(
            topic=batch.topic,
            partition=batch.partition,
            offset=last_offset,
            timestamp=last_ms / 1000,
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
    """A producer for Faust, which requires one; unused and without connection."""

    async def flush(self) -> None:
        """Do nothing."""


class BatchTransport(driver.Transport):
    """The transport to use as ``app.transport``; the app must have an ``owner``."""

    Consumer = BatchConsumer
    Producer = IdleProducer
