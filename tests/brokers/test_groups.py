"""Consumer groups: who has which partitions, and where they have got to."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Consumer
from kafka import KafkaConsumer

from tests.brokers.conftest import Broker
from tests.brokers.raw_client import DEADLINE_S, RawClient
from tests.brokers.topics import TopicMaker
from tests.brokers.waiting import eventually, eventually_async

BUSY = (14, 15, 16)  # a real broker's coordinator that is still loading


class RawMember:
    """A group member that does only what it is told: it sends no heartbeats by itself."""

    def __init__(self, bootstrap: str, group: str, *, session_ms: int = 30_000, instance_id: str | None = None) -> None:
        self.raw = RawClient(bootstrap)
        self.group = group
        self.session_ms = session_ms
        self.instance_id = instance_id
        self.member_id = ""
        self.generation = -1
        self.is_leader = False

    def _join_fields(self, protocols: tuple[str, ...]) -> dict[str, Any]:
        return {
            "group_id": self.group,
            "session_timeout_ms": self.session_ms,
            "rebalance_timeout_ms": 30_000,
            "member_id": self.member_id,
            "group_instance_id": self.instance_id,
            "protocol_type": "consumer",
            "protocols": [{"name": name, "metadata": b"meta"} for name in protocols],
        }

    def join(self, *protocols: str) -> Any:
        """Join, with the id that the broker gives; returns the answer."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            answer = self.raw.ask("JoinGroup", 5, **self._join_fields(protocols or ("range",)))
            if answer.error_code == 79:
                self.member_id = answer.member_id
            elif answer.error_code not in BUSY or time.monotonic() > deadline:
                return self._take(answer)

    def begin_join(self) -> None:
        """Join without waiting for the answer."""
        answer = self.raw.ask("JoinGroup", 5, **self._join_fields(("range",)))
        assert answer.error_code == 79
        self.member_id = answer.member_id
        self.raw.send("JoinGroup", 5, **self._join_fields(("range",)))

    def end_join(self) -> Any:
        return self._take(self.raw.receive("JoinGroup", 5))

    def _take(self, answer: Any) -> Any:
        if answer.error_code == 0:
            self.member_id, self.generation = answer.member_id, answer.generation_id
            self.is_leader = answer.leader == answer.member_id
        return answer

    def sync(self, assignments: dict[str, bytes] | None = None) -> Any:
        listed = [
            {"member_id": member_id, "assignment": assignment} for member_id, assignment in (assignments or {}).items()
        ]
        return self._ask("SyncGroup", 3, assignments=listed)

    def heartbeat(self) -> int:
        code: int = self._ask("Heartbeat", 3).error_code
        return code

    def commit(self, topic: str, offset: int) -> int:
        parts = [
            {
                "partition_index": 0,
                "committed_offset": offset,
                "committed_leader_epoch": -1,
                "committed_metadata": "note",
            }
        ]
        answer = self.raw.ask(
            "OffsetCommit",
            7,
            group_id=self.group,
            generation_id_or_member_epoch=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            topics=[{"name": topic, "partitions": parts}],
        )
        code: int = answer.topics[0].partitions[0].error_code
        return code

    def leave(self) -> int:
        who = {"member_id": self.member_id, "group_instance_id": self.instance_id}
        answer = self.raw.ask("LeaveGroup", 3, group_id=self.group, members=[who])
        code: int = answer.members[0].error_code
        return code

    def _ask(self, api: str, version: int, **fields: Any) -> Any:
        return self.raw.ask(
            api,
            version,
            group_id=self.group,
            generation_id=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            **fields,
        )


def settled(bootstrap: str, group: str, **options: Any) -> RawMember:
    """The only member of a stable group."""
    member = RawMember(bootstrap, group, **options)
    assert member.join().error_code == 0
    assert member.sync({member.member_id: b"all"}).assignment == b"all"
    return member


class TestOffsets:
    def test_a_consumer_goes_on_where_its_group_has_got_to(self, broker: Broker, topic: str, name: str) -> None:
        def consumer() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(
                topic,
                bootstrap_servers=broker.bootstrap,
                group_id=name,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
            )

        async def story() -> None:
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
                for number in range(10):
                    await producer.send_and_wait(topic, b"%d" % number)
            async with consumer() as first:
                for _ in range(4):
                    await first.getone()
                await first.commit()
                await first.getone()
            async with consumer() as second:
                assert (await second.getone()).value == b"4"

        asyncio.run(story())

    def test_metadata_comes_back_with_the_offset(self, broker: Broker, topic: str, name: str) -> None:
        member = settled(broker.bootstrap, name)
        assert member.commit(topic, 42) == 0
        named = [{"name": topic, "partition_indexes": [0, 1]}]
        for wanted in (named, None):
            answer = member.raw.ask("OffsetFetch", 5, group_id=name, topics=wanted)
            parts = {part.partition_index: part for part in answer.topics[0].partitions}
            assert (parts[0].committed_offset, parts[0].metadata) == (42, "note")
        assert (
            member.raw.ask("OffsetFetch", 5, group_id=name, topics=named).topics[0].partitions[1].committed_offset == -1
        )

    def test_a_consumer_outside_of_a_group_may_commit(self, broker: Broker, topic: str, name: str) -> None:
        lonely = RawMember(broker.bootstrap, name)
        eventually(lambda: lonely.commit(topic, 3) == 0)

    def test_an_outdated_member_may_not(self, broker: Broker, topic: str, name: str) -> None:
        member = settled(broker.bootstrap, name)
        member.generation -= 1
        assert member.commit(topic, 1) == 22
        assert member.heartbeat() == 22
        member.member_id = "somebody else"
        assert member.commit(topic, 1) == 25
        assert member.heartbeat() == 25

    def test_nobody_commits_from_outside_while_there_are_members(self, broker: Broker, topic: str, name: str) -> None:
        settled(broker.bootstrap, name)
        assert RawMember(broker.bootstrap, name).commit(topic, 1) == 25


class TestRebalance:
    def test_one_consumer_two_and_one_again(self, broker: Broker, make_topic: TopicMaker, name: str) -> None:
        topic = make_topic(partitions=4)
        everything = {TopicPartition(topic, number) for number in range(4)}

        def consumer() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, group_id=name, heartbeat_interval_ms=50)

        async def story() -> None:
            async with consumer() as first:
                assert first.assignment() == everything
                async with consumer() as second:

                    async def is_shared() -> bool:
                        parts = first.assignment(), second.assignment()
                        return [len(part) for part in parts] == [2, 2] and parts[0] | parts[1] == everything

                    await eventually_async(is_shared)

                async def is_alone() -> bool:
                    return first.assignment() == everything

                await eventually_async(is_alone)

        asyncio.run(story())

    def test_three_kinds_of_clients_share_nothing_by_accident(
        self, broker: Broker, make_topic: TopicMaker, names: Iterator[str]
    ) -> None:
        topic = make_topic(partitions=2)
        first, second = (
            Consumer(
                {
                    "bootstrap.servers": broker.bootstrap,
                    "group.id": group,
                    "session.timeout.ms": 6000,
                    "heartbeat.interval.ms": 100,
                }
            )
            for group in [next(names)] * 2
        )
        first.subscribe([topic])
        second.subscribe([topic])

        def is_shared() -> bool:
            first.poll(0.02)
            second.poll(0.02)
            parts = (
                {part.partition for part in first.assignment()},
                {part.partition for part in second.assignment()},
            )
            return sorted(map(sorted, parts)) == [[0], [1]]

        eventually(is_shared)
        second.close()

        def is_alone() -> bool:
            first.poll(0.02)
            return len(first.assignment()) == 2

        eventually(is_alone)
        first.close()

    def test_kafka_python_joins_and_commits(self, broker: Broker, topic: str, name: str) -> None:
        RawClient(broker.bootstrap).produce(topic, b"a", b"b")

        def consumer() -> KafkaConsumer:
            return KafkaConsumer(
                topic,
                bootstrap_servers=broker.bootstrap,
                group_id=name,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                consumer_timeout_ms=120_000,
                max_poll_records=1,
            )

        first = consumer()
        assert next(first).value == b"a"
        first.commit()
        first.close()
        second = consumer()
        assert next(second).value == b"b"
        second.close()

    def test_the_leader_alone_is_told_the_members_and_each_gets_its_part(self, broker: Broker, name: str) -> None:
        first = settled(broker.bootstrap, name)
        second = RawMember(broker.bootstrap, name)
        second.begin_join()
        eventually(lambda: first.heartbeat() == 27)
        answer = first.join()
        follower = second.end_join()
        assert answer.generation_id == follower.generation_id == 2
        assert {member.member_id for member in answer.members} == {first.member_id, second.member_id}
        assert (follower.members, follower.leader) == ([], first.member_id)
        parts = {first.member_id: b"one", second.member_id: b"two"}
        second.raw.send(
            "SyncGroup",
            3,
            group_id=name,
            generation_id=2,
            member_id=second.member_id,
            group_instance_id=None,
            assignments=[],
        )
        assert first.sync(parts).assignment == b"one"
        assert second.raw.receive("SyncGroup", 3).assignment == b"two"
        assert first.heartbeat() == second.heartbeat() == 0

    def test_who_shares_no_protocol_is_refused(self, broker: Broker, name: str) -> None:
        settled(broker.bootstrap, name)
        assert RawMember(broker.bootstrap, name).join("another").error_code == 23

    def test_who_leaves_is_gone(self, broker: Broker, name: str) -> None:
        member = settled(broker.bootstrap, name)
        assert member.leave() == 0
        assert member.heartbeat() == 25
        assert member.leave() == 25


class TestSessions:
    def test_who_goes_silent_is_evicted(self, broker: Broker, name: str) -> None:
        silent = settled(broker.bootstrap, name, session_ms=300)
        other = RawMember(broker.bootstrap, name)
        other.begin_join()
        assert other.end_join().error_code == 0, "answered once the silent member's session is over"
        assert other.is_leader
        assert silent.heartbeat() == 25

    def test_who_waits_in_join_group_is_never_evicted(self, broker: Broker, name: str) -> None:
        member = settled(broker.bootstrap, name)
        patient = RawMember(broker.bootstrap, name, session_ms=200)
        patient.begin_join()
        end = time.monotonic() + 1.0
        while time.monotonic() < end:  # five of the patient member's sessions
            assert member.heartbeat() == 27
            time.sleep(0.02)
        answer = member.join()
        assert {each.member_id for each in answer.members} == {member.member_id, patient.member_id}
        assert patient.end_join().error_code == 0

    def test_heartbeats_keep_a_session(self, broker: Broker, name: str) -> None:
        member = settled(broker.bootstrap, name, session_ms=2_000)
        end = time.monotonic() + 4.5
        while time.monotonic() < end:
            assert member.heartbeat() == 0
            time.sleep(0.05)


class TestStaticMembership:
    def test_an_instance_that_comes_back_keeps_its_part_without_a_rebalance(self, broker: Broker, name: str) -> None:
        before = settled(broker.bootstrap, name, instance_id="i-1")
        after = RawMember(broker.bootstrap, name, instance_id="i-1")
        answer = after.join()
        assert (answer.error_code, answer.generation_id) == (0, before.generation)
        assert answer.member_id != before.member_id
        assert not after.is_leader, "it is not asked to assign again"
        assert after.sync().assignment == b"all"
        assert before.heartbeat() == 82, "the old incarnation is fenced"
        assert after.heartbeat() == 0

    def test_confluent_keeps_its_part_over_a_restart(self, broker: Broker, topic: str, name: str) -> None:
        options = {
            "bootstrap.servers": broker.bootstrap,
            "group.id": name,
            "group.instance.id": "i-1",
            "session.timeout.ms": 10_000,
        }
        for _ in range(2):
            consumer = Consumer(options)
            consumer.subscribe([topic])

            def is_assigned(consumer: Consumer = consumer) -> bool:
                consumer.poll(0.02)
                return bool(consumer.assignment())

            eventually(is_assigned)
            consumer.close()  # a static member does not leave

    def test_a_static_member_leaves_by_its_instance_id(self, broker: Broker, name: str) -> None:
        member = settled(broker.bootstrap, name, instance_id="i-1")
        member.member_id = ""
        assert member.leave() == 0
