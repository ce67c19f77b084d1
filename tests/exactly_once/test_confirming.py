"""A confirmation is fresh: where it came late it is asked for again, unless the broker is always late."""

import asyncio
from collections.abc import Collection

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.transactions.coordinators import TransactionsCoordinator

ASKED = "DescribeTransactions/latency"


async def have_leaders(_: Collection[TopicPartition]) -> None:
    """They have."""


@pytest.mark.parametrize(
    ("late_count", "fences", "asked"),
    [(1, 1, 2), (None, 1, 2), (None, 3, 4)],
    ids=["late once", "far away", "far away, three requests"],
)
def test_a_late_confirmation_is_repeated(late_count: int | None, fences: int, asked: int) -> None:
    async def history(broker: EmbeddedBroker) -> None:
        client = AIOKafkaClient(bootstrap_servers=broker.bootstrap)
        await client.bootstrap()
        try:
            coordinator = TransactionsCoordinator(client, "task-0", 10_000, have_leaders)
            await coordinator.announce()
            await coordinator.describe()  # connects
            broker.faults.inject(api="DescribeTransactions", kind="latency", latency_ms=250.0, count=late_count)
            broker.faults.inject(api="DescribeTransactions", kind="latency", latency_ms=0.0)
            for _ in range(fences):
                assert await coordinator.fence(10_000, over=coordinator.connection) is not None
        finally:
            await client.close()

    with EmbeddedBroker() as broker:
        asyncio.run(history(broker))
        assert broker.faults.fired[ASKED] == asked
