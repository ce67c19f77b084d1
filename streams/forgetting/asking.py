"""Asks the workers to forget a listener, and follows what they write until they have."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition

from schemas.topics import TOPICS, Role
from streams.auditing.reading import LogRecord
from streams.exactly_once.records.placement import partition_of
from streams.forgetting.doing import INTERACTIONS, LEARNER, LISTENERS, Doing
from streams.publishing import Publisher
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of

POLL_MS = 200
INPUTS = tuple(topic.name for topic in TOPICS.values() if topic.role is Role.INPUT)


class NotDoneError(Exception):
    """Workers have not done in time what they were asked."""


async def ask(bootstrap: str, user_id: str, options: Mapping[str, Any]) -> dict[str, int]:
    """Write a null value under the id into each input topic; gives the offset of each. `options` are aiokafka's own.

    Into each, so that no event of hers that came before is read after it.
    """
    async with Publisher(bootstrap, **options) as publisher:
        for topic in INPUTS:
            await publisher.publish(topic, user_id, None)
        return {written.topic: written.offset for written in await publisher.flush()}


async def ask_and_wait(bootstrap: str, user_id: str, wait_s: float, options: Mapping[str, Any]) -> str | None:
    """Ask, and wait so long for all tasks; gives who has not got there, nobody where all is done."""
    async with _following(bootstrap, user_id, options) as (consumer, partition):
        doing = Doing(user_id, partition, await ask(bootstrap, user_id, options))
        until_s = time.monotonic() + wait_s
        while doing.waits_for is not None and time.monotonic() < until_s:
            for batch in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for it in batch:
                    doing.take(LogRecord(it.topic, it.partition, it.offset, it.key, it.value))
        return doing.waits_for


@asynccontextmanager
async def _following(bootstrap: str, user_id: str, options: Mapping[str, Any]) -> AsyncIterator[tuple[Any, int]]:
    """A consumer that gives what tasks write from now on, and the partition to which the listener belongs."""
    consumer = Consumer(
        **{**options, "bootstrap_servers": bootstrap}, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        await consumer.start()
        partition = partition_of(user_id.encode(), len(await partitions_of(consumer, INPUTS[0])))
        places = [TopicPartition(*place) for place in ((LISTENERS, partition), (LEARNER, 0), (INTERACTIONS, 0))]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        for place in places:
            await consumer.position(place)  # looked up now, before anything is asked
        yield consumer, partition
    finally:
        await consumer.stop()
