"""What goes wrong, and how a worker takes it."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from streams.exactly_once.driver import build
from streams.exactly_once.errors import (
    BrokerUnreachableError,
    OutputRefusedError,
    PartitionsDifferError,
    StateFormatError,
    TopicMissingError,
)
from streams.exactly_once.records.produced import Produced
from streams.harness.free_ports import free_ports
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import account, random_inputs
from tests.exactly_once.brokers import (
    DEADLINE_S,
    create_sums_topics,
    create_topics,
    delete_before,
    fresh_prefix,
    read_all,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec
from tests.exactly_once.watching import Watching


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


async def run_until_it_stops(bootstrap: str, prefix: str, **spec: object) -> None:
    settings = settings_for(bootstrap, prefix, topic_patience_ms=500)
    async with working(settings, sums_spec(prefix, **spec)):  # type: ignore[arg-type]
        await asyncio.sleep(DEADLINE_S)


def test_after_a_failed_commit_the_task_opens_anew_from_its_log(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=11, count=800)
    outputs = f"{prefix}-outputs"

    async def history() -> tuple[list[ConsumerRecord], Watching]:
        seen = Watching()
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix), observer=seen):
            await write(bootstrap, inputs[:400])
            await read_until(bootstrap, outputs, lambda read: len(read) >= 400)
            for partition in range(4):  # opens every transactional id, as another worker would
                stranger = AIOKafkaProducer(
                    bootstrap_servers=bootstrap, transactional_id=f"{prefix}-{prefix}-sums-{partition}"
                )
                await stranger.start()
                await stranger.stop()
            await write(bootstrap, inputs[400:])
            await read_until(bootstrap, outputs, lambda read: len(read) >= 800)
        return await read_all(bootstrap, outputs), seen

    read, seen = asyncio.run(history())
    assert account(inputs, read).balanced
    assert seen.fencings == 4
    assert len(seen.restores) == 8


def test_unequal_partition_counts_are_refused_with_advice(bootstrap: str) -> None:
    prefix = fresh_prefix()
    create_topics(bootstrap, {f"{prefix}-left": 4, f"{prefix}-right": 3, f"{prefix}-state": 4})
    with pytest.raises(PartitionsDifferError, match=r"right has 3.*recreate the topics"):
        asyncio.run(run_until_it_stops(bootstrap, prefix))


def test_a_missing_topic_is_refused_by_name(bootstrap: str) -> None:
    prefix = fresh_prefix()
    create_topics(bootstrap, {f"{prefix}-left": 4, f"{prefix}-right": 4})
    with pytest.raises(TopicMissingError, match=f"{prefix}-state"):
        asyncio.run(run_until_it_stops(bootstrap, prefix))


def test_state_of_another_format_is_refused(bootstrap: str, prefix: str) -> None:
    async def history() -> None:
        await write(bootstrap, random_inputs(prefix, seed=12, count=100))
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 100)
        await run_until_it_stops(bootstrap, prefix, state_format=2)

    with pytest.raises(StateFormatError, match="written in format 1, this program reads format 2"):
        asyncio.run(history())


def test_a_state_topic_that_somebody_else_writes_is_refused(bootstrap: str, prefix: str) -> None:
    async def history() -> None:
        await write(bootstrap, [Produced(f"{prefix}-state", b"key", b"1", partition=0)])
        await run_until_it_stops(bootstrap, prefix)

    with pytest.raises(StateFormatError, match="something else writes to this topic"):
        asyncio.run(history())


def test_an_output_that_the_broker_will_never_take_stops_the_worker(bootstrap: str, prefix: str) -> None:
    class Bloated(KeyedSums):
        def process(self, topic: str, records: object) -> list[Produced]:  # type: ignore[override]
            return [Produced(f"{prefix}-outputs", b"key", bytes(3_000_000))]

    async def history() -> None:
        await write(bootstrap, [Produced(f"{prefix}-left", b"key", b"1", partition=0)])
        await run_until_it_stops(bootstrap, prefix, make=lambda partition: Bloated(prefix))

    with pytest.raises(OutputRefusedError, match="MessageSizeTooLarge"):
        asyncio.run(history())


def test_without_a_broker_it_gives_up_at_the_deadline_with_advice() -> None:
    settings = settings_for(f"127.0.0.1:{free_ports(1)[0]}", "nobody", start_deadline_ms=500)
    with pytest.raises(BrokerUnreachableError, match="start it, or correct the address"):
        asyncio.run(build(settings, [sums_spec("nobody")]).run(asyncio.Event()))


def test_without_a_broker_it_can_be_stopped() -> None:
    async def history() -> None:
        stop = asyncio.Event()
        settings = settings_for(f"127.0.0.1:{free_ports(1)[0]}", "nobody")
        running = asyncio.create_task(build(settings, [sums_spec("nobody")]).run(stop))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(running, DEADLINE_S)

    asyncio.run(history())


def test_two_tasks_may_not_share_an_input_topic() -> None:
    spec = sums_spec("t")
    with pytest.raises(ValueError, match="task name used by two tasks of one group: t-sums"):
        build(settings_for("127.0.0.1:9", "t"), [spec, spec])


@pytest.mark.slow
def test_while_the_broker_is_down_one_worker_stops_in_time_and_another_waits(broker: KafkaHarness, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=13, count=800)
    outputs = f"{prefix}-outputs"
    settings = settings_for(broker.bootstrap, prefix, stop_timeout_ms=5_000, request_timeout_ms=200_000)
    spec = sums_spec(prefix)

    async def history() -> tuple[list[ConsumerRecord], float]:
        stop, leaver = asyncio.Event(), Watching()
        async with working(settings, spec):
            leaving = asyncio.create_task(build(settings, [spec], observer=leaver).run(stop))
            await leaver.until(lambda seen: len(seen.open) == 2)
            await write(broker.bootstrap, inputs[:400])
            await read_until(broker.bootstrap, outputs, lambda read: len(read) >= 200)
            await asyncio.to_thread(broker.kill)
            started_s = time.monotonic()
            stop.set()
            await asyncio.wait([leaving], timeout=DEADLINE_S)
            taken_s = time.monotonic() - started_s
            await asyncio.to_thread(broker.restart)
            leaving.result()
            await write(broker.bootstrap, inputs[400:])
            await read_until(broker.bootstrap, outputs, lambda read: len(read) >= 800)
        return await read_all(broker.bootstrap, outputs), taken_s

    read, taken_s = asyncio.run(history())
    assert account(inputs, read).balanced
    assert taken_s < 60, "long before a request would time out"


def test_input_that_the_broker_deleted_unread_is_reported_and_gone_on_after(bootstrap: str, prefix: str) -> None:
    gone = [Produced(f"{prefix}-left", b"k", b"1", partition=0) for _ in range(30)]
    outputs = f"{prefix}-outputs"

    async def history() -> tuple[list[ConsumerRecord], int]:
        seen = Watching()
        await write(bootstrap, gone[:10])
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            await read_until(bootstrap, outputs, lambda read: len(read) >= 10)
        await write(bootstrap, gone[10:])
        delete_before(bootstrap, f"{prefix}-left", 0, 25)
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix), observer=seen):
            await read_until(bootstrap, outputs, lambda read: len(read) >= 15)
        return await read_all(bootstrap, outputs), seen.lost

    read, lost = asyncio.run(history())
    assert (len(read), lost) == (15, 15)
