"""A harness on the embedded broker: starts at once, without Java or Docker."""

from types import TracebackType
from typing import Self

from streams.broker.embedded import EmbeddedBroker
from streams.broker.faults import FaultPlan
from streams.harness.interface import HarnessError, NodeStatus


class EmbeddedKafka:
    """One node in a thread of this process.

    ``kill`` is the broker's ``crash``. An isolated broker keeps running: its clock advances, members are evicted.
    """

    def __init__(self, *, data_dir: str | None = None, seed: int = 0) -> None:
        self._data_dir = data_dir
        self._seed = seed
        self._broker: EmbeddedBroker | None = None
        self._status: NodeStatus = "stopped"

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers."""
        if self._broker is None:
            raise HarnessError("the broker is not running: call start() first")
        return self._broker.bootstrap

    @property
    def faults(self) -> FaultPlan:
        """The broker's fault plan, for tests that inject faults."""
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
        """Crash the broker: connections are closed, and data that is not on disk is lost."""
        broker = self._only(node)
        if self._status != "stopped":
            broker.crash()
        broker.faults.reconnect()
        self._status = "stopped"

    def restart(self, node: int = 1) -> None:
        """Restart it on the same port."""
        self._only(node).restart()
        self._status = "running"

    def partition(self, node: int = 1) -> None:
        """Hold requests until it is healed."""
        self._running(node).faults.cut_off()
        self._status = "partitioned"

    def heal(self, node: int = 1) -> None:
        """Process the held requests."""
        self._running(node).faults.reconnect()
        self._status = "running"

    def status(self) -> dict[int, NodeStatus]:
        """Node 1, with its state."""
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
            raise HarnessError("the node is not running")
        return broker
