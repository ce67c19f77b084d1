"""Administration: topics, settings and groups, through the admin clients."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewTopic as AioNewTopic
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from kafka import KafkaAdminClient

from tests.brokers.conftest import Broker
from tests.brokers.raw_client import RawClient, values_of
from tests.brokers.waiting import eventually


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap})


def settings(admin: AdminClient, topic: str) -> dict[str, ConfigEntry]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    described: dict[str, ConfigEntry] = admin.describe_configs([resource])[resource].result(30)
    return described


class TestTopics:
    def test_a_topic_has_the_partitions_and_settings_it_was_created_with(self, admin: AdminClient, name: str) -> None:
        wanted = {"cleanup.policy": "compact,delete", "retention.ms": "12345"}
        admin.create_topics([NewTopic(name, 3, 1, config=wanted)])[name].result(30)
        eventually(lambda: name in admin.list_topics(timeout=120).topics)
        assert len(admin.list_topics(name, 30).topics[name].partitions) == 3
        described = settings(admin, name)
        assert {key: described[key].value for key in wanted} == wanted
        assert described["retention.ms"].is_default is False
        assert described["max.message.bytes"].is_default is True

    @pytest.mark.parametrize(
        ("topic", "error"),
        [
            (NewTopic("not/legal", 1, 1), "TOPIC_EXCEPTION"),
            (NewTopic("none", 0, 1), "INVALID_PARTITIONS"),
            (NewTopic("too-many", 1, 3), "INVALID_REPLICATION_FACTOR"),
            (NewTopic("odd", 1, 1, config={"no.such.setting": "1"}), "INVALID_CONFIG"),
            (NewTopic("odd", 1, 1, config={"retention.ms": "soon"}), "INVALID_CONFIG"),
            (NewTopic("odd", 1, 1, config={"cleanup.policy": "shred"}), "INVALID_CONFIG"),
        ],
    )
    def test_what_cannot_be_created_says_why(self, admin: AdminClient, topic: NewTopic, error: str) -> None:
        with pytest.raises(KafkaException) as caught:
            admin.create_topics([topic])[topic.topic].result(30)
        assert caught.value.args[0].name() == error

    def test_a_topic_is_created_once(self, admin: AdminClient, topic: str) -> None:
        with pytest.raises(KafkaException) as caught:
            admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
        assert caught.value.args[0].name() == "TOPIC_ALREADY_EXISTS"

    def test_checking_creates_nothing(self, admin: AdminClient, name: str) -> None:
        admin.create_topics([NewTopic(name, 1, 1)], validate_only=True)[name].result(30)
        assert name not in admin.list_topics(timeout=120).topics

    def test_a_deleted_topic_is_gone_and_its_successor_is_empty(
        self, admin: AdminClient, raw: RawClient, topic: str
    ) -> None:
        raw.produce(topic, b"old")
        admin.delete_topics([topic])[topic].result(30)
        eventually(lambda: topic not in admin.list_topics(timeout=120).topics)
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
        raw.wait_for_topic(topic, 1)
        assert values_of(raw.fetch(topic, 0)) == []
        with pytest.raises(KafkaException):
            admin.delete_topics(["never-made"])["never-made"].result(30)

    def test_partitions_can_be_added_but_not_removed(self, admin: AdminClient, raw: RawClient, topic: str) -> None:
        raw.produce(topic, b"kept")
        admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
        raw.wait_for_topic(topic, 3)
        assert raw.produce(topic, b"new", partition=2).error_code == 0
        assert values_of(raw.fetch(topic, 0)) == [b"kept"]
        with pytest.raises(KafkaException) as caught:
            admin.create_partitions([NewPartitions(topic, 2)])[topic].result(30)
        assert caught.value.args[0].name() == "INVALID_PARTITIONS"

    def test_records_can_be_deleted_up_to_an_offset(self, broker: Broker, raw: RawClient, topic: str) -> None:
        for number in range(4):
            raw.produce(topic, b"%d" % number)
        answer = raw.ask(
            "DeleteRecords",
            1,
            topics=[{"name": topic, "partitions": [{"partition_index": 0, "offset": 2}]}],
            timeout_ms=10_000,
        )
        assert answer.topics[0].partitions[0].low_watermark == 2
        assert raw.list_offset(topic, -2) == 2
        assert raw.fetch(topic, 1).error_code == 1
        assert values_of(raw.fetch(topic, 2)) == [b"2", b"3"]

    def test_aiokafka_creates_and_describes(self, broker: Broker, name: str) -> None:
        async def story() -> None:
            admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
            await admin.start()
            await admin.create_topics([AioNewTopic(name, 2, 1, topic_configs={"retention.ms": "777"})])
            (described,) = await admin.describe_topics([name])
            assert len(described["partitions"]) == 2
            await admin.delete_topics([name])
            await admin.close()

        asyncio.run(story())

    def test_kafka_python_creates_lists_and_deletes(self, broker: Broker, name: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
        eventually(lambda: name in admin.list_topics())
        (described,) = admin.describe_topics([name])
        assert len(described["partitions"]) == 2
        admin.delete_topics([name])
        eventually(lambda: name not in admin.list_topics())
        assert len(admin.describe_cluster()["brokers"]) == 1
        admin.close()


class TestSettings:
    def test_single_settings_change_and_go_back_to_their_defaults(self, admin: AdminClient, topic: str) -> None:
        default = settings(admin, topic)["retention.ms"].value
        for operation, value, expected in (
            (AlterConfigOpType.SET, "1000000", "1000000"),
            (AlterConfigOpType.DELETE, None, default),
        ):
            entry = ConfigEntry("retention.ms", value, incremental_operation=operation)
            resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
            admin.incremental_alter_configs([resource])[resource].result(30)
            eventually(lambda expected=expected: settings(admin, topic)["retention.ms"].value == expected)

    def test_a_wrong_value_changes_nothing(self, admin: AdminClient, topic: str) -> None:
        entry = ConfigEntry("retention.ms", "never", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        with pytest.raises(KafkaException) as caught:
            admin.incremental_alter_configs([resource])[resource].result(30)
        assert caught.value.args[0].name() == "INVALID_CONFIG"
        assert settings(admin, topic)["retention.ms"].is_default

    def test_a_changed_limit_is_respected(self, admin: AdminClient, raw: RawClient, topic: str) -> None:
        entry = ConfigEntry("max.message.bytes", "500", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(30)
        eventually(lambda: raw.produce(topic, b"x" * 600).error_code == 10)

    def test_a_topic_that_is_not_there_has_no_settings(self, admin: AdminClient) -> None:
        with pytest.raises(KafkaException):
            settings(admin, "never-made")


class TestGroups:
    def test_a_group_is_listed_described_and_deleted(
        self, broker: Broker, admin: AdminClient, topic: str, names: Iterator[str]
    ) -> None:
        group = next(names)
        member = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
        member.subscribe([topic])
        eventually(lambda: member.poll(0.02) or member.assignment())
        listed = admin.list_consumer_groups().result(30).valid
        assert group in {each.group_id for each in listed}
        described = admin.describe_consumer_groups([group])[group].result(30)
        assert described.state.name == "STABLE"
        (described_member,) = described.members
        assert [part.topic for part in described_member.assignment.topic_partitions] == [topic]
        with pytest.raises(KafkaException) as caught:
            admin.delete_consumer_groups([group])[group].result(30)
        assert caught.value.args[0].name() == "NON_EMPTY_GROUP"
        member.close()
        admin.delete_consumer_groups([group])[group].result(30)
        assert group not in {each.group_id for each in admin.list_consumer_groups().result(30).valid}


class TestVersions:
    def test_a_client_from_the_future_is_told_what_is_spoken(self, broker: Broker) -> None:
        with RawClient(broker.bootstrap) as raw:
            raw.send_bytes(bytes.fromhex("0000000c001200630000000700017800"))
            frame = raw.receive_frame()
        assert frame[:4] == bytes.fromhex("00000007")
        assert int.from_bytes(frame[4:6]) == 35, "and in version 0, which every client can read"

    def test_the_cluster_is_one_node_that_coordinates_everything(self, broker: Broker, raw: RawClient) -> None:
        host, port = broker.bootstrap.rsplit(":", 1)
        for key_type in (0, 1):
            eventually(
                lambda key_type=key_type: (
                    raw.ask("FindCoordinator", 1, key="anything", key_type=key_type).error_code == 0
                )
            )
            found = raw.ask("FindCoordinator", 1, key="anything", key_type=key_type)
            assert (found.host, found.port) == (host, int(port))
