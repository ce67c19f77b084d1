"""kcat, the command line that everybody has at hand."""

import json
import shutil
import subprocess

import pytest

from tests.brokers.conftest import Broker
from tests.brokers.topics import TopicMaker

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")


def kcat(broker: Broker, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["kcat", "-b", broker.bootstrap, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return done.stdout


def test_it_lists_topics_and_partitions(broker: Broker, make_topic: TopicMaker) -> None:
    topic = make_topic(partitions=3)
    listed = json.loads(kcat(broker, "-L", "-J", "-t", topic))
    assert [each["topic"] for each in listed["topics"]] == [topic]
    assert len(listed["topics"][0]["partitions"]) == 3


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_it_produces_and_consumes(broker: Broker, topic: str, codec: str) -> None:
    lines = "".join(f"key{number}:value{number}\n" for number in range(100))
    kcat(broker, "-P", "-t", topic, "-K", ":", "-z", codec, stdin=lines)
    assert kcat(broker, "-C", "-t", topic, "-K", ":", "-e", "-q", "-o", "beginning") == lines


def test_it_consumes_in_a_group(broker: Broker, topic: str, name: str) -> None:
    kcat(broker, "-P", "-t", topic, stdin="a\nb\n")
    options = ("-G", name, "-e", "-q", "-X", "auto.offset.reset=earliest", topic)
    assert kcat(broker, *options) == "a\nb\n"


def test_it_finds_offsets_by_time(broker: Broker, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, stdin="a\n")
    assert kcat(broker, "-Q", "-t", f"{topic}:0:1") == f"{topic} [0] offset 0\n"


def test_it_produces_in_a_transaction(broker: Broker, topic: str, name: str) -> None:
    kcat(broker, "-P", "-t", topic, "-X", f"transactional.id={name}", stdin="kept\n")
    options = ("-C", "-t", topic, "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed")
    assert kcat(broker, *options) == "kept\n"
