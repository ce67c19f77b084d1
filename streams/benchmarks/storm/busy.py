"""Other processes that want the processors: what a worker meets on a machine that it shares."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

BURN = "while True: pass"


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes computing for as long as the block lasts."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BURN]))  # noqa: S603  our own loop
            stack.callback(process.kill)
        yield
