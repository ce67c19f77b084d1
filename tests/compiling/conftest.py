"""Processes in which no compiled function has been called."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.compiling.template_process import Printed, TemplateProcess

ROOT = Path(__file__).parents[2]
BEFORE = """
import streams.compiling.compile_stages, tests.test_loop
"""


@pytest.fixture(scope="session")
def printed() -> Iterator[Printed]:
    """What a script prints in such a process."""
    with TemplateProcess(BEFORE, ROOT) as process:
        yield partial(process.printed, folder=ROOT)
