"""The embedded broker behind the harness's interface: no Java, no Docker, up in a moment."""

from types import TracebackType
from typing import Self

from streams.broker.embedded import EmbeddedBroker
from streams.broker.faults import FaultPlan
from streams.harness.interface import HarnessError, NodeStatus


class EmbeddedKafka:
    """One node in a thread of this process.

    ``kill`` is the broker's own ``crash``. Partitioned off, it goes on by itself: its clock runs, members are evicted.
    """

    def __init__(self, *, data_dir: str | None = None, seed: int = 0) -> None:
        self._data_dir = data_dir
        self._seed = seed
        self._broker: EmbeddedBroker | None = None
        self._status: NodeStatus = "stopped"

    @property
    def bootstrap(self) -> str:
        """Where it listens."""
        if self._broker is None:
            raise HarnessError("the broker does not run: call start() first")
        return self._broker.bootstrap

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong in the broker, for tests that want it to misbehave."""
        return self._running(1).faults

    def start(self) -> Self:
        """Start the broker's thread."""
        self._broker = EmbeddedBroker(port=0, data_dir=self._data_dir, seed=self._seed).start()
        self._status = "running"
        return self

    def stop(self) -> None:
        """Stop the broker; a second call does nothing."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        self._status = "stopped"

    def kill(self, node: int = 1) -> None:
        """Crash the broker: connections are cut, what was not on disk is gone."""
        broker = self._only(node)
        if self._status != "stopped":
            broker.crash()
        broker.faults.reconnect()
        self._status = "stopped"

    def restart(self, node: int = 1) -> None:
        """Bring it back on the same port."""
        self._only(node).restart()
        self._status = "running"

    def partition(self, node: int = 1) -> None:
        """Let requests wait until it is healed."""
        self._running(node).faults.cut_off()
        self._status = "partitioned"

    def heal(self, node: int = 1) -> None:
        """Let the requests that waited arrive."""
        self._running(node).faults.reconnect()
        self._status = "running"

    def status(self) -> dict[int, NodeStatus]:
        """Node 1, and how it is doing."""
        return {1: self._status}

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _only(self, node: int) -> EmbeddedBroker:
        if node != 1 or self._broker is None:
            raise HarnessError(f"there is no running node {node}")
        return self._broker

    def _running(self, node: int) -> EmbeddedBroker:
        broker = self._only(node)
        if self._status == "stopped":
            raise HarnessError("the node does not run")
        return broker
