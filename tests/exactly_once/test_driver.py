"""A worker on a broker: outputs, state and offsets move together."""

import asyncio

import pytest
from aiokafka import ConsumerRecord

from streams.exactly_once.task import Produced
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import account, random_inputs
from tests.exactly_once.brokers import (
    create_sums_topics,
    fresh_prefix,
    read_all,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import sums_spec


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def test_every_input_of_both_topics_has_its_output_and_sums_are_right(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=1, count=2000)

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs)
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            outputs = f"{prefix}-outputs"
            return await read_until(bootstrap, outputs, lambda read: len(read) >= 2000)

    outputs = asyncio.run(history())
    assert account(inputs, outputs).balanced
    assert outputs[0].headers[0][0] == "from"


def test_a_restarted_worker_goes_on_where_it_stopped(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=2, count=1500)
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        for end in (500, 1000, 1500):
            await write(bootstrap, inputs[end - 500 : end])
            async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
                await read_until(bootstrap, outputs, lambda read, end=end: len(read) >= end)
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_an_exception_of_the_task_aborts_its_transaction_and_stops_the_worker(bootstrap: str, prefix: str) -> None:
    async def history() -> list[ConsumerRecord]:
        await write(
            bootstrap,
            [
                Produced(f"{prefix}-left", b"k", b"1", partition=0),
                Produced(f"{prefix}-left", b"k", b"poison", partition=0),
            ],
        )
        async with working(settings_for(bootstrap, prefix, commit_interval_ms=5000), sums_spec(prefix)):
            await asyncio.sleep(20)
        raise AssertionError("unreachable")

    with pytest.raises(ZeroDivisionError, match="a bug of the task"):
        asyncio.run(history())
    assert asyncio.run(read_all(bootstrap, f"{prefix}-outputs")) == []
