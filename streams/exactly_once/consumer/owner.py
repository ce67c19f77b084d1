"""Who owns the partitions of a worker, as Faust's side of the driver sees it."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from aiokafka import TopicPartition

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.task import TaskSpec


class Owner(Protocol):
    """Who decides what happens to assigned partitions."""

    settings: DriverSettings
    clock_ms: Callable[[], int]
    specs: tuple[TaskSpec, ...]

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Open tasks for what was assigned; must return at once."""
        ...

    async def suspend(self) -> None:
        """Commit everything; a rebalance waits for it."""
        ...

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error."""
        ...

    def out_of_range(self, partitions: Iterable[TopicPartition]) -> None:
        """Reopen tasks whose next input the broker does not have (any more)."""
        ...

    def ready(self) -> set[TopicPartition]:
        """Give the partitions whose tasks are open and have room for more."""
        ...


class OwnedApp(Protocol):
    """A Faust app whose partitions belong to somebody outside of Faust."""

    owner: Owner
