"""Settings of the test run: no test is timed, since machines differ, and every run has the same examples.

``make search`` draws others: what it finds becomes an example of its test.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from processors.wire.checked_memory import violations
from streams.harness.jars import JarsKafka

settings.register_profile("shelfwise", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shelfwise"))


@pytest.fixture(scope="session")
def shared_kafka() -> Iterator[JarsKafka]:
    """One Apache Kafka for all tests of a run that ask for no other; each has names of its own, or tidies up.

    It takes ten seconds of a processor to start.
    """
    with JarsKafka() as kafka:
        yield kafka


@pytest.fixture(autouse=True)
def memory_is_respected() -> Iterator[None]:
    """In a checked build no test passes whose compiled code loads or stores outside its arrays."""
    yield
    seen = violations()
    assert seen.seen == 0, f"{seen.seen} loads and stores outside of arrays; the last: {seen}"
