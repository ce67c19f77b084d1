"""Settings of the test run: no test is timed, machines differ."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from processors.wire.checked_memory import violations

settings.register_profile("shelfwise", deadline=None, print_blob=True)
settings.load_profile("shelfwise")


@pytest.fixture(autouse=True)
def memory_is_respected() -> Iterator[None]:
    """In a checked build no test passes whose compiled code loads or stores outside its arrays."""
    yield
    seen = violations()
    assert seen.seen == 0, f"{seen.seen} loads and stores outside of arrays; the last: {seen}"
