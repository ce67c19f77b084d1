"""The brokers that the contract suite runs on. A second backend is one more entry in `BACKENDS`."""

import gc
import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from streams.broker.embedded import EmbeddedBroker
from tests.brokers.raw_client import RawClient
from tests.brokers.topics import TopicMaker

# What a real Kafka has to be started with, so that the contract can be observed within seconds.
SERVER_PROPERTIES = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
    "log.cleaner.backoff.ms": "100",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "300",
    "offsets.topic.replication.factor": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "100",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.replication.factor": "1",
}


class Broker(Protocol):
    """What a backend yields."""

    @property
    def bootstrap(self) -> str: ...


BACKENDS: list[Callable[[], AbstractContextManager[Broker]]] = [
    pytest.param(EmbeddedBroker, id="embedded"),  # type: ignore[list-item]
]


@pytest.fixture(scope="session", params=BACKENDS)
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with request.param() as backend:
        yield backend


@pytest.fixture
def tidied() -> Iterator[None]:
    """For tests that break connections: what the clients leave behind is collected here and now.

    aiokafka leaves tasks whose exceptions nobody asks for. Their last words go through `ast.parse` whenever
    the collector comes by; when that is inside of another `ast.parse` (pytest imports), Python 3.11 raises
    SystemError.
    """
    yield
    gc.collect()


@pytest.fixture
def raw(broker: Broker) -> Iterator[RawClient]:
    with RawClient(broker.bootstrap) as client:
        yield client


@pytest.fixture
def make_topic(broker: Broker) -> TopicMaker:
    return TopicMaker(broker.bootstrap)


@pytest.fixture
def topic(make_topic: TopicMaker) -> str:
    return make_topic()


@pytest.fixture
def name() -> str:
    """A name for a group or a transactional id that no other test uses."""
    return f"n-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def names() -> Iterator[str]:
    """As many of them as a test asks for."""
    run = uuid.uuid4().hex[:12]
    return (f"n-{run}-{number}" for number in itertools.count())
