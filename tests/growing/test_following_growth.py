"""Subscribers go on while topics grow: they find new partitions, and a move changes nothing for them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient

from schemas.codec import encode
from schemas.moved import MOVED
from schemas.rankings import ShelfRanking
from streams.benchmarks.raw_filling import fill_raw
from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.records.produced import Produced
from streams.subscribers import AsyncRankingSubscriber, RankingSubscriber

TOPIC = "shelf-rankings"


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        client.create_topics({TOPIC: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        client.close()
        yield broker.bootstrap


def ranking(user_id: str, number: int) -> bytes:
    return encode(
        ShelfRanking(
            user_id=user_id,
            ranking_number=number,
            event_ms=number,
            shelves=(),
            draw_key=0,
            policy_version="uniform",
            reward_version="static",
            model_version="0.0",
        )
    )


def moved(user_id: str, number: int) -> list[Produced]:
    """Its ranking is moved to the second partition."""
    key = user_id.encode()
    return [Produced(TOPIC, key, ranking(user_id, number), (MOVED,), 1), Produced(TOPIC, key, None, (MOVED,), 0)]


def grow(bootstrap: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_partitions({TOPIC: 2})
    client.close()


async def awaited(bootstrap: str) -> tuple[Any, ...]:
    await fill_raw(bootstrap, [Produced(TOPIC, b"u1", ranking("u1", 3), partition=0)])
    async with AsyncRankingSubscriber(bootstrap, metadata_max_age_ms=100) as subscriber:
        await subscriber.caught_up()
        await asyncio.to_thread(grow, bootstrap)
        await fill_raw(bootstrap, [*moved("u1", 3), Produced(TOPIC, b"u2", ranking("u2", 1), partition=1)])
        async with asyncio.timeout(180):
            async for user_id in subscriber.follow():
                if user_id == "u2":
                    break
        found = [subscriber.get(user_id) for user_id in ("u1", "u2")]
    return tuple(one and (one.source, one.ranking.ranking_number) for one in found)


def test_an_asynchronous_subscriber_reads_new_partitions_and_keeps_who_moved(bootstrap: str) -> None:
    assert asyncio.run(awaited(bootstrap)) == (("own", 3), ("own", 1))


def test_a_polling_subscriber_does_the_same(bootstrap: str) -> None:
    asyncio.run(fill_raw(bootstrap, [Produced(TOPIC, b"u1", ranking("u1", 3), partition=0)]))
    with RankingSubscriber(bootstrap, metadata_max_age_ms=100) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        grow(bootstrap)
        more = [*moved("u1", 3), Produced(TOPIC, b"u2", ranking("u2", 1), partition=1)]
        asyncio.run(fill_raw(bootstrap, more))
        while (found := subscriber.get("u2")) is None or found.source != "own":
            subscriber.poll()
        own = subscriber.get("u1")
    assert own is not None
    assert (own.source, own.ranking.ranking_number) == ("own", 3)
