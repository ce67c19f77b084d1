"""Planned misbehaviour: what the clients are put through, and that nothing is lost or doubled by it."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaTimeoutError, NotLeaderForPartitionError

from streams.broker.embedded import EmbeddedBroker
from streams.broker.faults import FaultPlan
from streams.broker.protocol_errors import ErrorCode
from streams.broker.refusals import REFUSALS
from streams.broker.wire import VERSIONS
from tests.brokers.raw_client import RawClient, values_of
from tests.brokers.test_transactions import committed_values

pytestmark = pytest.mark.usefixtures("tidied")
VALUES = [b"%d" % number for number in range(60)]


@pytest.fixture
def faulty() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(seed=11) as broker:
        broker.create_topic("t")
        yield broker


async def send_all(broker: EmbeddedBroker) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap,
        enable_idempotence=True,
        request_timeout_ms=400,
        retry_backoff_ms=10,
    ) as producer:
        for value in VALUES:
            for _ in range(50):
                try:
                    await producer.send_and_wait("t", value, partition=0)
                    break
                except KafkaTimeoutError:
                    pytest.fail("an idempotent producer goes on until its request is answered")


@pytest.mark.parametrize(
    ("kind", "probability"),
    [("disconnect_before", 0.2), ("disconnect_after", 0.2), ("drop_ack", 0.05), ("error", 0.2)],
)
def test_an_idempotent_producer_writes_once_whatever_happens(
    faulty: EmbeddedBroker, kind: str, probability: float
) -> None:
    faulty.faults.inject(api="Produce", kind=kind, probability=probability)
    asyncio.run(send_all(faulty))
    assert faulty.faults.fired[f"Produce/{kind}"] > 0
    faulty.faults.clear()
    with RawClient(faulty.bootstrap) as raw:
        assert values_of(raw.fetch("t", 0)) == VALUES


@pytest.mark.parametrize("kind", ["disconnect_before", "disconnect_after", "drop_ack"])
@pytest.mark.parametrize("api", ["AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn", "Produce"])
def test_a_transaction_is_committed_once_whatever_happens(faulty: EmbeddedBroker, api: str, kind: str) -> None:
    async def story() -> int | None:
        partition = TopicPartition("t", 0)
        async with AIOKafkaProducer(
            bootstrap_servers=faulty.bootstrap,
            transactional_id="id",
            request_timeout_ms=300,
            retry_backoff_ms=10,
        ) as producer:
            for number in range(4):
                # not at first: aiokafka gives up where a connection ends while it looks for coordinators
                if number:
                    faulty.faults.inject(api=api, kind=kind, count=1)
                async with producer.transaction():
                    await producer.send("t", b"%d" % number, partition=0)
                    await producer.send_offsets_to_transaction({partition: number + 1}, "g")
        async with AIOKafkaConsumer(bootstrap_servers=faulty.bootstrap, group_id="g") as consumer:
            consumer.assign([partition])
            return await consumer.committed(partition)

    assert asyncio.run(story()) == 4
    assert faulty.faults.fired[f"{api}/{kind}"] == 3
    assert committed_values(faulty.bootstrap, "t", 4) == [b"0", b"1", b"2", b"3"]


def test_a_group_gets_over_every_fault_of_its_coordinator(faulty: EmbeddedBroker) -> None:
    for api in ("FindCoordinator", "JoinGroup", "SyncGroup", "Heartbeat", "OffsetCommit", "OffsetFetch"):
        faulty.faults.inject(api=api, kind="error", code=ErrorCode.NOT_COORDINATOR, count=1)
        faulty.faults.inject(api=api, kind="disconnect_before", count=1)

    async def story() -> None:
        async with AIOKafkaProducer(bootstrap_servers=faulty.bootstrap) as producer:
            await producer.send_and_wait("t", b"x")
        async with AIOKafkaConsumer(
            "t",
            bootstrap_servers=faulty.bootstrap,
            group_id="g",
            auto_offset_reset="earliest",
            retry_backoff_ms=10,
            heartbeat_interval_ms=50,
        ) as consumer:
            assert (await asyncio.wait_for(consumer.getone(), 120)).value == b"x"
            await asyncio.wait_for(consumer.commit(), 120)
            heartbeats = {"Heartbeat/error", "Heartbeat/disconnect_before"}
            async with asyncio.timeout(120):  # aiokafka never leaves where a heartbeat is refused while it is leaving
                while not faulty.faults.fired.keys() >= heartbeats:  # noqa: ASYNC110  another thread's
                    await asyncio.sleep(0.01)
                await consumer.commit()
            assert await consumer.committed(TopicPartition("t", 0)) == 1

    asyncio.run(story())


def test_latency_is_added(faulty: EmbeddedBroker) -> None:
    faulty.faults.inject(api="Metadata", kind="latency", latency_ms=2_000, count=1)
    with RawClient(faulty.bootstrap) as raw:
        for least_s, most_s in ((2, 120), (0, 2)):
            started = time.monotonic()
            raw.ask("Metadata", 1, topics=[])
            assert least_s <= time.monotonic() - started < most_s


def test_a_dropped_acknowledgement_is_silence_on_an_open_connection(faulty: EmbeddedBroker) -> None:
    faulty.faults.inject(api="Produce", kind="drop_ack", count=1)
    with RawClient(faulty.bootstrap) as raw, RawClient(faulty.bootstrap) as other:
        raw.send("Produce", 7, transactional_id=None, acks=-1, timeout_ms=1, topic_data=[])
        assert raw.is_silent(0.2)
        assert other.produce("t", b"others are served").error_code == 0


def test_without_retries_the_client_sees_the_error(faulty: EmbeddedBroker) -> None:
    faulty.faults.inject(api="Produce", kind="error", code=ErrorCode.NOT_LEADER_OR_FOLLOWER)

    async def story() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=faulty.bootstrap, request_timeout_ms=200, retry_backoff_ms=20
        ) as producer:
            with pytest.raises((NotLeaderForPartitionError, KafkaTimeoutError)):
                await producer.send_and_wait("t", b"x")

    asyncio.run(story())


@pytest.mark.parametrize("api", sorted(REFUSALS))
def test_every_refusal_is_an_answer_in_every_version(faulty: EmbeddedBroker, api: str) -> None:
    low, high = VERSIONS[api]
    with RawClient(faulty.bootstrap) as raw:
        for version in range(low, high + 1):
            faulty.faults.inject(api=api, kind="error", code=ErrorCode.REQUEST_TIMED_OUT, count=1)
            answer = raw.ask(api, version, **({"acks": -1} if api == "Produce" else {}))
            assert type(answer).__name__ == f"{api}Response"


def test_the_same_seed_and_requests_fail_alike() -> None:
    def drawn(seed: int) -> list[bool]:
        plan = FaultPlan(seed=seed)
        plan.inject(api="Fetch", kind="latency", probability=0.5)
        return [plan.draw("Fetch") is not None for _ in range(64)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 16 < sum(drawn(1)) < 48


@pytest.mark.parametrize(
    "rule",
    [
        {"api": "Brew", "kind": "latency"},
        {"api": "Fetch", "kind": "explode"},
        {"api": "ApiVersions", "kind": "error"},
        {"api": "Fetch", "kind": "latency", "probability": 2.0},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        FaultPlan(seed=0).inject(**rule)  # type: ignore[arg-type]
