"""One broker of each kind for the session."""

from collections.abc import Iterator

import pytest

from streams.harness.interface import KafkaHarness
from tests.exactly_once.brokers import BACKENDS

MARKS = {"jars": [pytest.mark.kafka]}


@pytest.fixture(scope="session", params=[pytest.param(name, marks=MARKS.get(name, [])) for name in BACKENDS])
def broker(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    with BACKENDS[request.param]() as harness:
        yield harness


@pytest.fixture
def bootstrap(broker: KafkaHarness) -> str:
    return broker.bootstrap
