"""Processes that load the processors, as on a shared machine."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

BURN = "while True: pass"


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep this many processes computing for the duration of the block."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BURN]))  # noqa: S603  our own loop
            stack.callback(process.kill)
        yield
