"""The owner of a worker's partitions, as the consumer sees it."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from aiokafka import TopicPartition

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.task import TaskSpec


class Owner(Protocol):
    """Manages assigned partitions."""

    settings: DriverSettings
    clock_ms: Callable[[], int]
    specs: tuple[TaskSpec, ...]

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Open tasks for assigned partitions; must return at once."""
        ...

    async def suspend(self) -> None:
        """Commit everything; the rebalance waits for it."""
        ...

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error."""
        ...

    def out_of_range(self, partitions: Iterable[TopicPartition]) -> None:
        """Reopen tasks whose next offset does not exist at the broker."""
        ...

    def ready(self) -> set[TopicPartition]:
        """The partitions whose tasks are open and accept more input."""
        ...


class OwnedApp(Protocol):
    """A Faust app with an owner."""

    owner: Owner
