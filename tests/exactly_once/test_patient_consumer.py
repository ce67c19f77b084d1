"""A broker that is away for a moment when the consumer starts is waited for."""

import asyncio
import socket

from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.consumer.column_fetcher import consumer_of_columns
from streams.exactly_once.consumer.patient_consumer import patient


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_consumer_starts_once_its_broker_is_there() -> None:
    asyncio.run(_start_before_the_broker(_free_port()))


async def _start_before_the_broker(port: int) -> None:
    consumer = patient(consumer_of_columns(10))(bootstrap_servers=f"127.0.0.1:{port}")
    starting = asyncio.create_task(consumer.start())
    await asyncio.sleep(0.5)
    assert not starting.done()
    broker = EmbeddedBroker(port=port).start()
    try:
        await asyncio.wait_for(starting, 30)
    finally:
        await consumer.stop()
        broker.stop()
