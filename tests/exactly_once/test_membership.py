"""A worker that cannot be, or stay, a member of its group ends, and says why."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import InconsistentGroupProtocolError
from kafka.admin import KafkaAdminClient

from streams.exactly_once.consumer.group_membership import Membership
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import (
    DriverError,
    GroupRefusedError,
    PartitionsDifferError,
    SameInstanceError,
    TopicMissingError,
)
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import random_inputs
from tests.exactly_once.brokers import (
    DEADLINE_S,
    create_sums_topics,
    fresh_prefix,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import sums_spec
from tests.exactly_once.watching import Watching

Change = Callable[[KafkaAdminClient, str], Awaitable[None]]


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def test_of_two_workers_with_one_static_name_the_later_ends_and_the_first_goes_on(bootstrap: str, prefix: str) -> None:
    settings = settings_for(bootstrap, prefix, group_instance_id="same", heartbeat_interval_ms=50)

    async def history() -> None:
        first = Watching()
        async with working(settings, sums_spec(prefix), observer=first):
            for rounds in range(1, 16):  # it has been there for a while
                await write(bootstrap, random_inputs(prefix, seed=rounds, count=20))
                await first.until(lambda seen, least=rounds: seen.commits >= 4 * least)
            with pytest.raises(SameInstanceError, match=r"group_instance_id 'same'.*give every worker its own"):
                async with working(settings, sums_spec(prefix)):
                    await asyncio.sleep(DEADLINE_S)
            await write(bootstrap, random_inputs(prefix, seed=99, count=100))
            await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 400)

    asyncio.run(history())


def test_a_consumer_of_another_program_in_the_group_is_named(bootstrap: str, prefix: str) -> None:
    async def history() -> None:
        stranger = AIOKafkaConsumer(f"{prefix}-left", bootstrap_servers=bootstrap, group_id=prefix)
        await stranger.start()
        try:
            async with working(settings_for(bootstrap, prefix, start_deadline_ms=1_500), sums_spec(prefix)):
                await asyncio.sleep(DEADLINE_S)
        finally:
            await stranger.stop()

    with pytest.raises(GroupRefusedError, match=r"has a member that is no worker.*give the workers another group"):
        asyncio.run(history())


def test_a_stranger_who_leaves_in_time_is_waited_for() -> None:
    membership = Membership(DriverSettings(bootstrap="b:1", group="g", start_deadline_ms=1_000))
    membership.hear(InconsistentGroupProtocolError(), now_s=1.0)
    membership.joined()
    membership.hear(InconsistentGroupProtocolError(), now_s=3.0)
    with pytest.raises(GroupRefusedError):
        membership.hear(InconsistentGroupProtocolError(), now_s=4.0)


async def _delete(admin: KafkaAdminClient, prefix: str) -> None:
    admin.delete_topics([f"{prefix}-right"])


async def _grow(admin: KafkaAdminClient, prefix: str) -> None:
    admin.create_partitions({f"{prefix}-left": 6})


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (_delete, TopicMissingError, "no such topic: .*-right"),
        (_grow, PartitionsDifferError, "-left has 6, .*-right has 4"),
    ],
)
def test_topics_that_change_under_a_worker_are_named(
    bootstrap: str,
    prefix: str,
    change: Callable[[KafkaAdminClient, str], Awaitable[None]],
    error: type[DriverError],
    says: str,
) -> None:
    async def history() -> None:
        seen = Watching()
        settings = settings_for(bootstrap, prefix, metadata_max_age_ms=500, topic_patience_ms=500)
        async with working(settings, sums_spec(prefix), observer=seen):
            await seen.until(lambda seen: len(seen.open) == 4)
            admin = KafkaAdminClient(bootstrap_servers=bootstrap)
            await change(admin, prefix)
            admin.close()
            await asyncio.sleep(DEADLINE_S)

    with pytest.raises(error, match=says):
        asyncio.run(history())
