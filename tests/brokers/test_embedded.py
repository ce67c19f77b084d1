"""The embedded broker as an object: it starts, it stops, it crashes and comes back."""

import asyncio
import contextlib
import logging
import socket
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.broker import embedded
from streams.broker.embedded import BrokerPortTakenError, EmbeddedBroker
from streams.broker.faults import FaultPlan
from streams.broker.protocol_errors import KafkaFailure
from streams.broker.server import BrokerServer
from streams.broker.state import BrokerState, Identity
from streams.broker.storage import DataDirInUseError, MemoryStorage
from tests.brokers.raw_client import RawClient, values_of
from tests.brokers.test_groups import settled
from tests.brokers.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")


def test_it_starts_fast_and_says_what_it_is_for(caplog: pytest.LogCaptureFixture) -> None:
    def seconds_to_start() -> float:
        started = time.monotonic()
        with EmbeddedBroker():
            return time.monotonic() - started

    eventually(lambda: seconds_to_start() < 0.3)  # again where other processes had the processor meanwhile
    with caplog.at_level(logging.INFO), EmbeddedBroker() as broker:
        host, port = broker.bootstrap.split(":")
        assert (host, int(port)) == ("127.0.0.1", broker.port)
    assert "for development and tests only" in caplog.text
    assert "DEVELOPMENT AND TESTS ONLY" in str(embedded.__doc__)


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerPortTakenError, match=f"127.0.0.1:{port}.*choose another port"):
            EmbeddedBroker(port=port).start()


def test_a_folder_belongs_to_one_broker_at_a_time(tmp_path: Path) -> None:
    with EmbeddedBroker(data_dir=tmp_path) as broker:
        with pytest.raises(DataDirInUseError, match="another broker serves"):
            EmbeddedBroker(data_dir=tmp_path).start()
        broker.create_topic("kept")
    with EmbeddedBroker(data_dir=tmp_path) as broker, RawClient(broker.bootstrap) as raw:
        assert [topic.name for topic in raw.ask("Metadata", 1, topics=None).topics] == ["kept"]


def test_stopping_twice_is_harmless() -> None:
    broker = EmbeddedBroker().start()
    broker.stop()
    broker.stop()


def test_creating_a_topic_again_is_harmless_unless_it_differs() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("t", partitions=2, config={"retention.ms": "5"})
        broker.create_topic("t", partitions=2, config={"retention.ms": "5"})
        with pytest.raises(KafkaFailure, match="configured otherwise"):
            broker.create_topic("t", partitions=3)


def test_topics_come_into_being_only_where_that_is_wanted() -> None:
    with EmbeddedBroker(auto_create=True) as broker, RawClient(broker.bootstrap) as raw:
        for wanted, code in ((False, 3), (True, 0), (False, 0)):
            answer = raw.ask("Metadata", 4, topics=[{"name": "t"}], allow_auto_topic_creation=wanted)
            assert answer.topics[0].error_code == code


@pytest.mark.parametrize("is_on_disk", [False, True])
def test_a_crash_loses_nothing_that_was_acknowledged(tmp_path: Path, *, is_on_disk: bool) -> None:
    with EmbeddedBroker(data_dir=tmp_path if is_on_disk else None) as broker:
        broker.create_topic("t")
        bootstrap = broker.bootstrap
        member = settled(bootstrap, "g")
        assert member.commit("t", 1) == 0
        with RawClient(bootstrap) as raw:
            producer = (raw.init_producer(None).producer_id, 0)
            raw.produce("t", b"a", producer=producer, sequence=0)
        broker.crash()
        with pytest.raises(OSError, match=r"\w"):
            RawClient(bootstrap).ask("Metadata", 1, topics=[])
        broker.restart()
        assert broker.bootstrap == bootstrap
        member.raw = RawClient(bootstrap)
        assert member.heartbeat() == 0, "the members are remembered"
        assert settled(bootstrap, "another").member_id != member.member_id, "no id is given out twice"
        with RawClient(bootstrap) as raw:
            again = raw.produce("t", b"a", producer=producer, sequence=0)
            assert (again.error_code, again.base_offset) == (0, 0), "the producers are remembered"
            assert raw.produce("t", b"b", producer=producer, sequence=1).base_offset == 1
            assert values_of(raw.fetch("t", 0)) == [b"a", b"b"]
            wanted = [{"name": "t", "partition_indexes": [0]}]
            offset = raw.ask("OffsetFetch", 5, group_id="g", topics=wanted).topics[0].partitions[0]
            assert offset.committed_offset == 1


def test_a_repeated_end_gets_its_first_answer_also_after_a_restart() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("t")
        with RawClient(broker.bootstrap) as raw:
            answer = raw.init_producer("id")
            producer = (answer.producer_id, answer.producer_epoch)
            raw.add_partition("id", producer, "t")
            raw.produce("t", b"x", producer=producer, sequence=0, transactional_id="id")
            assert raw.end("id", producer, committed=True) == 0
        broker.restart()
        with RawClient(broker.bootstrap) as raw:
            assert raw.end("id", producer, committed=True) == 0
            assert raw.end("id", producer, committed=False) == 48
            assert raw.list_offset("t", -1) == 2


def test_an_open_transaction_stays_open_over_a_crash_and_then_commits() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("t")
        with RawClient(broker.bootstrap) as raw:
            answer = raw.init_producer("id")
            producer = (answer.producer_id, answer.producer_epoch)
            raw.add_partition("id", producer, "t")
            raw.produce("t", b"before", producer=producer, sequence=0, transactional_id="id")
        broker.restart()
        with RawClient(broker.bootstrap) as raw:
            assert raw.list_offset("t", -1, committed=True) == 0
            raw.produce("t", b"after", producer=producer, sequence=1, transactional_id="id")
            assert raw.end("id", producer, committed=True) == 0
            assert values_of(raw.fetch("t", 0, committed=True)) == [b"before", b"after"]


def test_clients_go_on_over_a_crash() -> None:
    async def story(broker: EmbeddedBroker) -> None:
        options = {"bootstrap_servers": broker.bootstrap, "retry_backoff_ms": 20}
        async with (
            AIOKafkaProducer(enable_idempotence=True, **options) as producer,
            AIOKafkaConsumer(
                "t", group_id="g", auto_offset_reset="earliest", heartbeat_interval_ms=100, **options
            ) as consumer,
        ):
            for number in range(30):
                if number % 10 == 5:
                    await asyncio.to_thread(broker.crash)
                    sending = asyncio.ensure_future(producer.send_and_wait("t", b"%d" % number))
                    await asyncio.to_thread(broker.restart)
                    await sending
                else:
                    await producer.send_and_wait("t", b"%d" % number)
            seen = [(await asyncio.wait_for(consumer.getone(), 120)).value for _ in range(30)]
            assert seen == [b"%d" % number for number in range(30)]
            assert consumer.assignment() == {TopicPartition("t", 0)}

    with EmbeddedBroker() as broker:
        broker.create_topic("t")
        asyncio.run(story(broker))


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_that_is_being_accepted_as_the_broker_stops_ends_with_it(turns: int) -> None:
    """Served on, it would be told that its records are in a log that nobody reads any more."""

    async def story() -> bytes:
        state = BrokerState(MemoryStorage(), Identity(host="127.0.0.1", port=0))
        server = BrokerServer(state, FaultPlan(seed=0))
        port = await server.start("127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", port)) as client:
            for _ in range(turns):
                await asyncio.sleep(0)  # one step further on the way from the listening socket to a served one
            await server.stop()
            state.close()
            client.setblocking(False)
            with contextlib.suppress(ConnectionError):
                return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 120)
            return b""

    assert asyncio.run(story()) == b""
