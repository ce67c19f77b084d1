"""Apache Kafka from Maven artifacts: starts, loses nodes, gets them back, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.harness.artifacts import CACHE_SETTING, kafka_jars, pinned_digests
from streams.harness.interface import HarnessError
from streams.harness.jars import JarsKafka

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parent.parent.parent
OWNER = """
from streams.harness.jars import JarsKafka
kafka = JarsKafka().start()
print(kafka._nodes[1]._process.pid, kafka._folder, flush=True)
input()
"""


@pytest.fixture(scope="module")
def kafka() -> Iterator[JarsKafka]:
    with JarsKafka() as harness:
        yield harness


def test_what_was_written_survives_a_kill(kafka: JarsKafka) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send("kept", b"value").get(timeout=20)
    producer.close()
    kafka.kill()
    assert kafka.status() == {1: "stopped"}
    kafka.restart()
    consumer = KafkaConsumer(
        "kept", bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    assert next(consumer).value == b"value"
    consumer.close()


def test_a_partitioned_node_answers_again_once_healed(kafka: JarsKafka) -> None:
    kafka.partition()
    assert kafka.status() == {1: "partitioned"}
    kafka.heal()
    assert kafka.status() == {1: "running"}
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    assert len(admin.describe_cluster()["brokers"]) == 1
    admin.close()


def test_a_killed_owner_leaves_neither_a_process_nor_a_folder_behind() -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert owner.stdout is not None
    words = owner.stdout.readline().split()
    node, folder = int(words[0]), Path(words[1])
    assert folder.is_dir()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline_s = time.monotonic() + 20
    while folder.exists() or is_running(node):
        assert time.monotonic() < deadline_s, "the watchdog did not clean up"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]


def test_a_cache_that_holds_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, digests = pinned_digests()
    folder = tmp_path / f"kafka-{version}"
    folder.mkdir()
    for name in digests:
        (folder / name).write_bytes(b"not what was pinned")
    monkeypatch.setenv(CACHE_SETTING, str(tmp_path))
    with pytest.raises(HarnessError, match="remove it and start again"):
        kafka_jars()


def test_without_java_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match="install Java 17"):
        kafka_jars()
