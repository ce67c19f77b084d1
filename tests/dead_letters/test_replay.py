"""Dead letters keep their bytes and are sent again once, whoever dies on the way; on both brokers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import GroupIdNotFoundError, KafkaError

from schemas.dead_letters import HEADER_ATTEMPT, DeadLetter
from streams.cli.main import run
from streams.dead_letter_replay import count_letters, read_letters, replay_group, replay_letters
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness

TOPIC, LETTERS = "impressions", "impressions.dlq"
REASONS = ("not_json", "invalid", "empty")
BACKENDS = ("embedded", "jars")
DEADLINE_S = 180.0


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.kafka] * (name == "jars")) for name in BACKENDS]
)
def harness(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    if request.param == "jars":
        yield request.getfixturevalue("shared_kafka")
        return
    with EmbeddedKafka() as started:
        yield started


@pytest.fixture
def bootstrap(harness: KafkaHarness) -> Iterator[str]:
    """A broker with an input topic and its dead letters, both empty, nothing replayed yet."""
    deadline_s = time.monotonic() + DEADLINE_S
    admin = KafkaAdminClient(bootstrap_servers=harness.bootstrap)
    while True:
        try:
            admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1) for name in (TOPIC, LETTERS)])
            break
        except KafkaError:  # the last test's are not gone yet
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    yield harness.bootstrap
    admin.delete_topics([TOPIC, LETTERS])
    for reason in REASONS:
        with suppress(GroupIdNotFoundError):
            admin.delete_groups([replay_group(reason)])
    admin.close()


def letter(number: int) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a dead letter."""
    why = DeadLetter(
        topic=TOPIC, partition=0, offset=number, timestamp_ms=number, reason=REASONS[number % 3], attempt=1
    )
    return b"u%d" % (number % 7), b"\xff broken %d" % number, [("trace", b"t%d" % number), *why.headers()]


def set_aside(bootstrap: str, numbers: Sequence[int]) -> None:
    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
            for number in numbers:
                key, value, headers = letter(number)
                await producer.send(LETTERS, value, key, headers=headers)

    asyncio.run(write())


@asynccontextmanager
async def reader(bootstrap: str, isolation: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest", max_poll_records=10_000
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(TOPIC, number) for number in range(2)])
        yield consumer
    finally:
        await consumer.stop()


async def ends_of(bootstrap: str, isolation: str) -> dict[TopicPartition, int]:
    async with reader(bootstrap, isolation) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return found


async def read(bootstrap: str) -> list[ConsumerRecord]:
    """All that is committed, once nothing is open any more: a commit returns before its markers are written."""
    async with asyncio.timeout(DEADLINE_S), reader(bootstrap, "read_committed") as consumer:
        while (ends := await ends_of(bootstrap, "read_committed")) != await ends_of(bootstrap, "read_uncommitted"):
            continue
        found: list[ConsumerRecord] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += records
        return found


def sent_again(bootstrap: str) -> Counter[bytes]:
    return Counter(record.value for record in asyncio.run(read(bootstrap)))


def written(bootstrap: str) -> int:
    """How far the input topic has grown, with all that is open or aborted."""
    return sum(asyncio.run(ends_of(bootstrap, "read_uncommitted")).values())


def values(numbers: Sequence[int]) -> Counter[bytes]:
    return Counter(letter(number)[1] for number in numbers)


def replay(bootstrap: str, reason: str | None = None) -> int:
    return asyncio.run(replay_letters(bootstrap, LETTERS, reason))


def test_key_bytes_and_the_records_own_headers_come_back_with_the_attempt(bootstrap: str) -> None:
    set_aside(bootstrap, [0])
    assert replay(bootstrap) == 1
    [record] = asyncio.run(read(bootstrap))
    key, value, _ = letter(0)
    assert (record.key, record.value) == (key, value)
    assert dict(record.headers)["trace"] == b"t0"
    assert dict(record.headers)[HEADER_ATTEMPT] == b"1"


def test_each_letter_is_sent_again_once_however_often_this_runs(bootstrap: str) -> None:
    set_aside(bootstrap, range(50))
    assert (replay(bootstrap), replay(bootstrap)) == (50, 0)
    set_aside(bootstrap, range(50, 60))
    assert (replay(bootstrap), replay(bootstrap)) == (10, 0)
    assert sent_again(bootstrap) == values(range(60))


def test_replaying_one_reason_leaves_the_others_for_later(bootstrap: str) -> None:
    set_aside(bootstrap, range(30))
    assert replay(bootstrap, "invalid") == 10
    assert replay(bootstrap) == 20
    assert sent_again(bootstrap) == values(range(30))


def test_letters_are_counted_and_read_whatever_else_is_in_the_topic(bootstrap: str) -> None:
    async def litter() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            await producer.send(LETTERS, b"somebody else's", b"k")

    set_aside(bootstrap, range(6))
    asyncio.run(litter())
    assert asyncio.run(count_letters(bootstrap, LETTERS)) == Counter(dict.fromkeys(REASONS, 2))
    assert len(asyncio.run(read_letters(bootstrap, LETTERS))) == 6
    assert len(asyncio.run(read_letters(bootstrap, LETTERS, 4))) == 4
    assert replay(bootstrap) == 6


def replaying(bootstrap: str) -> "subprocess.Popen[bytes]":
    words = ["dlq", "replay", TOPIC, "--broker", bootstrap]
    return subprocess.Popen([sys.executable, "-m", "streams.cli.main", *words], stderr=subprocess.DEVNULL)


def test_killed_half_way_again_and_again_nothing_is_lost_or_doubled(bootstrap: str) -> None:
    count = 3_000
    set_aside(bootstrap, range(count))
    for _ in range(2):
        before = written(bootstrap)
        process = replaying(bootstrap)
        deadline_s = time.monotonic() + DEADLINE_S
        while process.poll() is None and written(bootstrap) < before + 200:
            assert time.monotonic() < deadline_s
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    replay(bootstrap)
    assert sent_again(bootstrap) == values(range(count))


def test_two_replays_at_the_same_time_send_each_letter_once(bootstrap: str) -> None:
    set_aside(bootstrap, range(1_000))
    for process in [replaying(bootstrap), replaying(bootstrap)]:
        process.wait(DEADLINE_S)
    replay(bootstrap)
    assert sent_again(bootstrap) == values(range(1_000))


def test_the_commands_list_show_and_replay(bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_aside(bootstrap, range(9))
    broker = ["--broker", bootstrap, "--json"]
    assert run(["dlq", "list", *broker]) == 0
    assert json.loads(capsys.readouterr().out) == {LETTERS: dict.fromkeys(REASONS, 3)}
    assert run(["dlq", "show", TOPIC, "--limit", "2", *broker]) == 0
    shown = json.loads(capsys.readouterr().out)["letters"]
    assert [{"reason", "source", "detail", "attempt", "key", "value", "bytes"} <= letter.keys() for letter in shown]
    assert len(shown) == 2
    assert run(["dlq", "replay", TOPIC, "--reason", "empty", *broker]) == 0
    assert json.loads(capsys.readouterr().out) == {"replayed": 3}
    assert run(["dlq", "replay", TOPIC, "--reason", "boredom", *broker]) == 2
    assert "the reasons: empty, not_json" in capsys.readouterr().err
