"""The transaction coordinator: producer ids, fencing, two-phase ends, timeouts.

    EMPTY --add partitions or offsets--> ONGOING --end--> PREPARE_COMMIT or PREPARE_ABORT --> COMPLETE_...

An end is written in the order: decision, markers, then offsets together with the completion. After a kill, `recover`
finishes decided transactions, without repeating markers that are in a log already. The whole end runs without
yielding, so no request sees a partially ended transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import chain

import msgspec

from streams.broker.groups import CommittedOffset, Groups, OffsetKey
from streams.broker.journal import Journal
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.record_batch import BatchHeader
from streams.broker.topic_registry import Topics

TIMEOUT_MS_MAX = 900_000  # transaction.max.timeout.ms of Apache Kafka
_EPOCH_MAX = 32_767


class TransactionState(StrEnum):
    """State of a transactional id; the values are those of ListTransactions."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"


class PendingOffset(msgspec.Struct, frozen=True, kw_only=True):
    """An offset that becomes visible with the commit of its transaction."""

    group_id: str
    topic: str
    partition: int
    committed: CommittedOffset


class TransactionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The journal entry of a transactional id."""

    producer_id: int
    epoch: int
    last_epoch: int = -1  # the previous epoch, to recognise a producer that repeats its request for a bump
    timeout_ms: int
    state: TransactionState = TransactionState.EMPTY
    started_ms: int = 0
    partitions: tuple[tuple[str, int], ...] = ()
    offsets: tuple[PendingOffset, ...] = ()


class Transactions:
    """Producers and transactions of all transactional ids."""

    def __init__(
        self,
        journal: Journal,
        *,
        topics: Topics,
        groups: Groups,
        clock_ms: Callable[[], int],
        holds_offsets: Callable[[], bool] = lambda: False,
    ) -> None:
        self.by_id: dict[str, TransactionRecord] = {}
        self._id_of_producer: dict[int, str] = {}
        self._journal = journal
        self._topics = topics
        self._groups = groups
        self._clock_ms = clock_ms
        self._holds_offsets = holds_offsets
        self._held: list[PendingOffset] = []
        self._next_producer_id = 1000
        for _, encoded in journal.items("producer-id"):
            self._next_producer_id = msgspec.msgpack.decode(encoded, type=int)
        for transactional_id, encoded in journal.items("transaction/"):
            self._remember(transactional_id, msgspec.msgpack.decode(encoded, type=TransactionRecord))

    def _remember(self, transactional_id: str, record: TransactionRecord) -> None:
        self.by_id[transactional_id] = record
        self._id_of_producer[record.producer_id] = transactional_id

    def _save(self, transactional_id: str, record: TransactionRecord, **others: object) -> None:
        self._journal.put({**others, f"transaction/{transactional_id}": record})
        self._remember(transactional_id, record)

    def recover(self) -> None:
        """Finish transactions whose end was decided before a kill."""
        for transactional_id, record in list(self.by_id.items()):
            if record.state in (TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT):
                self._finish(transactional_id, record)

    def new_producer_id(self) -> int:
        """Return an id that was never used, not even before a restart."""
        self._next_producer_id += 1
        self._journal.put({"producer-id": self._next_producer_id})
        return self._next_producer_id

    def init_producer(
        self, transactional_id: str, *, timeout_ms: int, producer_id: int, epoch: int
    ) -> TransactionRecord:
        """Assign a producer id and a new epoch.

        Raises `KafkaFailure`: CONCURRENT_TRANSACTIONS if a transaction was ongoing, which is aborted first, whatever
        epoch is named, as in Apache Kafka; PRODUCER_FENCED to a producer that names an outdated id or epoch.
        """
        if not transactional_id:
            raise KafkaFailure(ErrorCode.INVALID_REQUEST)
        if not 0 < timeout_ms <= TIMEOUT_MS_MAX:
            raise KafkaFailure(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        known = self.by_id.get(transactional_id)
        if known is None:
            fresh = TransactionRecord(producer_id=self.new_producer_id(), epoch=0, timeout_ms=timeout_ms)
            self._save(transactional_id, fresh)
            return fresh
        if producer_id >= 0 and producer_id != known.producer_id:
            raise KafkaFailure(ErrorCode.PRODUCER_FENCED)
        if known.state is TransactionState.ONGOING:
            self.abort_and_fence(transactional_id)
            raise KafkaFailure(ErrorCode.CONCURRENT_TRANSACTIONS)
        if producer_id >= 0 and epoch != known.epoch:
            if epoch != known.last_epoch:
                raise KafkaFailure(ErrorCode.PRODUCER_FENCED)
            return known  # a repeated request, or its transaction has timed out: the bump is done
        known = _bumped(known)
        # without an id it is not a bump that may be repeated: the previous epoch has no claim on this one
        last_epoch = known.last_epoch if producer_id >= 0 else -1
        fresh = msgspec.structs.replace(
            known, timeout_ms=timeout_ms, state=TransactionState.EMPTY, last_epoch=last_epoch
        )
        if fresh.epoch >= _EPOCH_MAX - 1:
            fresh = msgspec.structs.replace(fresh, producer_id=self.new_producer_id(), epoch=0, last_epoch=-1)
        self._save(transactional_id, fresh)
        return fresh

    def abort_and_fence(self, transactional_id: str) -> TransactionRecord:
        """Abort a transaction with markers of the next epoch, so that its producer cannot write any more."""
        self._end(transactional_id, _bumped(self.by_id[transactional_id]), committed=False)
        return self.by_id[transactional_id]

    def _current(self, transactional_id: str, producer_id: int, epoch: int) -> TransactionRecord:
        record = self.by_id.get(transactional_id)
        if record is None or record.producer_id != producer_id:
            raise KafkaFailure(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        if record.epoch != epoch:
            raise KafkaFailure(ErrorCode.PRODUCER_FENCED)
        return record

    def _begun(self, record: TransactionRecord) -> TransactionRecord:
        if record.state is TransactionState.ONGOING:
            return record
        return msgspec.structs.replace(
            record, state=TransactionState.ONGOING, started_ms=self._clock_ms(), partitions=(), offsets=()
        )

    def add_partitions(
        self, transactional_id: str, producer_id: int, epoch: int, partitions: Sequence[tuple[str, int]]
    ) -> None:
        """Add partitions to the transaction, beginning it if necessary; raises `KafkaFailure`."""
        record = self._begun(self._current(transactional_id, producer_id, epoch))
        added = dict.fromkeys((*record.partitions, *partitions))
        self._save(transactional_id, msgspec.structs.replace(record, partitions=tuple(added)))

    def add_group(self, transactional_id: str, producer_id: int, epoch: int) -> None:
        """Announce offsets of a group, beginning the transaction if necessary; raises `KafkaFailure`."""
        record = self._current(transactional_id, producer_id, epoch)
        if record.state is not TransactionState.ONGOING:
            self._save(transactional_id, self._begun(record))

    def add_offsets(
        self, transactional_id: str, producer_id: int, epoch: int, offsets: Sequence[PendingOffset]
    ) -> None:
        """Hold offsets until the transaction commits; raises `KafkaFailure`."""
        record = self._current(transactional_id, producer_id, epoch)
        if record.state is not TransactionState.ONGOING:
            raise KafkaFailure(ErrorCode.INVALID_TXN_STATE)
        pending = {(kept.group_id, kept.topic, kept.partition): kept for kept in (*record.offsets, *offsets)}
        self._save(transactional_id, msgspec.structs.replace(record, offsets=tuple(pending.values())))

    def has_pending_offset(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether a pending transaction will commit this offset, or has committed it without it being visible yet."""
        pending = chain(self._held, *(record.offsets for record in self.by_id.values()))
        wanted = (group_id, topic, partition)
        return any((kept.group_id, kept.topic, kept.partition) == wanted for kept in pending)

    def check_batch(self, topic: str, partition: int, header: BatchHeader) -> None:
        """Refuse a transactional batch outside of a transaction with its partition; raises `KafkaFailure`.

        Otherwise a late batch would open a transaction that is never ended.
        """
        record = self.by_id.get(self._id_of_producer.get(header.producer_id, ""))
        if record is None or record.producer_id != header.producer_id:
            raise KafkaFailure(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        if record.epoch != header.producer_epoch:
            raise KafkaFailure(ErrorCode.INVALID_PRODUCER_EPOCH)
        if record.state is not TransactionState.ONGOING or (topic, partition) not in record.partitions:
            raise KafkaFailure(ErrorCode.INVALID_TXN_STATE)

    def end(self, transactional_id: str, producer_id: int, epoch: int, *, committed: bool) -> None:
        """End the transaction; a repeated end gets the first response. Raises `KafkaFailure`."""
        record = self._current(transactional_id, producer_id, epoch)
        done = TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT
        if record.state is done:
            return
        if record.state is not TransactionState.ONGOING:
            raise KafkaFailure(ErrorCode.INVALID_TXN_STATE)
        self._end(transactional_id, record, committed=committed)

    def _end(self, transactional_id: str, record: TransactionRecord, *, committed: bool) -> None:
        decision = TransactionState.PREPARE_COMMIT if committed else TransactionState.PREPARE_ABORT
        decided = msgspec.structs.replace(record, state=decision)
        self._save(transactional_id, decided)
        self._finish(transactional_id, decided)

    def _finish(self, transactional_id: str, record: TransactionRecord) -> None:
        committed = record.state is TransactionState.PREPARE_COMMIT
        for topic, partition in record.partitions:
            log = self._topics.find(topic, partition)
            if log is None:
                continue  # deleted under the transaction
            if record.producer_id in log.producers.open_transactions:
                log.append_marker(record.producer_id, record.epoch, committed=committed)
        offsets = record.offsets if committed else ()
        done = TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT
        completed = msgspec.structs.replace(record, state=done, partitions=(), offsets=())
        committed_offsets: Mapping[str, object] = {
            OffsetKey(kept.group_id, kept.topic, kept.partition).encode(): kept.committed for kept in offsets
        }
        self._save(transactional_id, completed, **committed_offsets)
        self._held.extend(offsets)
        self._show_offsets()

    def _show_offsets(self) -> None:
        """Make committed offsets visible, unless the fault plan holds them; they are in the journal already."""
        while self._held and not self._holds_offsets():
            kept = self._held.pop(0)
            self._groups.remember(kept.group_id, {(kept.topic, kept.partition): kept.committed})

    def tick(self) -> None:
        """Abort transactions that exceed their producers' timeouts."""
        self._show_offsets()
        now_ms = self._clock_ms()
        for transactional_id, record in list(self.by_id.items()):
            is_open = record.state is TransactionState.ONGOING
            if is_open and now_ms - record.started_ms > record.timeout_ms:
                self.abort_and_fence(transactional_id)


def _bumped(record: TransactionRecord) -> TransactionRecord:
    return msgspec.structs.replace(record, epoch=record.epoch + 1, last_epoch=record.epoch)
