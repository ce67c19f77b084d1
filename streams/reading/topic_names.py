"""Names of our topics at the broker: with a prefix, or each as a team wants it, so that several can share a cluster."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from aiokafka import TopicPartition
from msgspec import Struct

_T = TypeVar("_T")


class TopicNames(Struct, frozen=True, kw_only=True):
    """From the names of the table of topics to those at the broker, and back.

    The code knows the names of the table only; clients translate at the edge. `foreign` topics are others', and are
    called as they are.

    >>> names = TopicNames(prefix="team-a.", names={"impressions": "pages"}, foreign=frozenset({"plays"}))
    >>> [names.at_broker(name) for name in ("impressions", "outcomes", "plays")]
    ['pages', 'team-a.outcomes', 'plays']
    >>> [names.ours(name) for name in ("pages", "team-a.outcomes", "plays")]
    ['impressions', 'outcomes', 'plays']
    """

    prefix: str = ""
    names: Mapping[str, str] = {}
    foreign: frozenset[str] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether all names are those of the table."""
        return not (self.prefix or self.names)

    def at_broker(self, topic: str) -> str:
        """The name at the broker of a topic of ours."""
        return topic if topic in self.foreign else self.names.get(topic, self.prefix + topic)

    def ours(self, name: str) -> str:
        """The name in the table of a topic at the broker."""
        if name in self.foreign:
            return name
        return next((own for own, there in self.names.items() if there == name), name.removeprefix(self.prefix))

    def there(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Partitions by their names at the broker."""
        return [TopicPartition(self.at_broker(tp.topic), tp.partition) for tp in partitions]

    def here(self, by_partition: Mapping[TopicPartition, _T]) -> dict[TopicPartition, _T]:
        """What the broker tells by partition, by our names."""
        return {TopicPartition(self.ours(tp.topic), tp.partition): it for tp, it in by_partition.items()}


PLAIN = TopicNames()
