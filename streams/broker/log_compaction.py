"""Compaction: keeps the latest record of each key, and as little else as possible.

Kept besides the latest records:
- tombstones (no value), until readers had `delete.retention.ms` to see them since their first compaction;
- the last batch of each producer, if necessary without records, because it carries the producer's sequence;
- a transaction's marker while a batch of the transaction exists, and after that as long as a tombstone.
Records of aborted transactions are removed. Offsets never change.

The expiry of a tombstone is stored as in Kafka (KIP-534): in the batch's first timestamp, with a flag. The functions
here are pure: batches in, batches out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from streams.broker.producers import AbortedTransaction
from streams.broker.record_batch import (
    DELETE_HORIZON,
    BatchHeader,
    parse_header,
    read_records,
    rebuild,
)
from streams.reading.batches import records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The log's data that decides about records, collected before the work begins."""

    now_ms: int
    delete_retention_ms: int
    aborted: Mapping[int, tuple[tuple[int, int], ...]]  # producer id: first and last offset of each
    last_batch_offsets: Mapping[int, int]  # producer id: last offset of its last batch

    def is_aborted(self, header: BatchHeader) -> bool:
        """Whether the batch belongs to an aborted transaction."""
        if not header.is_transactional:
            return False
        intervals = self.aborted.get(header.producer_id, ())
        return any(first <= header.base_offset <= last for first, last in intervals)


def by_producer(aborted: Iterable[AbortedTransaction]) -> dict[int, tuple[tuple[int, int], ...]]:
    """Arrange aborted transactions for `Rules`.

    >>> by_producer([AbortedTransaction(last_offset=9, first_offset=4, producer_id=1)])
    {1: ((4, 9),)}
    """
    arranged: dict[int, tuple[tuple[int, int], ...]] = {}
    for entry in aborted:
        interval = (entry.first_offset, entry.last_offset)
        arranged[entry.producer_id] = (*arranged.get(entry.producer_id, ()), interval)
    return arranged


def latest_offsets(batches: Iterable[bytes], rules: Rules) -> dict[bytes, int]:
    """Return the offset of every key's last record that was not aborted."""
    latest: dict[bytes, int] = {}
    for data in batches:
        header = parse_header(data)
        if header.is_control or rules.is_aborted(header):
            continue
        for record in records_of(bytearray(data)):
            if record.key is not None:
                latest[record.key] = record.offset
    return latest


@dataclass(slots=True)
class Compactor:
    """Decides batch by batch, in the order of the log, what is kept.

    `latest` may contain only the keys of the newer part: a key that is missing has no newer record.
    """

    latest: Mapping[bytes, int]
    rules: Rules
    has_data: dict[int, bool] = field(default_factory=dict)  # producer id: its transaction has a batch left

    def compact(self, data: bytes) -> bytes | bytearray | None:
        """Return the kept part of one batch, the same bytes if all of it is kept."""
        header = parse_header(data)
        return self._marker(header, data) if header.is_control else self._records(header, data)

    def _marker(self, header: BatchHeader, data: bytes) -> bytes | bytearray | None:
        if self.has_data.pop(header.producer_id, False):
            return data
        if self._is_over(header):
            return None
        return data if header.attributes & DELETE_HORIZON else self._with_horizon(header, data, _every)

    def _is_over(self, header: BatchHeader) -> bool:
        is_marked = bool(header.attributes & DELETE_HORIZON)
        return is_marked and header.first_timestamp_ms <= self.rules.now_ms

    def _records(self, header: BatchHeader, data: bytes) -> bytes | bytearray | None:
        drops_tombstones = self._is_over(header)
        kept: set[int] = set()
        has_tombstone = False
        if not self.rules.is_aborted(header):
            for record in records_of(bytearray(data)):
                is_latest = record.key is not None and record.offset >= self.latest.get(record.key, -1)
                is_tombstone = record.value is None
                if is_latest and not (is_tombstone and drops_tombstones):
                    kept.add(record.offset)
                    has_tombstone = has_tombstone or is_tombstone
        is_last_of_producer = self.rules.last_batch_offsets.get(header.producer_id) == header.last_offset
        if not kept and not is_last_of_producer:
            return None
        if header.is_transactional:
            self.has_data[header.producer_id] = True
        if has_tombstone and not header.attributes & DELETE_HORIZON:
            return self._with_horizon(header, data, kept.__contains__)
        if len(kept) == header.record_count:
            return data
        return rebuild(header, [record for record in read_records(data) if record.offset in kept])

    def _with_horizon(self, header: BatchHeader, data: bytes, keeps: Callable[[int], bool]) -> bytearray:
        records = [record for record in read_records(data) if keeps(record.offset)]
        horizon_ms = self.rules.now_ms + self.rules.delete_retention_ms
        marked = header._replace(attributes=header.attributes | DELETE_HORIZON, first_timestamp_ms=horizon_ms)
        return rebuild(marked, records)


def _every(_: int) -> bool:
    return True
