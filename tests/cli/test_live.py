"""`shelfwise simulate --rate`: listeners in real time, as the compose file's traffic."""

import asyncio
from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import decode
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run


async def event_ids(bootstrap: str) -> Counter[str]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition("impressions", number) for number in range(4)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: Counter[str] = Counter()
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found.update(decode("impressions", record.value).event_id for record in records)
        return found
    finally:
        await consumer.stop()


def test_two_runs_of_one_seed_are_different_listeners_visits(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        at = ["--broker", broker.bootstrap]
        assert run(["topics", "apply", *at]) == 0
        live = ["simulate", "--users", "20", "--cards", "12", "--impressions", "200", "--rate", "400", *at]
        assert run(live) == run(live) == 0
        runs = {event_id.split("-")[0] for event_id in asyncio.run(event_ids(broker.bootstrap))}
        assert len(runs) == 2
    assert "events were sent" in capsys.readouterr().err


def test_live_listeners_need_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--rate", "5", "--out", "events.jsonl"]) == 2
    assert "name --broker" in capsys.readouterr().err
