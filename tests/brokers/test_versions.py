"""Every version of every request that the embedded broker advertises is answered, and right."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.broker.wire import API_KEYS, VERSIONS
from tests.brokers.raw_client import RawClient, values_of, write_batch

EVERY_VERSION = [(api, version) for api, (low, high) in VERSIONS.items() for version in range(low, high + 1)]


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


def versions(api: str, since: int = 0) -> range:
    low, high = VERSIONS[api]
    return range(max(low, since), high + 1)


@pytest.mark.parametrize(("api", "version"), EVERY_VERSION)
def test_an_empty_request_is_answered(embedded: EmbeddedBroker, api: str, version: int) -> None:
    with RawClient(embedded.bootstrap) as raw:
        answer = raw.ask(api, version, **({"acks": 1} if api == "Produce" else {}))
        assert type(answer).__name__ == f"{api}Response"
        raw.ask("Metadata", 1, topics=[])  # the connection lives on


def part(**fields: Any) -> list[dict[str, Any]]:
    return [fields]


def test_a_record_goes_in_and_out_in_every_version(embedded: EmbeddedBroker) -> None:
    embedded.create_topic("records")
    with RawClient(embedded.bootstrap) as raw:
        for count, version in enumerate(versions("Produce", since=3), start=1):
            answer = raw.ask(
                "Produce",
                version,
                acks=1,
                timeout_ms=1_000,
                topic_data=part(name="records", partition_data=part(index=0, records=write_batch(b"%d" % version))),
            )
            assert answer.responses[0].partition_responses[0].base_offset == count - 1
        for version in versions("Produce")[:3]:
            answer = raw.ask(
                "Produce",
                version,
                acks=1,
                timeout_ms=1_000,
                topic_data=part(name="records", partition_data=part(index=0, records=b"\0" * 80)),
            )
            assert answer.responses[0].partition_responses[0].error_code == 43, "older formats are refused"
        for version in versions("Fetch"):
            answer = raw.ask(
                "Fetch",
                version,
                max_wait_ms=0,
                min_bytes=0,
                max_bytes=1 << 20,
                topics=part(
                    topic="records",
                    partitions=part(partition=0, fetch_offset=0, partition_max_bytes=1 << 20),
                ),
            )
            assert len(values_of(answer.responses[0].partitions[0])) == count
        for version in versions("ListOffsets"):
            wanted = part(name="records", partitions=part(partition_index=0, timestamp=-1))
            answer = raw.ask("ListOffsets", version, replica_id=-1, topics=wanted)
            assert answer.topics[0].partitions[0].offset == count
        for version in versions("Metadata"):
            answer = raw.ask("Metadata", version, topics=part(name="records"))
            assert [each.name for each in answer.topics] == ["records"]


def test_topics_live_and_die_in_every_version(embedded: EmbeddedBroker) -> None:
    with RawClient(embedded.bootstrap) as raw:
        for version in versions("CreateTopics"):
            name = f"created-{version}"
            wanted = part(name=name, num_partitions=1, replication_factor=1, assignments=[], configs=[])
            answer = raw.ask("CreateTopics", version, topics=wanted, timeout_ms=1_000)
            assert answer.topics[0].error_code == 0
            again = raw.ask("CreateTopics", version, topics=wanted, timeout_ms=1_000)
            assert again.topics[0].error_code == 36
        for version in versions("CreatePartitions"):
            answer = raw.ask("CreatePartitions", version, topics=part(name="created-0", count=version + 2))
            assert answer.results[0].error_code == 0
        for version in versions("DescribeConfigs", since=1):
            asked = part(resource_type=2, resource_name="created-0", configuration_keys=None)
            answer = raw.ask("DescribeConfigs", version, resources=asked)
            assert "retention.ms" in {config.name for config in answer.results[0].configs}
        for version in versions("AlterConfigs"):
            changed = part(resource_type=2, resource_name="created-0", configs=part(name="retention.ms", value="9"))
            answer = raw.ask("AlterConfigs", version, resources=changed)
            assert answer.responses[0].error_code == 0
        for version in versions("IncrementalAlterConfigs"):
            configs = part(name="cleanup.policy", config_operation=2, value="compact")
            changed = part(resource_type=2, resource_name="created-0", configs=configs)
            answer = raw.ask("IncrementalAlterConfigs", version, resources=changed)
            assert answer.responses[0].error_code == 0
        for version in versions("DeleteTopics"):
            answer = raw.ask("DeleteTopics", version, topic_names=[f"created-{version}"], timeout_ms=1_000)
            assert answer.responses[0].error_code == 0


@pytest.mark.parametrize("version", versions("JoinGroup"))
def test_a_group_works_in_every_version(embedded: EmbeddedBroker, version: int) -> None:
    """Each API in the version of JoinGroup, or in its own highest below it."""
    embedded.create_topic("grouped")
    group = f"g-{version}"

    def within(api: str) -> int:
        return max(VERSIONS[api][0], min(version, VERSIONS[api][1]))

    with RawClient(embedded.bootstrap) as raw:
        joining: dict[str, Any] = {
            "group_id": group,
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 10_000,
            "member_id": "",
            "protocol_type": "consumer",
            "protocols": part(name="range", metadata=b"m"),
        }
        answer = raw.ask("JoinGroup", version, **joining)
        if version >= 4:
            assert answer.error_code == 79
            answer = raw.ask("JoinGroup", version, **{**joining, "member_id": answer.member_id})
        assert answer.error_code == 0
        me = {"group_id": group, "member_id": answer.member_id}
        now = {**me, "generation_id": answer.generation_id}
        assignments = part(member_id=answer.member_id, assignment=b"mine")
        synced = raw.ask("SyncGroup", within("SyncGroup"), assignments=assignments, **now)
        assert (synced.error_code, synced.assignment) == (0, b"mine")
        assert raw.ask("Heartbeat", within("Heartbeat"), **now).error_code == 0
        committed = raw.ask(
            "OffsetCommit",
            within("OffsetCommit"),
            generation_id_or_member_epoch=answer.generation_id,
            topics=part(
                name="grouped",
                partitions=part(partition_index=0, committed_offset=4, committed_metadata=""),
            ),
            **me,
        )
        assert committed.topics[0].partitions[0].error_code == 0
        wanted = part(name="grouped", partition_indexes=[0])
        fetched = raw.ask("OffsetFetch", within("OffsetFetch"), group_id=group, topics=wanted)
        assert fetched.topics[0].partitions[0].committed_offset == 4
        leaving = {"members": part(member_id=answer.member_id)} if within("LeaveGroup") >= 3 else me
        left = raw.ask("LeaveGroup", within("LeaveGroup"), **{**leaving, "group_id": group})
        assert left.error_code == 0


@pytest.mark.parametrize("version", versions("EndTxn"))
def test_a_transaction_works_in_every_version(embedded: EmbeddedBroker, version: int) -> None:
    topic, name = f"transacted-{version}", f"id-{version}"
    embedded.create_topic(topic)
    with RawClient(embedded.bootstrap) as raw:
        answer = raw.init_producer(name, version)
        producer = (answer.producer_id, answer.producer_epoch)
        me = {"transactional_id": name, "producer_id": producer[0], "producer_epoch": producer[1]}
        assert raw.add_partition(name, producer, topic, version=version) == 0
        assert raw.produce(topic, b"x", producer=producer, sequence=0, transactional_id=name).error_code == 0
        assert raw.ask("AddOffsetsToTxn", version, group_id="g", **me).error_code == 0
        pending = part(partition_index=0, committed_offset=1, committed_metadata=None)
        answer = raw.ask("TxnOffsetCommit", version, group_id="g", topics=part(name=topic, partitions=pending), **me)
        assert answer.topics[0].partitions[0].error_code == 0
        assert raw.end(name, producer, committed=True, version=version) == 0
        assert values_of(raw.fetch(topic, 0, committed=True)) == [b"x"]


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\4\xff\xff\xff\xff",
        b"\0\0\0\x0a" + API_KEYS["Fetch"].to_bytes(2) + b"\0\x63\0\0\0\1\xff\xff",
        b"\0\0\0\x0c" + API_KEYS["Fetch"].to_bytes(2) + b"\0\x0b\0\0\0\1\xff\xff\0\0",
    ],
    ids=["http", "short", "version", "truncated"],
)
def test_junk_closes_its_connection_and_no_other(embedded: EmbeddedBroker, junk: bytes) -> None:
    with RawClient(embedded.bootstrap) as raw:
        with socket.create_connection(("127.0.0.1", embedded.port), timeout=120) as connection:
            connection.sendall(junk)
            assert connection.recv(1) == b"", "closed by the broker"
        assert raw.ask("Metadata", 1, topics=[]).brokers[0].port == embedded.port
