"""Producer state of one partition: sequences, duplicates, open and aborted transactions."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.record_batch import NO_PRODUCER, NO_SEQUENCE, BatchHeader

REMEMBERED_BATCHES = 5  # as many as an idempotent producer may have in flight


class WrittenBatch(NamedTuple):
    """Sequence and offset of a producer's batch."""

    base_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int


class AbortedTransaction(NamedTuple):
    """The offsets of an aborted transaction: from its first record to its marker."""

    last_offset: int
    first_offset: int
    producer_id: int


@dataclass(slots=True)
class ProducerState:
    """One producer's state in one partition."""

    epoch: int
    batches: deque[WrittenBatch] = field(default_factory=lambda: deque(maxlen=REMEMBERED_BATCHES))


class PartitionProducers:
    """Validates producers' appends to one partition, and computes the last stable offset.

    The state is a function of the batches in the log, in order: recovery replays them through `record`.
    """

    def __init__(self) -> None:
        self.states: dict[int, ProducerState] = {}
        self.open_transactions: dict[int, int] = {}  # producer id: offset of its first record
        self.aborted: list[AbortedTransaction] = []  # by last offset

    def check(self, header: BatchHeader) -> WrittenBatch | None:
        """Check epoch and sequence before an append; returns a duplicate's original offset, or None for a new batch.

        Raises `KafkaFailure` for an old epoch or a gap. An unknown producer (its records may have been deleted) may
        begin with any sequence, as in Kafka since 2.4.
        """
        if header.producer_id == NO_PRODUCER:
            return None
        state = self.states.get(header.producer_id)
        if state is None:
            return None
        if header.producer_epoch < state.epoch:
            raise KafkaFailure(ErrorCode.INVALID_PRODUCER_EPOCH)
        if header.producer_epoch > state.epoch:
            if header.base_sequence != 0:
                raise KafkaFailure(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
            return None
        for written in state.batches:
            if (written.base_sequence, written.last_sequence) == (header.base_sequence, header.last_sequence):
                return written
        if not state.batches:
            return None
        expected = (state.batches[-1].last_sequence + 1) & 0x7FFFFFFF
        if header.base_sequence != expected:
            raise KafkaFailure(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"producer {header.producer_id} sent {header.base_sequence}, expected {expected}",
            )
        return None

    def record(self, header: BatchHeader, *, is_commit: bool = False) -> None:
        """Record a batch that was appended, or found in the log."""
        if header.producer_id == NO_PRODUCER:
            return
        state = self.states.get(header.producer_id)
        if state is None:
            state = self.states[header.producer_id] = ProducerState(header.producer_epoch)
        if header.producer_epoch > state.epoch:
            state.epoch = header.producer_epoch
            state.batches.clear()
        if header.is_control:
            first_offset = self.open_transactions.pop(header.producer_id, None)
            if first_offset is not None and not is_commit:
                self.aborted.append(AbortedTransaction(header.last_offset, first_offset, header.producer_id))
            return
        if header.base_sequence != NO_SEQUENCE:
            state.batches.append(
                WrittenBatch(header.base_sequence, header.last_sequence, header.base_offset, header.last_offset)
            )
        if header.is_transactional:
            self.open_transactions.setdefault(header.producer_id, header.base_offset)

    def first_unstable_offset(self) -> int | None:
        """First offset of the oldest open transaction."""
        return min(self.open_transactions.values(), default=None)

    def aborted_between(self, first_offset: int, limit_offset: int) -> list[AbortedTransaction]:
        """Aborted transactions with records in [first_offset, limit_offset)."""
        start = bisect_right(self.aborted, (first_offset, -1, -1))
        return [entry for entry in self.aborted[start:] if entry.first_offset < limit_offset]

    def forget_before(self, offset: int) -> None:
        """Drop aborted transactions that ended before the log's new start."""
        self.aborted = [entry for entry in self.aborted if entry.last_offset >= offset]
