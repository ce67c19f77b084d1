"""Partitions change hands and nothing is lost or counted twice."""

import asyncio
import contextlib
import signal

import pytest
from aiokafka import ConsumerRecord

from streams.exactly_once.task import TaskSpec
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import account, random_inputs
from tests.exactly_once.brokers import (
    create_sums_topics,
    create_topics,
    fresh_prefix,
    read_all,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec
from tests.exactly_once.watching import Watching
from tests.exactly_once.worker import worker_process


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def test_a_second_worker_takes_half_and_gives_it_back(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=3, count=1500)
    outputs = f"{prefix}-outputs"
    settings, spec = settings_for(bootstrap, prefix), sums_spec(prefix)

    async def history() -> list[ConsumerRecord]:
        first, second = Watching(), Watching()
        async with working(settings, spec, observer=first):
            await write(bootstrap, inputs[:500])
            await first.until(lambda seen: len(seen.open) == 4)
            async with working(settings, spec, observer=second):
                await second.until(lambda seen: len(seen.open) == 2)
                await first.until(lambda seen: len(seen.open) == 2)
                assert first.open | second.open == {0, 1, 2, 3}
                await write(bootstrap, inputs[500:1000])
                await read_until(bootstrap, outputs, lambda read: len(read) >= 1000)
            await first.until(lambda seen: len(seen.open) == 4)
            await write(bootstrap, inputs[1000:])
            await read_until(bootstrap, outputs, lambda read: len(read) >= 1500)
            assert len(first.restores) == 4 + 2, "what a worker keeps in a rebalance is not restored again"
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_a_sleeping_worker_is_fenced_and_comes_back_as_a_member(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=4, count=1500)
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs[:500])
        with worker_process(bootstrap, prefix) as sleeper:
            await read_until(bootstrap, outputs, lambda read: len(read) >= 500)
            sleeper.send_signal(signal.SIGSTOP)
            await write(bootstrap, inputs[500:1000])
            awake = Watching()
            async with working(settings_for(bootstrap, prefix), sums_spec(prefix), observer=awake):
                await awake.until(lambda seen: len(seen.open) == 4)
                await read_until(bootstrap, outputs, lambda read: len(read) >= 1000)
                sleeper.send_signal(signal.SIGCONT)
                await awake.until(lambda seen: len(seen.open) == 2)
                await write(bootstrap, inputs[1000:])
                await read_until(bootstrap, outputs, lambda read: len(read) >= 1500)
                assert sleeper.poll() is None
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_workers_of_one_group_may_run_different_tasks(bootstrap: str) -> None:
    left, right = fresh_prefix(), fresh_prefix()
    create_sums_topics(bootstrap, left, partitions=3)
    create_sums_topics(bootstrap, right, partitions=3)
    settings = settings_for(bootstrap, left)
    left_inputs = random_inputs(left, seed=5, count=600, partitions=3)
    right_inputs = random_inputs(right, seed=6, count=600, partitions=3)

    async def history() -> tuple[list[ConsumerRecord], list[ConsumerRecord]]:
        await write(bootstrap, [*left_inputs, *right_inputs])
        only_left, both = Watching(), Watching()
        async with (
            working(settings, sums_spec(left), observer=only_left),
            working(settings, sums_spec(left), sums_spec(right), observer=both),
        ):
            a = await read_until(bootstrap, f"{left}-outputs", lambda read: len(read) >= 600)
            b = await read_until(bootstrap, f"{right}-outputs", lambda read: len(read) >= 600)
        return a, b

    left_outputs, right_outputs = asyncio.run(history())
    assert account(left_inputs, left_outputs).balanced
    assert account(right_inputs, right_outputs).balanced


def test_a_static_member_comes_back_without_a_rebalance(bootstrap: str, prefix: str) -> None:
    settings = settings_for(bootstrap, prefix, group_instance_id="one", session_timeout_ms=20_000)
    inputs = random_inputs(prefix, seed=7, count=400)
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs[:200])
        async with working(settings, sums_spec(prefix)):
            await read_until(bootstrap, outputs, lambda read: len(read) >= 200)
        await write(bootstrap, inputs[200:])
        async with working(settings, sums_spec(prefix)):
            await read_until(bootstrap, outputs, lambda read: len(read) >= 400)
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_many_tasks_with_inputs_of_their_own_share_one_worker(bootstrap: str) -> None:
    group = fresh_prefix()
    prefixes = [fresh_prefix() for _ in range(3)]
    names = [f"{prefix}-{name}" for prefix in prefixes for name in ("in", "state", "outputs", "echo")]
    create_topics(bootstrap, dict.fromkeys(names, 1))
    specs = [
        TaskSpec(
            name=prefix,
            inputs=(f"{prefix}-in",),
            state_topic=f"{prefix}-state",
            make=lambda partition, prefix=prefix: KeyedSums(prefix),
        )
        for prefix in prefixes
    ]

    async def history() -> list[int]:
        for prefix in prefixes:
            inputs = random_inputs(prefix, seed=8, count=100, partitions=1)
            await write(bootstrap, [record._replace(topic=f"{prefix}-in") for record in inputs])
        async with working(settings_for(bootstrap, group), *specs):
            return [
                len(await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 100))
                for prefix in prefixes
            ]

    assert asyncio.run(history()) == [100, 100, 100]


def test_a_worker_that_has_nothing_to_fetch_stays_in_its_group(bootstrap: str, prefix: str) -> None:
    settings = settings_for(bootstrap, prefix, max_poll_interval_ms=1000)
    inputs = random_inputs(prefix, seed=9, count=200, partitions=1)
    create_topics(bootstrap, dict.fromkeys((f"{prefix}-single", f"{prefix}-single-state"), 1))
    spec = TaskSpec(
        name=f"{prefix}-single",
        inputs=(f"{prefix}-single",),
        state_topic=f"{prefix}-single-state",
        make=lambda partition: KeyedSums(prefix),
    )

    async def history() -> int:
        worker, standby = Watching(), Watching()
        async with contextlib.AsyncExitStack() as later:
            async with working(settings, spec, observer=worker):
                await worker.until(lambda seen: len(seen.open) == 1)
                await later.enter_async_context(working(settings, spec, observer=standby))
                await asyncio.sleep(2.5)  # longer than the poll timeout: the wait is what this is about
                assert worker.open == {0}
            await standby.until(lambda seen: len(seen.open) == 1)
            await write(bootstrap, [record._replace(topic=f"{prefix}-single") for record in inputs])
            return len(await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 200))

    assert asyncio.run(history()) == 200
