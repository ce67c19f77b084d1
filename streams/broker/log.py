"""The log of one partition: append, read, last stable offset, deletion."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.broker import record_batch as batches
from streams.broker.producers import AbortedTransaction, PartitionProducers
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.record_batch import BatchHeader
from streams.broker.segment import Segment
from streams.broker.storage import Storage
from streams.broker.topic_config import LogSettings


@dataclass(frozen=True, slots=True)
class Appended:
    """Offset of an appended batch, and the broker's timestamp (-1: the producer's timestamps)."""

    base_offset: int
    append_time_ms: int = -1


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a read."""

    data: bytes
    high_watermark: int
    last_stable_offset: int
    start_offset: int
    aborted: list[AbortedTransaction] | None


class PartitionLog:
    """An append-only sequence of record batches in segments, with a reader's view and a writer's checks.

    With a single node every appended record is replicated: the high watermark is the end.
    """

    def __init__(
        self,
        storage: Storage,
        folder: str,
        *,
        settings: LogSettings,
        clock_ms: Callable[[], int],
        start_offset: int = 0,
    ) -> None:
        self.settings = settings
        self.segments: list[Segment] = []
        self.producers = PartitionProducers()
        self.start_offset = start_offset
        self.end_offset = start_offset
        self.cleaned_offset = 0  # compaction has seen everything before it
        self._storage = storage
        self._folder = folder
        self._clock_ms = clock_ms
        self._waiters: set[asyncio.Event] = set()
        self._load()

    def _load(self) -> None:
        bases = [int(name.removesuffix(".log")) for name in self._storage.list(self._folder)]
        for base_offset in bases:
            segment = Segment(self._storage, self._folder, base_offset)
            if self.segments and base_offset <= self.segments[-1].last_offset:
                segment.delete()  # a kill between the two steps of compaction: it is merged already
                continue
            self._replay(segment, is_last=base_offset == bases[-1])
            self.segments.append(segment)
            self.end_offset = max(self.end_offset, segment.last_offset + 1)
        if not self.segments:
            self._open_segment()
        self.start_offset = max(self.start_offset, self.segments[0].base_offset)
        for segment in self.segments:
            segment.created_ms = self._clock_ms()

    def _replay(self, segment: Segment, *, is_last: bool) -> None:
        for index, header in enumerate(segment.recover(is_last=is_last)):
            is_commit = header.is_control and batches.is_commit(segment.batch_at(index))
            self.producers.record(header, is_commit=is_commit)

    def _open_segment(self) -> None:
        segment = Segment(self._storage, self._folder, self.end_offset)
        segment.created_ms = self._clock_ms()
        self.segments.append(segment)

    @property
    def last_stable_offset(self) -> int:
        """Everything before it is decided: committed, aborted, or never in a transaction."""
        unstable = self.producers.first_unstable_offset()
        return self.end_offset if unstable is None else unstable

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    def append(self, header: BatchHeader, data: bytes | memoryview) -> Appended:
        """Append one validated batch; an exact duplicate returns its original offset.

        Raises `KafkaFailure`: too large, out of sequence, an old epoch, no key in a compacted topic, a time
        far from now.
        """
        if header.size > self.settings.max_message_bytes:
            raise KafkaFailure(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"a batch of {header.size} bytes, max.message.bytes is {self.settings.max_message_bytes}",
            )
        written = self.producers.check(header)
        if written is not None:
            return Appended(written.base_offset)
        if self.settings.is_compacted and batches.has_null_key(data):
            raise KafkaFailure(ErrorCode.INVALID_RECORD, "a compacted topic takes no record without key")
        self._check_times(header)
        return self._write(header, data)

    def _check_times(self, header: BatchHeader) -> None:
        """Refuse timestamps far from the broker's clock; checks the first and the latest of a batch."""
        settings = self.settings
        if settings.stamps_append_time:
            return
        now_ms = self._clock_ms()
        is_early = now_ms - header.first_timestamp_ms > settings.timestamp_before_max_ms
        if is_early or header.max_timestamp_ms - now_ms > settings.timestamp_after_max_ms:
            raise KafkaFailure(ErrorCode.INVALID_TIMESTAMP, "see message.timestamp.{before,after}.max.ms")

    def append_marker(self, producer_id: int, producer_epoch: int, *, committed: bool) -> None:
        """End a producer's transaction in this partition."""
        data = batches.marker(producer_id, producer_epoch, self._clock_ms(), committed=committed)
        self._write(batches.parse_header(data), data, is_commit=committed)

    def _write(self, header: BatchHeader, data: bytes | bytearray | memoryview, *, is_commit: bool = False) -> Appended:
        self._roll_when_due(header.size, header.max_timestamp_ms)
        base_offset = self.end_offset
        append_time_ms = self._clock_ms() if self.settings.stamps_append_time else None
        stamped = batches.stamped(data, base_offset, append_time_ms)
        header = batches.parse_header(stamped)
        self.segments[-1].append(header, stamped)
        self.end_offset = header.last_offset + 1
        self.producers.record(header, is_commit=is_commit)
        for waiter in self._waiters:
            waiter.set()
        return Appended(base_offset, -1 if append_time_ms is None else append_time_ms)

    def _roll_when_due(self, incoming_bytes: int, incoming_ms: int) -> None:
        active = self.segments[-1]
        is_full = active.size + incoming_bytes > self.settings.segment_bytes
        age_ms = self._clock_ms() - active.created_ms
        if active.first_timestamp_ms >= 0:
            age_ms = max(age_ms, incoming_ms - active.first_timestamp_ms)
        is_old = age_ms > self.settings.segment_ms
        if active.batch_count and (is_full or is_old):
            self._open_segment()
        elif not active.batch_count:
            active.created_ms = self._clock_ms()

    def roll(self) -> None:
        """Close the active segment, to make it available to retention and compaction."""
        if self.segments[-1].batch_count:
            self._open_segment()

    def roll_when_old(self) -> None:
        """Close the active segment when it expires, even without further writes."""
        self._roll_when_due(0, -1)

    def watch(self, event: asyncio.Event) -> None:
        """Set an event at the next append."""
        self._waiters.add(event)

    def unwatch(self, event: asyncio.Event) -> None:
        """Undo `watch`."""
        self._waiters.discard(event)

    def read(self, offset: int, *, max_bytes: int, committed: bool, at_least_one: bool) -> Fetched:
        """Read whole batches from the one with `offset` on; raises `KafkaFailure` out of range.

        With `committed` nothing from the last stable offset on is returned, and aborted transactions are listed for
        the reader to skip.
        """
        if not self.start_offset <= offset <= self.end_offset:
            raise KafkaFailure(ErrorCode.OFFSET_OUT_OF_RANGE)
        stable = self.last_stable_offset
        limit = stable if committed else self.end_offset
        data, following = b"", offset
        nearest = bisect_right(self.segments, offset, key=lambda segment: segment.base_offset) - 1
        for segment in self.segments[max(nearest, 0) :]:
            first = segment.find(offset)
            if first < segment.batch_count:
                data, following = segment.read(first, limit, max_bytes, at_least_one=at_least_one)
                break
        aborted = self.producers.aborted_between(offset, following) if committed else None
        return Fetched(data, self.end_offset, stable, self.start_offset, aborted)

    def find_timestamp(self, timestamp_ms: int) -> batches.Record | None:
        """Return the first record at or after a time; None when there is none."""
        for segment in self.segments:
            first = segment.first_batch_since(timestamp_ms)
            if first is None:
                continue
            for index in range(first, segment.batch_count):
                data = segment.batch_at(index)
                if batches.parse_header(data).is_control:
                    continue
                for record in batches.read_records(data):
                    if record.timestamp_ms >= timestamp_ms and record.offset >= self.start_offset:
                        return record
        return None

    def max_timestamp_ms(self) -> int:
        """Return the highest timestamp in the log, -1 when it is empty."""
        return max(segment.max_timestamp_ms for segment in self.segments)

    def delete_before(self, offset: int) -> None:
        """Move the start of the log, and drop segments before it. Raises `KafkaFailure`."""
        if not 0 <= offset <= self.end_offset:
            raise KafkaFailure(ErrorCode.OFFSET_OUT_OF_RANGE)
        self.start_offset = max(self.start_offset, offset)
        if offset == self.end_offset:
            self.roll()
        while len(self.segments) > 1 and self.segments[1].base_offset <= self.start_offset:
            self.segments.pop(0).delete()
        self.producers.forget_before(self.start_offset)

    def drop_first_segment(self) -> None:
        """Delete the oldest segment; the log starts after it."""
        if len(self.segments) == 1:
            self._open_segment()
        self.segments.pop(0).delete()
        self.start_offset = max(self.start_offset, self.segments[0].base_offset)
        self.producers.forget_before(self.start_offset)

    def replace_segments(self, groups: Sequence[tuple[Sequence[Segment], Sequence[bytes | bytearray]]]) -> None:
        """Replace the first segments by compacted content: each group becomes its first member.

        After a kill, members of a group may still exist whose content was merged already: `_load` drops those.
        """
        count = sum(len(members) for members, _ in groups)
        for (first, *others), content in groups:
            first.rewrite(content)
            for other in others:
                other.delete()
        self.segments[:count] = [members[0] for members, _ in groups]
        self.cleaned_offset = self.segments[len(groups)].base_offset
        self.producers.aborted = [entry for entry in self.producers.aborted if entry.last_offset >= self.cleaned_offset]

    def close(self) -> None:
        """Close the files."""
        for segment in self.segments:
            segment.close()

    def delete(self) -> None:
        """Remove the partition's files, and wake waiting readers."""
        self.close()
        self.segments = []  # a running cleaner must not recreate them
        self._storage.delete(self._folder)
        for waiter in self._waiters:
            waiter.set()
