"""Every task's state says in which format it is written; a worker that does not know it stops and says what to do."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import STATE_SUFFIX
from streams.app import build_app, task_specs
from streams.exactly_once.errors import StateFormatError
from streams.settings import TASKS, Settings, TaskName, load


async def write_format(bootstrap: str, topic: str, format_number: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, format_number, b"__format__", partition=0)


async def run_for_ever(bootstrap: str, task: TaskName) -> None:
    await build_app(load(None, {"tasks": (task,)}), bootstrap).run(asyncio.Event())


@pytest.mark.parametrize("task", TASKS)
def test_state_in_an_unknown_format_stops_the_worker(bootstrap: str, task: TaskName) -> None:
    (spec,) = [spec for spec in task_specs(Settings()) if spec.name == task]
    newer = spec.state_format + 1
    asyncio.run(write_format(bootstrap, task + STATE_SUFFIX, b"%d" % newer))
    known = f"this program reads format {spec.state_format}: run the version that wrote it"
    with pytest.raises(StateFormatError, match=f"'{task}-state' is written in format {newer}, {known}"):
        asyncio.run(asyncio.wait_for(run_for_ever(bootstrap, task), 120))
