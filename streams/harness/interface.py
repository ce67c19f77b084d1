"""The interface of brokers under test: start, address, faults of nodes, stop."""

from enum import StrEnum
from types import TracebackType
from typing import Literal, Protocol, Self

NodeStatus = Literal["running", "partitioned", "dead", "stopped"]


class Backend(StrEnum):
    """Kind of a broker under test."""

    EMBEDDED = "embedded"
    JARS = "jars"
    DOCKER = "docker"


class HarnessError(RuntimeError):
    """The broker could not be set up; the message has the remedy."""


class KafkaHarness(Protocol):
    """A broker or cluster on loopback that a test owns, with injectable faults.

    Nodes are numbered from 1. Every method blocks until it has taken effect: ``start`` and ``restart`` until
    the cluster answers, ``kill`` until the process has ended.
    """

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers, ``host:port`` joined with commas."""
        ...

    def start(self) -> Self:
        """Start every node and wait until the cluster answers.

        Raises HarnessError if it cannot.
        """
        ...

    def stop(self) -> None:
        """Stop all nodes and delete their data; a second call does nothing."""
        ...

    def kill(self, node: int = 1) -> None:
        """Kill a node with SIGKILL."""
        ...

    def restart(self, node: int = 1) -> None:
        """Restart a killed node on the same port, with its data."""
        ...

    def partition(self, node: int = 1) -> None:
        """Isolate a node: connections stay open but get no answer."""
        ...

    def heal(self, node: int = 1) -> None:
        """Reconnect an isolated node."""
        ...

    def status(self) -> dict[int, NodeStatus]:
        """The state of each node."""
        ...

    def __enter__(self) -> Self:
        """Start."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        ...
