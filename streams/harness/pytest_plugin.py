"""A broker as a pytest fixture, for projects that use this one.

Add to your ``conftest.py``: ``pytest_plugins = ["streams.harness.pytest_plugin"]``. Tests that use
``kafka_harness`` (or only its address, ``kafka_bootstrap``) share one broker for the session; choose it with
``pytest --kafka-backend=embedded`` (the default), ``jars`` or ``docker``, and ``--kafka-nodes=3``.
"""

from collections.abc import Iterator

import pytest

from streams.harness.backends import new_harness
from streams.harness.interface import Backend, KafkaHarness


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for the broker to pytest's command line."""
    parser.addoption(
        "--kafka-backend",
        choices=[backend.value for backend in Backend],
        default=Backend.EMBEDDED.value,
        help="the broker that kafka_harness starts",
    )
    parser.addoption("--kafka-nodes", type=int, default=1, help="how many nodes it has: 1, or 3 of jars or docker")


@pytest.fixture(scope="session")
def kafka_harness(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    """The broker of this session, started at first use."""
    backend = Backend(request.config.getoption("--kafka-backend"))
    with new_harness(backend, request.config.getoption("--kafka-nodes")) as harness:
        yield harness


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_harness: KafkaHarness) -> str:
    """The address of the session's broker."""
    return kafka_harness.bootstrap
