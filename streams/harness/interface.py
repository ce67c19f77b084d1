"""What every broker under test can do: start, tell where it listens, lose a node, get it back, stop."""

from enum import StrEnum
from types import TracebackType
from typing import Literal, Protocol, Self

NodeStatus = Literal["running", "partitioned", "dead", "stopped"]


class Backend(StrEnum):
    """Where a broker under test comes from."""

    EMBEDDED = "embedded"
    JARS = "jars"
    DOCKER = "docker"


class HarnessError(RuntimeError):
    """The broker could not be set up; the message says what to do."""


class KafkaHarness(Protocol):
    """A broker or cluster on loopback that a test owns, with the faults that a test wants to see.

    Nodes are numbered from 1. Every method blocks until what it says is true: ``start`` and ``restart`` until
    the cluster answers, ``kill`` until the process is gone.
    """

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers, ``host:port`` joined with commas."""
        ...

    def start(self) -> Self:
        """Start every node and wait until the cluster answers.

        Raises HarnessError when it cannot.
        """
        ...

    def stop(self) -> None:
        """Stop every node and remove what they wrote; a second call does nothing."""
        ...

    def kill(self, node: int = 1) -> None:
        """End a node at once, as a power cut would."""
        ...

    def restart(self, node: int = 1) -> None:
        """Bring a killed node back on the same port with what it had written."""
        ...

    def partition(self, node: int = 1) -> None:
        """Cut a node off: connections stay open and nobody answers."""
        ...

    def heal(self, node: int = 1) -> None:
        """Reconnect a node that was cut off."""
        ...

    def status(self) -> dict[int, NodeStatus]:
        """How each node is doing."""
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
