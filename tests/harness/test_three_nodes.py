"""Three nodes on loopback: the cluster goes on with two of them."""

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.harness.jars import JarsKafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def test_a_cluster_of_three_takes_writes_with_one_node_dead_and_gets_it_back() -> None:
    with JarsKafka(3, heap_mb=256) as kafka:
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.create_topics([NewTopic("spread", num_partitions=3, replication_factor=3)])
        admin.close()
        kafka.kill(2)
        producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", retries=50)
        for partition in range(3):
            producer.send("spread", b"value", partition=partition).get(timeout=120)
        producer.close()
        assert kafka.status() == {1: "running", 2: "stopped", 3: "running"}
        kafka.restart(2)
        assert kafka.status() == {1: "running", 2: "running", 3: "running"}
