"""Subscribes to shelf rankings without an event loop, with kafka-python."""

from types import TracebackType
from typing import Any, Self

from kafka import TopicPartition

from schemas.rankings import HOME
from streams.reading.waiting_consumers import WaitingConsumer
from streams.subscribers.ranking_table import TOPIC, Found, RankingTable, TopicMissingError


class RankingSubscriber:
    """Reads the compacted topic from its beginning, with each call of `poll`; committed records only.

    `options` are kafka-python's own; `streams.connections.kafka_python_options` derives them from settings (TLS, SASL).
    While a broker is unavailable `poll` returns nothing, `get` keeps answering, `behind_count` tells how current it is.

        with RankingSubscriber("127.0.0.1:9092") as subscriber:
            while not subscriber.is_caught_up:
                subscriber.poll()
            page = subscriber.get("u1")
    """

    def __init__(self, bootstrap: str, *, surface: str = HOME, **options: Any) -> None:
        self.table = RankingTable(surface)
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._consumer: Any = None
        self._ends: dict[TopicPartition, int] = {}

    def __enter__(self) -> Self:
        self._consumer = WaitingConsumer(
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            **self._options,
        )
        known = self._consumer.partitions_for_topic(TOPIC)
        if not known:
            self._consumer.close()
            raise TopicMissingError
        partitions = [TopicPartition(TOPIC, number) for number in sorted(known)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning(*partitions)
        self._ends = self._consumer.end_offsets(partitions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was in the topic at the start has been read."""
        return all(self._consumer.position(partition) >= end for partition, end in self._ends.items())

    @property
    def behind_count(self) -> int:
        """Number of unread records, as far as known from the broker."""
        consumer = self._consumer
        return sum(
            max(0, (consumer.highwater(partition) or 0) - consumer.position(partition)) for partition in self._ends
        )

    def poll(self, timeout_ms: int = 200) -> list[str]:
        """Read new records; returns the users with new rankings, once per ranking."""
        return [
            self.table.user_of(record.key)
            for records in self._consumer.poll(timeout_ms=timeout_ms).values()
            for record in records
            if self.table.put(record.key, record.value)
        ]

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show to this listener now."""
        return self.table.get(user_id, user_group=user_group)
