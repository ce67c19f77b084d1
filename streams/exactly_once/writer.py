"""One transactional producer: writes outputs, state rows and source offsets together or not at all."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from streams.exactly_once.batches import Batches, PlacedBatch
from streams.exactly_once.errors import NOT_ALLOWED, OutputRefusedError, ReopenNeeded, TopicMissingError, not_allowed
from streams.exactly_once.past import Past, ask_before_fencing
from streams.exactly_once.settings import DriverSettings
from streams.exactly_once.task import Produced, ProducedColumns, RowColumns, StateRow

DISCARD_TIMEOUT_S = 2.0
AwaitLeaders = Callable[[Collection[TopicPartition]], Awaitable[None]]
_REFUSALS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
)


class Transaction(NamedTuple):
    """What belongs together: outputs, changed state rows, and the next offsets to process."""

    produced: Sequence[Produced | ProducedColumns]
    rows: Sequence[StateRow | RowColumns]
    state: TopicPartition
    offsets: Mapping[TopicPartition, int]
    input_count: int
    number: int


class TransactionalWriter:
    """Holds one transactional id.

    Opening fences whoever held it before and ends their open transaction, so what is read from the log
    afterwards cannot change any more. After any error the writer is of no use: discard it.
    """

    def __init__(
        self,
        settings: DriverSettings,
        transactional_id: str,
        clock_ms: Callable[[], int],
        await_leaders: AwaitLeaders,
        past: Past,
    ) -> None:
        self._await_leaders = await_leaders
        self._past = past
        self._settings = settings
        self._clock_ms = clock_ms
        self._swept: set[TopicPartition] = set()
        self._producer = AIOKafkaProducer(
            **settings.client_options(),
            transactional_id=transactional_id,
            enable_idempotence=True,  # both are implied by the transactional id; said, since everything rests on them
            acks="all",
            transaction_timeout_ms=settings.transaction_timeout_ms,
        )
        self._committed_over: object = None
        ask_before_fencing(self._producer, transactional_id, past)

    async def open(self) -> None:
        """Connect, fence, and end what was open; discard it when this fails.

        Raises ReopenNeeded when the broker does not answer within the transaction timeout, NotAllowedError.
        """
        try:
            await asyncio.wait_for(self._producer.start(), self._settings.transaction_timeout_ms / 1000)
        except NOT_ALLOWED as error:
            raise not_allowed(error, "use its transactional id") from error
        except (KafkaError, TimeoutError, OSError) as error:
            raise ReopenNeeded(f"cannot open the transactional producer: {error!r}") from error

    @property
    def swept(self) -> frozenset[TopicPartition]:
        """The partitions that this writer has written to, or may have."""
        return frozenset(self._swept)

    async def sweep(self, places: Collection[TopicPartition]) -> None:
        """End what this task's predecessors may have left open in these places and its offsets, as they ended it.

        The broker has ended their last transaction, but it may have left out the marker of a partition that had
        no leader at that moment; see ``past``. Raises as ``transact`` does.
        """
        await self._within_timeout(self._sweep(places, committed=self._past.committed), ())

    @property
    def is_unsettled(self) -> bool:
        """Whether the coordinator went away after, or in, the last transaction, so that markers may be missing."""
        return self._committed_over is not None and self._committed_over is not self._coordinator()

    async def settle(self) -> None:
        """Write the markers that the last transaction may lack; raises as ``transact`` does."""
        await self._within_timeout(self._settle(), ())

    async def transact(self, transaction: Transaction) -> None:
        """Write a transaction and commit it.

        Raises ReopenNeeded when it did not commit or may not have, OutputRefusedError or TopicMissingError
        when trying again cannot help.
        """
        topics = sorted({record.topic for record in transaction.produced})
        await self._within_timeout(self._transact(transaction, topics), topics)

    async def discard(self) -> None:
        """Close without flushing, in bounded time, whether a broker answers or not."""
        producer = self._producer
        producer._closed = True  # noqa: SLF001  its own stop() flushes first, for ever when the broker is gone
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer._sender.close(), DISCARD_TIMEOUT_S)  # noqa: SLF001
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), DISCARD_TIMEOUT_S)
        waiter = producer._txn_manager._transaction_waiter  # noqa: SLF001
        if waiter is not None and waiter.done() and not waiter.cancelled():
            waiter.exception()  # nobody waits for it any more: known, so that it is not reported as forgotten

    async def _within_timeout(self, work: Coroutine[Any, Any, None], topics: Sequence[str]) -> None:
        try:
            await asyncio.wait_for(work, self._settings.transaction_timeout_ms / 1000)
        except ProducerFenced as error:
            raise ReopenNeeded("fenced: another worker has opened this task", fenced=True) from error
        except UnknownTopicOrPartitionError as error:
            if not topics:  # its own topics were there a moment ago: a broker that just came back
                raise ReopenNeeded(f"the broker does not know its topics: {error!r}") from error
            raise TopicMissingError(
                f"one of the output topics {', '.join(topics)} does not exist: create it"
            ) from error
        except NOT_ALLOWED as error:
            raise not_allowed(error, "write outputs, state and offsets") from error
        except _REFUSALS as error:
            raise OutputRefusedError(f"the broker refuses what the task produced: {error!r}") from error
        except (
            KafkaError,
            TimeoutError,
            OSError,
            AssertionError,
        ) as error:  # aiokafka asserts its own states
            if isinstance(error.__cause__, NOT_ALLOWED):  # and wraps what its sender did not expect
                raise not_allowed(error.__cause__, "write outputs, state and offsets") from error
            raise ReopenNeeded(f"the transaction did not commit: {error!r}") from error

    async def _sweep(self, places: Collection[TopicPartition], *, committed: bool) -> None:
        """End transactions without a record in them: that puts a marker into each place, and into the offsets."""
        await self._await_leaders(places)  # a marker for a partition without one is left out
        if committed:
            await self._put_markers(places, committed=True)
        # of two the second begins once the markers of the first are there: what is read from now on includes them
        await self._put_markers(places, committed=committed)

    async def _put_markers(self, places: Collection[TopicPartition], *, committed: bool) -> None:
        producer = self._producer
        sender, manager = producer._sender, producer._txn_manager  # noqa: SLF001  no public way without a record
        await producer.begin_transaction()
        while not await sender._do_add_offsets_to_txn(self._settings.group):  # noqa: SLF001
            pass  # it waits between two attempts
        for place in places:
            manager.maybe_add_partition_to_txn(place)
            self._swept.add(place)
        await (producer.commit_transaction() if committed else producer.abort_transaction())

    async def _settle(self) -> None:
        coordinator = self._coordinator()
        await self._sweep(self._swept, committed=True)
        self._committed_over = coordinator

    def _coordinator(self) -> object:
        """Give the connection to the transactions' coordinator, which does not survive it."""
        producer = self._producer
        node_id = producer._sender._coordinators.get(CoordinationType.TRANSACTION)  # noqa: SLF001
        connection = producer.client._conns.get((node_id, ConnectionGroup.COORDINATION))  # noqa: SLF001
        return connection if connection is not None and connection.connected() else object()

    async def _transact(self, transaction: Transaction, topics: Iterable[str]) -> None:
        producer = self._producer
        if self.is_unsettled:
            await self._settle()
        coordinator = self._coordinator()
        counts = {topic: len(await producer.partitions_for(topic)) for topic in topics}
        batches = await asyncio.to_thread(self._laid_out, transaction, counts)
        if unswept := {TopicPartition(topic, partition) for topic, partition, _ in batches} - self._swept:
            await self._sweep(unswept, committed=self._past.committed)
        await producer.begin_transaction()
        deliveries = [
            await producer.send_batch(batch, topic, partition=partition) for topic, partition, batch in batches
        ]
        await asyncio.gather(
            *deliveries, producer.send_offsets_to_transaction(transaction.offsets, self._settings.group)
        )
        await producer.commit_transaction()
        self._committed_over = coordinator

    def _laid_out(self, transaction: Transaction, counts: Mapping[str, int]) -> list[PlacedBatch]:
        settings = self._settings
        batches = Batches(settings.produce_max_batch_bytes, settings.compression, self._clock_ms())
        outputs = batches.of_outputs(transaction.produced, counts, transaction.number)
        return outputs + batches.of_rows(transaction.rows, transaction.state)
