"""Reads dead letters, and replays them exactly once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from msgspec import Struct

from schemas.dead_letters import NAMELESS, DeadLetter, Headers
from schemas.topics import DEAD_LETTER_SUFFIX
from streams.exactly_once.records.batch_builder import Batches
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.mapping.own_topics import PREFIX
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of
from streams.reading.topic_names import PLAIN, TopicNames

REPLAY_GROUP = "shelfwise-dlq-replay"
BATCH_LETTERS_MAX = 1_000
BATCH_BYTES_MAX = 900_000
LETTER_BYTES_MAX = 16 * 1_048_576
SHOWN_BYTES = 400


class Letter(Struct, frozen=True, kw_only=True):
    """One dead letter with its unchanged bytes."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    why: DeadLetter

    @property
    def can_be_sent(self) -> bool:
        """Whether it is still the original record: of a request to forget only a digest is kept."""
        return self.value is not None or not (self.key or b"").startswith(NAMELESS)

    def shown(self) -> dict[str, Any]:
        """The letter as plain values, with at most 400 bytes of its value."""
        value = self.value or b""
        return {
            "source": f"{self.why.topic}/{self.why.partition}@{self.why.offset}",
            "timestamp_ms": self.why.timestamp_ms,
            "reason": self.why.reason,
            "detail": self.why.detail,
            "attempt": self.why.attempt,
            "key": (self.key or b"").decode(errors="replace"),
            "value": value[:SHOWN_BYTES].decode(errors="replace"),
            "bytes": len(value),
        }


async def letters_of(bootstrap: str, topic: str, **options: Any) -> AsyncGenerator[list[Letter], None]:
    """All dead letters of a topic up to its present end, in batches; `options` are aiokafka's own.

    Records without a reason, or of another origin, are not ours and are skipped.
    """
    consumer = Consumer(
        **{**options, "bootstrap_servers": bootstrap},
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=LETTER_BYTES_MAX,
    )
    try:
        await consumer.start()
        partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
        if not partitions:  # no dead letter was ever written on this cluster
            return
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=200, max_records=BATCH_LETTERS_MAX)
            yield [letter for batch in batches.values() for letter in map(_letter, batch) if letter is not None]
    finally:
        await consumer.stop()


def _letter(record: Any) -> Letter | None:
    try:
        why = DeadLetter.from_headers(record.headers)
    except (KeyError, ValueError):
        return None
    if why.topic + DEAD_LETTER_SUFFIX != record.topic and not record.topic.startswith(PREFIX):
        return None
    return Letter(
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        why=why,
    )


async def read_letters(bootstrap: str, topic: str, limit: int | None = None, **options: Any) -> list[Letter]:
    """The dead letters of a topic, the first `limit` of them."""
    letters: list[Letter] = []
    async with aclosing(letters_of(bootstrap, topic, **options)) as batches:
        async for batch in batches:
            letters += batch
            if limit is not None and len(letters) >= limit:
                break
    return letters[:limit]


async def count_letters(bootstrap: str, topic: str, **options: Any) -> Counter[str]:
    """Number of dead letters of a topic by reason."""
    counted: Counter[str] = Counter()
    async for batch in letters_of(bootstrap, topic, **options):
        counted.update(letter.why.reason for letter in batch)
    return counted


def unchanged(letters: Sequence[Letter]) -> list[Produced]:
    """The letters for their topics, by the partitions of their keys, or where they were if they have none."""
    return [
        Produced(it.why.topic, it.key, it.value, it.headers, None if it.key is not None else it.why.partition)
        for it in letters
    ]


async def replay_letters(
    bootstrap: str,
    topic: str,
    reason: str | None,
    again: Callable[[Sequence[Letter]], list[Produced]] = unchanged,
    **options: Any,
) -> int:
    """Send dead letters again, by default to their topics, with the number of the attempt in the headers.

    Returns their number. `again` gives the records to send for letters.

    Each reason has its own position in the dead-letter topic, the committed offset of a group, which moves in the
    transaction that sends the letters. Each letter is thus sent exactly once, in whatever order reasons are replayed,
    however often this runs, and also if it is killed half-way. Of two at the same time, the later fences the earlier.
    """
    sent = 0
    names: TopicNames = options.get("topic_names", PLAIN)
    async with _producer(bootstrap, names.at_broker(topic), options) as producer:
        done = _Positions(bootstrap, topic, options)
        async for batch in letters_of(bootstrap, topic, **options):
            by_reason: defaultdict[str, list[Letter]] = defaultdict(list)
            for letter in batch:
                is_meant = letter.can_be_sent and reason in {None, letter.why.reason}
                if is_meant and not await done.covers(letter):
                    by_reason[letter.why.reason].append(letter)
            for name, letters in by_reason.items():
                async with producer.transaction():
                    await _send(producer, again(letters), names)
                    ends = {TopicPartition(topic, letter.partition): letter.offset + 1 for letter in letters}
                    await producer.send_offsets_to_transaction(
                        dict(zip(names.there(ends), ends.values(), strict=True)), replay_group(name)
                    )
                sent += len(letters)
    return sent


async def _send(producer: Any, again: Sequence[Produced], names: TopicNames) -> None:
    """Send records unchanged; aiokafka itself refuses names of headers that are not UTF-8."""
    counts = {
        topic: len(await producer.partitions_for(names.at_broker(topic)))
        for topic in sorted({it.topic for it in again})
    }
    there = [it if it.partition is None else it._replace(partition=it.partition % counts[it.topic]) for it in again]
    placed = Batches(BATCH_BYTES_MAX, None, wall_clock_ms()).of_outputs(there, counts, number=0)
    sent = [
        await producer.send_batch(batch, names.at_broker(topic), partition=partition)
        for topic, partition, batch in placed
    ]
    await asyncio.gather(*sent)


def replay_group(reason: str) -> str:
    """The group whose committed offsets are the replay positions of this reason.

    >>> replay_group("not_json")
    'shelfwise-dlq-replay.not_json'
    """
    return f"{REPLAY_GROUP}.{reason}"


class _Positions:
    """Replay positions by reason, looked up once each."""

    def __init__(self, bootstrap: str, topic: str, options: dict[str, Any]) -> None:
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._topic = topic
        self._of_reason: dict[str, dict[int, int]] = {}

    async def covers(self, letter: Letter) -> bool:
        """Whether this letter was replayed before."""
        reason = letter.why.reason
        if reason not in self._of_reason:
            self._of_reason[reason] = await self._committed(replay_group(reason))
        return letter.offset < self._of_reason[reason].get(letter.partition, 0)

    async def _committed(self, group: str) -> dict[int, int]:
        consumer = Consumer(**self._options, group_id=group, enable_auto_commit=False)
        try:
            await (
                consumer.start()
            )  # a consumer instead of an admin client, because it waits for the group's coordinator
            numbers = await partitions_of(consumer, self._topic)
            return {number: await consumer.committed(TopicPartition(self._topic, number)) or 0 for number in numbers}
        finally:
            await consumer.stop()


@asynccontextmanager
async def _producer(bootstrap: str, topic: str, options: dict[str, Any]) -> AsyncIterator[Any]:
    """The replaying producer; opening it ends an earlier replay's open transaction, before positions are read."""
    producer = AIOKafkaProducer(
        **{name: it for name, it in options.items() if name != "topic_names"} | {"bootstrap_servers": bootstrap},
        transactional_id=f"{REPLAY_GROUP}-{topic}",
        max_request_size=LETTER_BYTES_MAX,
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
