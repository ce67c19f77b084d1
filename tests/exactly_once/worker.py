"""A worker of keyed sums as a process of its own, to be killed: python -m tests.exactly_once.worker."""

import argparse
import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from streams.exactly_once.driver import build
from streams.exactly_once.observer import Observer
from tests.exactly_once.brokers import settings_for
from tests.exactly_once.keyed_sums import sums_spec

ROOT = Path(__file__).parent.parent.parent


class Teller(Observer):
    """Says on standard output what a test waits for."""

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        print("restored", partition, rows, flush=True)

    def fenced(self, task: str, partition: int) -> None:
        print("fenced", partition, flush=True)

    def revoked(self, task: str, partition: int) -> None:
        print("revoked", partition, flush=True)


async def work(bootstrap: str, prefix: str, instance: str | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = settings_for(bootstrap, prefix, group_instance_id=instance)
    await build(settings, [sums_spec(prefix)], observer=Teller()).run(stop)


def start_worker(
    bootstrap: str, prefix: str, told: int = subprocess.PIPE, log: "IO[str] | int" = subprocess.DEVNULL
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.exactly_once.worker", bootstrap, prefix],
        cwd=ROOT,
        stdout=told,
        stderr=log,
        text=True,
    )


@contextmanager
def worker_process(bootstrap: str, prefix: str) -> Iterator["subprocess.Popen[str]"]:
    process = start_worker(bootstrap, prefix)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("prefix")
    parser.add_argument("--instance")
    options = parser.parse_args()
    asyncio.run(work(options.bootstrap, options.prefix, options.instance))
