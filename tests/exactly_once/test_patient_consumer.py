"""A broker that is away for a moment when the consumer starts is waited for."""

import asyncio

from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.consumer.column_fetcher import consumer_of_columns
from streams.exactly_once.consumer.patient_consumer import patient
from streams.harness.free_ports import free_ports
from tests.exactly_once.brokers import DEADLINE_S


def test_a_consumer_starts_once_its_broker_is_there() -> None:
    asyncio.run(_start_before_the_broker(free_ports(1)[0]))


async def _start_before_the_broker(port: int) -> None:
    consumer = patient(consumer_of_columns(10))(bootstrap_servers=f"127.0.0.1:{port}")
    starting = asyncio.create_task(consumer.start())
    await asyncio.sleep(0.5)
    assert not starting.done()
    broker = EmbeddedBroker(port=port).start()
    try:
        await asyncio.wait_for(starting, DEADLINE_S)
    finally:
        await consumer.stop()
        broker.stop()
