"""A broker as a pytest fixture, for the projects of whoever uses this one.

Name it in your ``conftest.py``: ``pytest_plugins = ["streams.harness.pytest_plugin"]``. Tests that take
``kafka_harness`` (or only its address, ``kafka_bootstrap``) share one broker for the session; choose it with
``pytest --kafka-backend=embedded`` (the default), ``jars`` or ``jars-3``.
"""

from collections.abc import Callable, Iterator

import pytest

from streams.harness.embedded import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.harness.jars import JarsKafka

BACKENDS: dict[str, Callable[[], KafkaHarness]] = {
    "embedded": EmbeddedKafka,
    "jars": JarsKafka,
    "jars-3": lambda: JarsKafka(3),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of the broker to pytest's command line."""
    parser.addoption(
        "--kafka-backend",
        choices=sorted(BACKENDS),
        default="embedded",
        help="the broker that kafka_harness starts",
    )


@pytest.fixture(scope="session")
def kafka_harness(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    """Give the broker of this session, started at first use."""
    with BACKENDS[request.config.getoption("--kafka-backend")]() as harness:
        yield harness


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_harness: KafkaHarness) -> str:
    """Give the address of the session's broker."""
    return kafka_harness.bootstrap
