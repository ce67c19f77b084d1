"""A transactional producer that writes outputs, state rows, position and source offsets atomically."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.producer.transaction_manager import PidAndEpoch

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import NOT_ALLOWED, OutputRefusedError, ReopenNeeded, TopicMissingError, not_allowed
from streams.exactly_once.records.batch_builder import Batches, PlacedBatch
from streams.exactly_once.records.produced import Produced, ProducedColumns, RowColumns, StateRow, record_count
from streams.exactly_once.transactions.coordinators import AwaitLeaders, GroupCoordinator, TransactionsCoordinator
from streams.exactly_once.transactions.position import Position
from streams.exactly_once.transactions.takeover import Identity, StateRead, begin, settle, take_over

DISCARD_TIMEOUT_S = 2.0
AT_ONCE_MAX = 1_000
"""Records that are laid out on the event loop: faster than a thread begins to work while others compute."""
_REFUSALS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
)
S = TypeVar("S", bound=StateRead)


class Transaction(NamedTuple):
    """Content of a transaction: outputs, changed state rows, and the next offsets to process."""

    produced: Sequence[Produced | ProducedColumns]
    rows: Sequence[StateRow | RowColumns]
    offsets: Mapping[TopicPartition, int]
    input_count: int
    number: int


class TransactionalWriter:
    """Owns the transactional id of one task, and its position.

    Opening fences the previous owner, so that the state read afterwards cannot change any more. After an error the
    writer is unusable: discard it.
    """

    def __init__(
        self,
        settings: DriverSettings,
        transactional_id: str,
        state: TopicPartition,
        clock_ms: Callable[[], int],
        await_leaders: AwaitLeaders,
    ) -> None:
        self._settings = settings
        self._transactional_id = transactional_id
        self._state = state
        self._clock_ms = clock_ms
        self._producer = AIOKafkaProducer(
            **settings.client_options(),
            transactional_id=transactional_id,
            enable_idempotence=True,  # implied by the transactional id, as acks is; correctness depends on both
            acks="all",
            transaction_timeout_ms=settings.transaction_timeout_ms,
        )
        client, timeout_ms = self._producer.client, settings.transaction_timeout_ms
        self._coordinator = TransactionsCoordinator(client, transactional_id, timeout_ms, await_leaders)
        self._group = GroupCoordinator(client, settings.group, timeout_ms)
        self._position = Position()
        self._touched: set[TopicPartition] = set()
        self._committed_over: object = None

    async def open(self, read: Callable[[], Awaitable[S]]) -> S:
        """Connect, take over the task, and return the state that ``read`` gives; discard the writer if this fails.

        Raises ReopenNeeded if the broker does not answer, or if another worker takes the task over meanwhile;
        NotAllowedError; and what ``read`` raises.
        """
        with _opening():
            await asyncio.wait_for(self._producer.client.bootstrap(), self._settings.transaction_timeout_ms / 1000)
            timeout_ms = self._settings.transaction_timeout_ms
            identity, found = await take_over(self._coordinator, self._state, _allowed(read), timeout_ms)
            self._identify(identity)
            sender = self._producer._sender  # noqa: SLF001  the producer's start() would fence again, unconditionally
            await sender._find_coordinator(CoordinationType.TRANSACTION, self._transactional_id)  # noqa: SLF001
            await sender.start()
        return found

    async def committed(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """The group's stable offsets, None if there is none; unstable ones are omitted."""
        return await self._group.committed(partitions)

    def begin_at(self, position: Position) -> None:
        """Set the position from which the next transaction continues."""
        self._position = position

    @property
    def position(self) -> Position:
        """The position after the last transaction."""
        return self._position

    @property
    def is_unsettled(self) -> bool:
        """Whether the connection to the coordinator was lost since the last commit, so that markers may be missing."""
        return self._committed_over is not None and self._committed_over is not self._coordinator.connection

    async def settle(self) -> None:
        """Write markers that the last transaction may lack; raises as ``transact`` does."""
        await self._within_timeout(self._settle(), ())

    async def transact(self, transaction: Transaction) -> None:
        """Write a transaction and commit it.

        Raises ReopenNeeded if it failed or may have failed, OutputRefusedError or TopicMissingError if a retry cannot
        help.
        """
        topics = sorted({record.topic for record in transaction.produced})
        await self._within_timeout(self._transact(transaction, topics), topics)

    async def discard(self) -> None:
        """Close without flushing, in bounded time, even if no broker answers."""
        producer = self._producer
        producer._closed = True  # noqa: SLF001  stop() would flush first, for ever if the broker is gone
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer._sender.close(), DISCARD_TIMEOUT_S)  # noqa: SLF001
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), DISCARD_TIMEOUT_S)
        waiter = producer._txn_manager._transaction_waiter  # noqa: SLF001
        if waiter is not None and waiter.done() and not waiter.cancelled():
            waiter.exception()  # retrieved, so that asyncio does not report it as never retrieved

    async def _within_timeout(self, work: Coroutine[Any, Any, None], topics: Sequence[str]) -> None:
        try:
            await asyncio.wait_for(work, self._settings.transaction_timeout_ms / 1000)
        except ProducerFenced as error:
            raise ReopenNeeded("fenced: another worker has opened this task", fenced=True) from error
        except UnknownTopicOrPartitionError as error:
            if not topics:  # its own topics exist: the broker has just restarted
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
        ) as error:  # aiokafka asserts its internal states
            if isinstance(error.__cause__, NOT_ALLOWED):  # aiokafka wraps unexpected errors of its sender
                raise not_allowed(error.__cause__, "write outputs, state and offsets") from error
            raise ReopenNeeded(f"the transaction did not commit: {error!r}") from error

    async def _settle(self) -> None:
        timeout_ms = self._settings.transaction_timeout_ms
        self._identify(await settle(self._coordinator, self._identity, self._touched, timeout_ms))
        self._committed_over = None

    @property
    def _identity(self) -> Identity:
        manager = self._producer._txn_manager  # noqa: SLF001  as below
        return Identity(manager.producer_id, manager.producer_epoch)

    def _identify(self, identity: Identity) -> None:
        """Let the producer write with this identity; it must be idle."""
        manager = self._producer._txn_manager  # noqa: SLF001  no public way to change its epoch
        if manager.has_pid():
            manager._pid_and_epoch = PidAndEpoch(*identity)  # noqa: SLF001
            manager._sequence_numbers.clear()  # noqa: SLF001  they are per epoch
        else:
            manager.set_pid_and_epoch(*identity)

    async def _transact(self, transaction: Transaction, topics: Sequence[str]) -> None:
        counts = {topic: len(await self._producer.partitions_for(topic)) for topic in topics}
        outputs = await _laid_out(partial(self._outputs, transaction, counts), record_count(transaction.produced))
        partitions = {TopicPartition(topic, partition) for topic, partition, _ in outputs}
        # announced first: the next owner must know where markers may be missing
        if not partitions <= self._position.output_partitions():
            starts = self._position.starts
            unmoved = {tp: starts.get(tp.topic, offset) for tp, offset in transaction.offsets.items()}
            await self._commit([], [], self._position.declaring(partitions), unmoved)
        ends = {tp.topic: offset for tp, offset in transaction.offsets.items()}
        await self._commit(outputs, transaction.rows, self._position.after(ends), transaction.offsets)

    async def _commit(
        self,
        outputs: Sequence[PlacedBatch],
        rows: Sequence[StateRow | RowColumns],
        position: Position,
        offsets: Mapping[TopicPartition, int],
    ) -> None:
        producer, rows = self._producer, [*rows, position.row()]
        batches = [*outputs, *await _laid_out(partial(self._rows, rows), record_count(rows))]
        await self._begin({TopicPartition(topic, partition) for topic, partition, _ in batches})
        deliveries = [
            await producer.send_batch(batch, topic, partition=partition) for topic, partition, batch in batches
        ]
        await asyncio.gather(*deliveries, self._add_offsets())
        # only now: a broker that gets both at once verifies only one of them with the coordinator, and refuses the
        # other with NOT_ENOUGH_REPLICAS, a misleading error that is retried after a tenth of a second
        await producer.send_offsets_to_transaction(offsets, self._settings.group)
        await producer.commit_transaction()
        self._position = position

    async def _add_offsets(self) -> None:
        """Add the group's offsets to the transaction; they serve tools and lag, the position is authoritative."""
        while not await self._producer._sender._do_add_offsets_to_txn(self._settings.group):  # noqa: SLF001
            pass  # it sleeps between attempts

    async def _begin(self, partitions: set[TopicPartition]) -> None:
        """Begin a transaction with all these partitions at once."""
        over, timeout_ms = self._committed_over, self._settings.transaction_timeout_ms
        identity = await begin(
            self._coordinator, self._identity, partitions, over=over, last=self._touched, timeout_ms=timeout_ms
        )
        if identity != self._identity:
            self._identify(identity)
        self._committed_over, self._touched = self._coordinator.connection, partitions
        await self._producer.begin_transaction()
        self._producer._txn_manager._txn_partitions.update(partitions)  # noqa: SLF001  they are added already

    def _outputs(self, transaction: Transaction, counts: Mapping[str, int]) -> list[PlacedBatch]:
        return self._batches().of_outputs(transaction.produced, counts, transaction.number)

    def _rows(self, rows: Sequence[StateRow | RowColumns]) -> list[PlacedBatch]:
        return self._batches().of_rows(rows, self._state)

    def _batches(self) -> Batches:
        settings = self._settings
        return Batches(settings.produce_max_batch_bytes, settings.compression, self._clock_ms())


async def _laid_out(lay_out: Callable[[], list[PlacedBatch]], records: int) -> list[PlacedBatch]:
    return lay_out() if records <= AT_ONCE_MAX else await asyncio.to_thread(lay_out)


def _allowed(read: Callable[[], Awaitable[S]]) -> Callable[[], Awaitable[S]]:
    """Wrap ``read``, to distinguish a missing right to read the state from one to write."""

    async def allowed() -> S:
        try:
            return await read()
        except NOT_ALLOWED as error:
            raise not_allowed(error, "read its state") from error

    return allowed


@contextmanager
def _opening() -> Iterator[None]:
    """Map errors of a takeover to exceptions of the driver."""
    try:
        yield
    except NOT_ALLOWED as error:
        is_topic = isinstance(error, TopicAuthorizationFailedError)
        what = "write outputs, state and offsets" if is_topic else "use its transactional id"
        raise not_allowed(error, what) from error
    except ProducerFenced as error:
        raise ReopenNeeded("fenced: another worker takes this task over", fenced=True) from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise ReopenNeeded(f"cannot take the task over: {error!r}") from error
