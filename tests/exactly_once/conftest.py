"""One broker of each kind for the session."""

from collections.abc import Iterator

import pytest

from streams.exactly_once.records.warm_up import compile_ahead
from streams.harness.interface import KafkaHarness
from tests.exactly_once.brokers import BACKENDS

MARKS = {"jars": [pytest.mark.kafka]}


@pytest.fixture(scope="session", params=[pytest.param(name, marks=MARKS.get(name, [])) for name in BACKENDS])
def broker(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    if request.param == "jars":
        yield request.getfixturevalue("shared_kafka")
        return
    with BACKENDS[request.param]() as harness:
        yield harness


@pytest.fixture
def bootstrap(broker: KafkaHarness) -> str:
    return broker.bootstrap


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile what the driver needs before any test has a deadline."""
    compile_ahead()
