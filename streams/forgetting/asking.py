"""Requests that workers forget a listener, and waits until they have done it."""

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
    """Workers have not processed the request in time."""


async def ask(bootstrap: str, user_id: str, options: Mapping[str, Any]) -> dict[str, int]:
    """Write a null value keyed by the id to each input topic; returns its offsets. `options` are aiokafka's own.

    To both, so that no earlier event of the listener is read after the request.
    """
    async with Publisher(bootstrap, **options) as publisher:
        for topic in INPUTS:
            await publisher.publish(topic, user_id, None)
        return {written.topic: written.offset for written in await publisher.flush()}


async def ask_and_wait(bootstrap: str, user_id: str, wait_s: float, options: Mapping[str, Any]) -> str | None:
    """Request, and wait for all tasks; returns the one that is not done in time, or None."""
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
    """A consumer of what tasks write from now on, and the listener's partition."""
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
            await consumer.position(place)  # looked up now, before the request is sent
        yield consumer, partition
    finally:
        await consumer.stop()
