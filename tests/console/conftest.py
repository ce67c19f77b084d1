"""A broker with something of every topic, and a console that reads it."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import pytest
from aiokafka import AIOKafkaProducer

from streams.auditing.reading import LogRecord, read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.console.serving import address_of, bound_socket, serve_console
from streams.settings import Settings
from streams.topics.admin import ensure
from tests.console.told_records import everything

SETTINGS = Settings(page_partitions=2)
DEADLINE_S = 120.0


def write(bootstrap: str, records: Sequence[LogRecord], *, commit: bool = True) -> None:
    """One transaction, as a worker writes them."""

    async def transact() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="worker")
        await producer.start()
        try:
            await producer.begin_transaction()
            for one in records:
                await producer.send(one.topic, one.value, one.key, headers=list(one.headers))
            await producer.flush()
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()

    with ThreadPoolExecutor(1) as another:  # a browser test has a running loop in its own
        another.submit(asyncio.run, transact()).result()


class Served(NamedTuple):
    """A console on a broker."""

    bootstrap: str
    address: str


class _Running:
    """A console in a thread of its own, until it is told to stop."""

    def __init__(self, bootstrap: str, **options: Any) -> None:
        self._options = options
        self._listening = bound_socket("127.0.0.1", 0)
        self.address = address_of(self._listening).rstrip("/")
        self._bootstrap = bootstrap
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None]
        self._begun = threading.Event()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(serve_console(SETTINGS, self._bootstrap, self._listening, **self._options))
        self._begun.set()
        await asyncio.wait([self._task])

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(DEADLINE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


@contextmanager
def running(bootstrap: str, **options: Any) -> Iterator[Served]:
    """A console that has read what is there; `options` are those of `serve_console`."""
    with _Running(bootstrap, **options) as started:
        deadline_s = time.monotonic() + DEADLINE_S
        while not has_read(started.address):
            assert time.monotonic() < deadline_s, "it reads what is there"
            time.sleep(0.05)
        yield Served(bootstrap, started.address)


def read_all(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    """All records of a topic, also where the caller's thread has a running loop."""
    with ThreadPoolExecutor(1) as another:
        return another.submit(asyncio.run, read_committed(bootstrap, topic)).result()


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with EmbeddedBroker() as embedded:
        ensure(SETTINGS, embedded.bootstrap)
        write(embedded.bootstrap, everything())
        yield embedded.bootstrap


@pytest.fixture(scope="module")
def served(broker: str) -> Iterator[Served]:
    with running(broker, listener_history=True) as console:
        yield console


def page_of(address: str) -> str:
    from urllib.request import urlopen

    with urlopen(address) as answer:
        return answer.read().decode()


def has_read(address: str) -> bool:
    """Whether all that stood in the topics has been read, and their ends are known."""
    home = page_of(f"{address}/")
    return "Reading has not begun" not in home and "have not been measured" not in home
