"""The cleaner: rolls, deletes and compacts segments in the background, by the topics' settings."""

import asyncio
from dataclasses import dataclass

from streams.broker import log_compaction
from streams.broker.log import PartitionLog
from streams.broker.log_compaction import Rules
from streams.broker.segment import Segment
from streams.broker.topic_registry import Topics


@dataclass(frozen=True, slots=True)
class Group:
    """Segments to be merged, and their merged content."""

    segments: tuple[Segment, ...]
    batches: tuple[bytes | bytearray, ...]


def expire(log: PartitionLog, now_ms: int) -> None:
    """Delete the oldest segments beyond the topic's retention time or size, but no open transactions.

    The time of a segment is that of its latest record; an active segment is closed first.
    """
    settings = log.settings
    if not settings.is_deleted:
        return
    if settings.retention_ms >= 0:
        oldest_ms = now_ms - settings.retention_ms
        while _is_stable(log, log.segments[0]) and log.segments[0].newest_ms < oldest_ms:
            log.drop_first_segment()
    if settings.retention_bytes >= 0:
        excess = log.size - settings.retention_bytes
        while len(log.segments) > 1 and _is_stable(log, log.segments[0]) and excess >= log.segments[0].size:
            excess -= log.segments[0].size
            log.drop_first_segment()


def _is_stable(log: PartitionLog, segment: Segment) -> bool:
    is_closed = segment is not log.segments[-1]
    return (is_closed or segment.batch_count > 0) and segment.last_offset < log.last_stable_offset


def due_for_compaction(log: PartitionLog, now_ms: int) -> list[Segment]:
    """The closed, decided segments, if enough of them is new; otherwise none."""
    settings = log.settings
    if not settings.is_compacted:
        return []
    settled: list[Segment] = []
    for segment in log.segments[:-1]:
        is_young = settings.min_compaction_lag_ms > 0 and (segment.newest_ms > now_ms - settings.min_compaction_lag_ms)
        if is_young or segment.last_offset >= log.last_stable_offset:
            break
        settled.append(segment)
    dirty = [segment for segment in settled if segment.base_offset >= log.cleaned_offset]
    dirty_bytes = sum(segment.size for segment in dirty)
    if not dirty_bytes:
        return []
    is_dirty = dirty_bytes >= settings.min_cleanable_dirty_ratio * sum(segment.size for segment in settled)
    is_overdue = now_ms - dirty[0].newest_ms > settings.max_compaction_lag_ms
    return settled if is_dirty or is_overdue else []


def rules_of(log: PartitionLog, now_ms: int) -> Rules:
    """Collect the log's data that compaction needs."""
    return Rules(
        now_ms=now_ms,
        delete_retention_ms=log.settings.delete_retention_ms,
        aborted=log_compaction.by_producer(log.producers.aborted),
        last_batch_offsets={
            producer_id: producer.batches[-1].last_offset
            for producer_id, producer in log.producers.states.items()
            if producer.batches
        },
    )


def compacted(segments: list[Segment], cleaned_offset: int, segment_bytes: int, rules: Rules) -> list[Group]:
    """Compact closed segments, merging small ones. Read-only, so it may run in another thread."""
    dirty = (segment for segment in segments if segment.base_offset >= cleaned_offset)
    latest = log_compaction.latest_offsets((data for each in dirty for data in each.batches()), rules)
    compactor = log_compaction.Compactor(latest, rules)
    groups: list[Group] = []
    members: list[Segment] = []
    batches: list[bytes | bytearray] = []
    size = 0
    for segment in segments:
        kept = [result for data in segment.batches() if (result := compactor.compact(data)) is not None]
        kept_bytes = sum(len(result) for result in kept)
        if members and size + kept_bytes > segment_bytes:
            groups.append(Group(tuple(members), tuple(batches)))
            members, batches, size = [], [], 0
        members.append(segment)
        batches += kept
        size += kept_bytes
    groups.append(Group(tuple(members), tuple(batches)))
    return groups


async def clean(log: PartitionLog, now_ms: int) -> None:
    """Do all that is due in one partition; compaction itself runs off the event loop."""
    log.roll_when_old()
    expire(log, now_ms)
    segments = due_for_compaction(log, now_ms)
    if not segments:
        return
    groups = await asyncio.to_thread(
        compacted, segments, log.cleaned_offset, log.settings.segment_bytes, rules_of(log, now_ms)
    )
    if log.segments[: len(segments)] == segments:  # not deleted meanwhile
        log.replace_segments([(group.segments, group.batches) for group in groups])


async def clean_all(topics: Topics, now_ms: int) -> None:
    """Clean every partition, one after the other."""
    for topic in list(topics.by_name.values()):
        for log in topic.logs:
            await clean(log, now_ms)
