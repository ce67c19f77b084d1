"""What every kind of broker does for a test: lives, dies, comes back, is cut off; here, and held by another process."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.harness.backends import new_harness
from streams.harness.interface import Backend, HarnessError, KafkaHarness
from streams.harness.remote import RemoteHarness

HARNESSES: dict[str, Callable[[Path], KafkaHarness]] = {
    "embedded": lambda _: new_harness(Backend.EMBEDDED),
    "jars": lambda _: new_harness(Backend.JARS),
    "remote": RemoteHarness,
}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.kafka] * (name == "jars")) for name in HARNESSES]
)
def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaHarness]:
    with HARNESSES[request.param](tmp_path_factory.mktemp("state")) as started:
        yield started


def write(bootstrap: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", retries=20)
    producer.send("kept", value).get(timeout=120)
    producer.close()


def test_what_was_written_survives_a_kill_and_a_cut(harness: KafkaHarness) -> None:
    admin = KafkaAdminClient(bootstrap_servers=harness.bootstrap)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()
    write(harness.bootstrap, b"before")
    harness.kill()
    assert harness.status() == {1: "stopped"}
    address = harness.bootstrap
    harness.restart()
    assert harness.status() == {1: "running"}
    assert harness.bootstrap == address, "it comes back where clients look for it"

    harness.partition()
    assert harness.status() == {1: "partitioned"}
    late = threading.Thread(target=write, args=(address, b"late"))
    late.start()
    late.join(timeout=1.0)
    assert late.is_alive(), "nobody answers"
    harness.heal()
    late.join(timeout=120.0)
    assert harness.status() == {1: "running"}

    consumer = KafkaConsumer(
        "kept", bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=120_000
    )
    assert {next(consumer).value, next(consumer).value} == {b"before", b"late"}
    consumer.close()


def test_a_node_that_does_not_exist_is_named(harness: KafkaHarness) -> None:
    for deed in (harness.kill, harness.restart, harness.partition, harness.heal):
        with pytest.raises(HarnessError, match="node 7"):
            deed(7)


def test_a_harness_that_was_stopped_leaves_nothing_to_stop() -> None:
    harness = new_harness(Backend.EMBEDDED)
    harness.stop()
    assert harness.status() == {1: "stopped"}


@pytest.mark.parametrize(("backend", "nodes"), [(Backend.EMBEDDED, 3), (Backend.JARS, 2), (Backend.DOCKER, 5)])
def test_clusters_that_cannot_be_are_refused(backend: Backend, nodes: int) -> None:
    with pytest.raises(HarnessError, match=f"{backend.value} does not come with {nodes} nodes"):
        new_harness(backend, nodes)
