"""Dead letters: read them, and send them again exactly once."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from msgspec import Struct

from schemas.dead_letters import DeadLetter
from streams.auditing.reading import partitions_of

REPLAY_GROUP = "shelfwise-dlq-replay"
SHOWN_BYTES = 400


class Letter(Struct, frozen=True, kw_only=True):
    """One dead letter with its untouched bytes."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    why: DeadLetter

    def shown(self) -> dict[str, Any]:
        """The letter for people; at most 400 bytes of its value."""
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


def _consumer(bootstrap: str, group: str | None) -> Any:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=16 * 1_048_576,
    )


async def _read(consumer: Any, partitions: list[TopicPartition]) -> list[Letter]:
    ends = await consumer.end_offsets(partitions)
    letters: list[Letter] = []
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        batches = await consumer.getmany(timeout_ms=200)
        letters.extend(
            Letter(
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=tuple(record.headers),
                why=DeadLetter.from_headers(record.headers),
            )
            for batch in batches.values()
            for record in batch
        )
    return letters


async def read_letters(bootstrap: str, topic: str) -> list[Letter]:
    """All dead letters of a topic."""
    consumer = _consumer(bootstrap, None)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        return await _read(consumer, partitions)
    finally:
        await consumer.stop()


async def replay_letters(bootstrap: str, topic: str, reason: str | None) -> int:
    """Send dead letters to where they came from, with their attempt in the headers; gives how many.

    The position in the dead-letter topic is committed in the same transaction: a letter is sent again once, also when
    this is killed half-way or run twice.
    """
    consumer = _consumer(bootstrap, REPLAY_GROUP)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"{REPLAY_GROUP}-{topic}", max_request_size=16 * 1_048_576
    )
    await producer.start()
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
        consumer.assign(partitions)
        letters = await _read(consumer, partitions)
        chosen = [letter for letter in letters if reason in {None, letter.why.reason}]
        async with producer.transaction():
            for letter in chosen:
                await producer.send(letter.why.topic, letter.value, letter.key, headers=list(letter.headers))
            if letters:
                positions = {partition: await consumer.position(partition) for partition in partitions}
                await producer.send_offsets_to_transaction(positions, REPLAY_GROUP)
        return len(chosen)
    finally:
        await consumer.stop()
        await producer.stop()
