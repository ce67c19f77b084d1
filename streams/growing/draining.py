"""Lets the cards task read what is left of its input: outcomes that were written for the old number of partitions.

Nobody writes outcomes any more: the listeners' state is divided already, and no worker opens it under the old number.
What is unread is counted by an ordinary worker in this process, which is stopped when nothing is left.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import TopicPartition

from processors.telling import Tell
from streams.app import build_app, task_specs
from streams.connections import driver_settings, topic_names
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.task import TaskSpec
from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.growing.log_columns import columns_of
from streams.settings import Settings
from streams.tasks.renamed_task import renamed_spec

LOOK_S = 0.5


def spec_of(settings: Settings) -> TaskSpec:
    """The only task of these settings, with the topics as they are called at the broker."""
    (spec,) = task_specs(settings)
    return renamed_spec(spec, topic_names(settings))


async def drain_cards(settings: Settings, bootstrap: str, tell: Tell) -> int:
    """Process the unread outcomes; returns how many there were. Raises what a worker raises."""
    own = settings.model_copy(update={"tasks": ("cards",), "group_instance_id": None})
    driver, spec = driver_settings(own, bootstrap), spec_of(own)

    async def left() -> int:
        return sum([await _unread(driver, spec, number) for number in range(settings.page_partitions)])

    before = await left()
    tell("unread outcomes", 0, before)
    if before:
        await _work_until_empty(own, bootstrap, left, lambda now: tell("unread outcomes", before - now, before))
    return before


async def _work_until_empty(
    settings: Settings, bootstrap: str, left: Callable[[], Awaitable[int]], told: Callable[[int], None]
) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(build_app(settings, bootstrap).run(stop), name="cards")
    try:
        while (now := await left()) and not working.done():
            told(now)
            await asyncio.sleep(LOOK_S)
    finally:
        stop.set()
        await working
    told(0)


async def _unread(driver: DriverSettings, spec: TaskSpec, number: int) -> int:
    """Number of records after a task's position; markers of transactions are none."""
    position = Position()
    async for rows in columns_of(driver, TopicPartition(spec.state_topic, number)):
        for key, value in zip(rows.keys.each(), rows.values.each(), strict=True):
            if key == POSITION_KEY and value is not None:
                position = Position.of_row(value)
    (topic,) = spec.inputs
    count = 0
    async for records in columns_of(driver, TopicPartition(topic, number), position.starts.get(topic)):
        count += len(records)
    return count
