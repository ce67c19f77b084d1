"""Reads what went in and what came out, committed only, and holds one against the other; trusts no state of ours."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from schemas.codec import UnreadableError, decode
from schemas.impressions import Impression
from schemas.outcomes import OutcomeCorrected, OutcomeSettled
from schemas.stream_ends import StreamEnd

Exposure = tuple[str, int, int]


class Audit(Struct, frozen=True, kw_only=True):
    """What was found. `holds` says whether every exposure settled exactly once and every stream was accounted for."""

    impressions: int
    exposures: int
    settled: int
    settled_twice: int
    missing: int
    unexpected: int
    stream_ends: int
    interactions: int
    interactions_twice: int
    interactions_missing: int
    corrections: int
    played_ms_wrong: int
    holds: bool


async def read_committed(bootstrap: str, topic: str, **options: Any) -> list[tuple[bytes | None, bytes | None]]:
    """All committed records of a topic up to its present end, as (key, value)."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    await consumer.start()
    try:
        numbers = await partitions_of(consumer, topic)
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[tuple[bytes | None, bytes | None]] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=200)
            records.extend((record.key, record.value) for batch in batches.values() for record in batch)
        return records
    finally:
        await consumer.stop()


async def partitions_of(consumer: Any, topic: str) -> list[int]:
    """Numbers of the partitions of a topic; none where it does not exist."""
    await consumer._client.set_topics([topic])  # noqa: SLF001  aiokafka has no public call that waits for metadata
    return sorted(consumer.partitions_for_topic(topic) or [])


async def audit(bootstrap: str, *, correction_ms: int, **options: Any) -> Audit:
    """Audit the whole log: inputs against outcomes and interactions."""
    shown = _unique(Impression, await _messages(bootstrap, "impressions", options))
    ended = _unique(StreamEnd, await _messages(bootstrap, "stream-ends", options))
    outcomes = await _messages(bootstrap, "outcomes", options)
    interactions = Counter(message.event_id for message in await _messages(bootstrap, "interactions", options))
    expected = {
        (impression.event_id, row, slot)
        for impression in shown.values()
        for row, shelf in enumerate(impression.shelves)
        for slot in shelf.seen
    }
    settled = Counter(_exposure(message) for message in outcomes if isinstance(message, OutcomeSettled))
    corrections = [message for message in outcomes if isinstance(message, OutcomeCorrected)]
    wrong = _wrongly_played(ended, outcomes, correction_ms)
    missing = sum(exposure not in settled for exposure in expected)
    unexpected = sum(exposure not in expected for exposure in settled)
    twice = sum(count - 1 for count in settled.values())
    streams_missing = sum(event_id not in interactions for event_id in ended)
    streams_twice = sum(count - 1 for count in interactions.values())
    return Audit(
        impressions=len(shown),
        exposures=len(expected),
        settled=sum(settled.values()),
        settled_twice=twice,
        missing=missing,
        unexpected=unexpected,
        stream_ends=len(ended),
        interactions=sum(interactions.values()),
        interactions_twice=streams_twice,
        interactions_missing=streams_missing,
        corrections=len(corrections),
        played_ms_wrong=wrong,
        holds=not (missing or unexpected or twice or streams_missing or streams_twice or wrong),
    )


async def _messages(bootstrap: str, topic: str, options: dict[str, Any]) -> list[Any]:
    return list(_readable(topic, await read_committed(bootstrap, topic, **options)))


def _readable(topic: str, records: list[tuple[bytes | None, bytes | None]]) -> Iterator[Any]:
    for _, value in records:
        try:
            yield decode(topic, value)
        except UnreadableError:  # it is in the dead-letter topic, or it never counted
            continue


def _unique(kind: type[Any], messages: list[Any]) -> dict[str, Any]:
    first: dict[str, Any] = {}
    for message in messages:
        if isinstance(message, kind):
            first.setdefault(message.event_id, message)
    return first


def _exposure(message: Any) -> Exposure:
    return message.impression_id, message.row, message.slot


def _wrongly_played(ended: dict[str, Any], outcomes: list[Any], correction_ms: int) -> int:
    """Exposures whose last outcome is not the sum of the streams that name their impression.

    Streams that name none are found by the join, so an outcome may hold more; never less.
    """
    last: dict[Exposure, int] = defaultdict(int)
    card: dict[tuple[str, str], Exposure] = {}
    shown_ms: dict[str, int] = {}
    for message in outcomes:
        last[_exposure(message)] = max(last[_exposure(message)], message.played_ms)
        card.setdefault((message.impression_id, message.card_id), _exposure(message))
        shown_ms[message.impression_id] = message.shown_ms
    named: Counter[Exposure] = Counter()
    for stream in ended.values():
        exposure = card.get((stream.impression_id or "", stream.card_id))
        if exposure and stream.event_ms <= shown_ms[exposure[0]] + correction_ms:
            named[exposure] += stream.played_ms
    return sum(last[exposure] < played_ms for exposure, played_ms in named.items())


def as_json(found: Audit) -> bytes:
    """The audit as one JSON object."""
    return msgspec.json.encode(found)
