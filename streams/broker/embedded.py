"""The embedded broker: a Kafka broker in a thread of this process, FOR DEVELOPMENT AND TESTS ONLY.

It has one node, no replication, no authentication, and fsyncs nothing; production is Apache Kafka.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.broker.faults import FaultPlan
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.server import BrokerServer
from streams.broker.state import BrokerState, Identity
from streams.broker.storage import DirectoryStorage, MemoryStorage, Storage

_log = logging.getLogger(__name__)
_LOOPBACK = "127.0.0.1"


class BrokerPortTakenError(OSError):
    """Another process listens on the broker's port."""


class EmbeddedBroker:
    """A Kafka broker in a thread of its own, on loopback, for development and tests only.

    With `data_dir` it survives its process; without, its records live in memory,
    within the topics' retention.

    >>> with EmbeddedBroker() as broker:
    ...     broker.create_topic("plays", partitions=3)
    ...     broker.bootstrap.startswith("127.0.0.1:")
    True
    """

    def __init__(
        self,
        port: int = 0,
        data_dir: str | Path | None = None,
        seed: int = 0,
        auto_create: bool = False,
        *,
        host: str = _LOOPBACK,
    ) -> None:
        self.faults = FaultPlan(seed=seed)
        self.port = port
        self._host = host
        self._auto_create = auto_create
        self._storage: Storage = MemoryStorage() if data_dir is None else DirectoryStorage(Path(data_dir))
        self._lock: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: BrokerServer | None = None
        self._state: BrokerState | None = None

    @property
    def bootstrap(self) -> str:
        """The `bootstrap_servers` of clients."""
        return f"{self._host}:{self.port}"

    def start(self) -> Self:
        """Start serving; raises `BrokerPortTakenError` or `DataDirInUseError`."""
        assert self._thread is None, "already started"
        if isinstance(self._storage, DirectoryStorage):
            self._lock = self._storage.lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="embedded-broker", daemon=True)
        self._thread.start()
        try:
            self._call(self._open())
        except BaseException:
            self._end_thread()
            raise
        return self

    def stop(self) -> None:
        """Stop serving; does nothing if it is stopped already."""
        if self._thread is None:
            return
        if self._server is not None:
            self._call(self._close())
        self._end_thread()

    def crash(self) -> None:
        """Die as by kill -9: connections are closed, and only the storage is left."""
        self._call(self._close())

    def restart(self) -> None:
        """Restart on the same port from the storage; after `crash`, or instead of it."""
        if self._server is not None:
            self.crash()
        self._call(self._open())

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Create a topic; does nothing if it exists with the same partitions and settings."""
        self._call(self._create_topic(name, partitions, dict(config or {})))

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    async def _open(self) -> None:
        identity = Identity(host=self._host, port=self.port, auto_create=self._auto_create)
        state = BrokerState(self._storage, identity, lambda: self.faults.holds_offsets)
        server = BrokerServer(state, self.faults)
        try:
            self.port = await server.start(self._host, self.port)
        except OSError as error:
            state.close()
            raise BrokerPortTakenError(
                f"cannot listen on {self._host}:{self.port} ({error.strerror}); choose another port"
            ) from error
        state.identity = Identity(host=self._host, port=self.port, auto_create=self._auto_create)
        self._state, self._server = state, server
        _log.info("embedded broker (for development and tests only) serves on %s", self.bootstrap)

    async def _close(self) -> None:
        assert self._server is not None
        assert self._state is not None
        server, state = self._server, self._state
        self._server = self._state = None
        await server.stop()
        state.close()

    async def _create_topic(self, name: str, partitions: int, config: dict[str, str]) -> None:
        assert self._state is not None
        known = self._state.topics.by_name.get(name)
        if known is None:
            self._state.topics.create(name, partitions, config)
        elif (known.record.partitions, known.record.configs) != (partitions, config):
            raise KafkaFailure(ErrorCode.TOPIC_ALREADY_EXISTS, f"'{name}' exists and is configured otherwise")

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end_thread(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def serve(host: str, port: int, data_dir: str | Path | None) -> None:
    """Run a broker in this thread until SIGINT or SIGTERM; raises as `EmbeddedBroker.start` does."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with EmbeddedBroker(port=port, data_dir=data_dir, host=host):
        stopped.wait()
