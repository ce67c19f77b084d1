"""A Kafka cluster as one transactional id sees it: partitions, the transactions' coordinator, a group's offsets.

Everything happens at once or not at all, and what happens between two requests is drawn by ``let_time_pass``: markers
are written one by one, in any order; the coordinator dies and comes back with a new connection for everybody, and may
then leave out markers that it had not written yet, as Apache Kafka does for partitions without a leader.
"""

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced

from streams.exactly_once.transactions.takeover import COMPLETING_TIMEOUT_MS, Identity, LastTransaction

OFFSETS = TopicPartition("__consumer_offsets", 0)


class Entry(NamedTuple):
    """A record, or a marker: then ``value`` is None."""

    epoch: int
    value: object
    committed: bool = False


class Partition:
    """The log of one place, as one producer id writes it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.newest_epoch = -1

    def append(self, epoch: int, value: object) -> None:
        if epoch < self.newest_epoch:
            raise ProducerFenced
        self.entries.append(Entry(epoch, value))

    def mark(self, epoch: int, *, committed: bool) -> None:
        self.newest_epoch = max(self.newest_epoch, epoch)
        self.entries.append(Entry(epoch, None, committed))

    def committed(self) -> Iterator[object]:
        """What a committed reader gets: up to the first record that no marker follows."""
        held: list[object] = []
        for entry in self.entries:
            if entry.value is not None:
                held.append(entry.value)
            else:
                yield from held if entry.committed else ()
                held.clear()


class Cluster:
    """One transactional id's part of a cluster; ``random`` decides all that is left to chance."""

    def __init__(self, random: Random, places: Iterable[TopicPartition], *, leave_out: bool = True) -> None:
        self.partitions = {place: Partition() for place in (*places, OFFSETS)}
        self.connection = object()
        self.coordinator_crashes = self.left_out = 0
        self.is_peaceful = False
        self._leave_out = leave_out
        self._random = random
        self._state, self._timeout_ms, self._epoch, self._last_epoch = "Dead", -1, -1, -1
        self._in_transaction: set[TopicPartition] = set()
        self._to_mark: list[TopicPartition] = []
        self._shown_offset: int | None = None
        self.announced = 0

    # what happens by itself

    def let_time_pass(self) -> None:
        """Draw what happens before the next request arrives."""
        if self._to_mark and self._random.random() < 0.5:
            self._write_marker()
        if self._random.random() < 0.1:
            self._show_offset()
        if self.is_peaceful:
            return
        if self._random.random() < 0.03:
            self._crash_coordinator()
        if self._state == "Ongoing" and self._timeout_ms != COMPLETING_TIMEOUT_MS and self._random.random() < 0.002:
            self._decide(committed=False, epoch=self._epoch + 1, last_epoch=self._epoch)  # timed out

    def _write_marker(self) -> None:
        place = self._to_mark.pop(self._random.randrange(len(self._to_mark)))
        self.partitions[place].mark(self._epoch, committed=self._state == "PrepareCommit")
        self._complete_if_marked()

    def _crash_coordinator(self) -> None:
        self.connection = object()
        self.coordinator_crashes += 1
        if self._to_mark and self._leave_out:
            kept = [place for place in self._to_mark if self._random.random() < 0.5]
            self.left_out += len(self._to_mark) - len(kept)
            self._to_mark = kept
            self._complete_if_marked()

    def _complete_if_marked(self) -> None:
        if not self._to_mark:
            self._state = self._state.replace("Prepare", "Complete")

    def _decide(self, *, committed: bool, epoch: int, last_epoch: int) -> None:
        self._state = "PrepareCommit" if committed else "PrepareAbort"
        self._epoch, self._last_epoch = epoch, last_epoch
        self._to_mark, self._in_transaction = sorted(self._in_transaction), set()
        self._complete_if_marked()

    # requests

    def announce(self) -> int:
        """InitProducerId of a second transactional id, which nobody else uses."""
        self.announced += 1
        return self.announced

    def describe(self) -> LastTransaction:
        return LastTransaction(self._state, self._timeout_ms, Identity(1, self._epoch))

    def init_producer(self, timeout_ms: int, expected: Identity | None) -> Identity | None:
        """InitProducerId; None is CONCURRENT_TRANSACTIONS."""
        if self._state.startswith("Prepare"):
            return None
        if self._state == "Ongoing":  # aborted whatever is expected: a broker compares the epoch in other states only
            self._decide(committed=False, epoch=self._epoch + 1, last_epoch=self._epoch)
            return None
        if expected is not None and expected.epoch not in (self._epoch, self._last_epoch):
            raise ProducerFenced
        if expected is not None and expected.epoch != self._epoch:
            return Identity(1, self._epoch)  # it asks again: its bump is done
        self._last_epoch, self._epoch = self._epoch if expected else -1, self._epoch + 1
        self._state, self._timeout_ms = "Empty", timeout_ms
        return Identity(1, self._epoch)

    def add(self, identity: Identity, places: Iterable[TopicPartition]) -> bool:
        """AddPartitionsToTxn or AddOffsetsToTxn; False is CONCURRENT_TRANSACTIONS."""
        self._check(identity)
        if self._state.startswith("Prepare"):
            return False
        self._state = "Ongoing"
        self._in_transaction.update(places)
        return True

    def produce(self, identity: Identity, place: TopicPartition, values: Iterable[object]) -> None:
        """Produce, or TxnOffsetCommit; the leader asks whether the partition is in the transaction."""
        self._check(identity)
        if self._state != "Ongoing" or place not in self._in_transaction:
            raise InvalidTxnState
        for value in values:
            self.partitions[place].append(identity.epoch, value)

    def end(self, identity: Identity, *, committed: bool) -> bool:
        """EndTxn; False is CONCURRENT_TRANSACTIONS. Asked again it gives the same answer."""
        self._check(identity)
        decision = "Commit" if committed else "Abort"
        if self._state.endswith(decision):
            return not self._state.startswith("Prepare")
        if self._state != "Ongoing":
            raise InvalidTxnState
        self._decide(committed=committed, epoch=self._epoch, last_epoch=self._last_epoch)
        return True

    def _check(self, identity: Identity) -> None:
        if identity.epoch != self._epoch:
            raise ProducerFenced

    # reading

    def read(self, place: TopicPartition) -> list[object]:
        return list(self.partitions[place].committed())

    def group_offset(self) -> int | None:
        """The offset as OffsetFetch answers without require_stable: late, and without an error."""
        return self._shown_offset

    def _show_offset(self) -> None:
        for value in self.partitions[OFFSETS].committed():
            assert isinstance(value, int)
            self._shown_offset = value
