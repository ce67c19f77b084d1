"""Reads a compacted topic without an event loop, with kafka-python, from its beginning on."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from kafka import TopicPartition

from schemas.moved import is_moved
from streams.reading.topic_names import PLAIN, TopicNames
from streams.reading.waiting_consumers import WaitingConsumer
from streams.subscribers.topic_missing import TopicMissingError


class TopicReader:
    """Reads a topic with each call of `records`; committed records only.

    `options` are kafka-python's own; `streams.connections.kafka_python_options` derives them from settings (TLS, SASL).
    """

    def __init__(self, bootstrap: str, topic: str, *, topic_names: TopicNames = PLAIN, **options: Any) -> None:
        self._topic = topic_names.at_broker(topic)
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
        known = self._consumer.partitions_for_topic(self._topic)
        if not known:
            self._consumer.close()
            raise TopicMissingError(self._topic)
        partitions = [TopicPartition(self._topic, number) for number in sorted(known)]
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

    def records(self, timeout_ms: int) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Key and value of each new record."""
        self._follow_growth()
        for records in self._consumer.poll(timeout_ms=timeout_ms).values():
            for record in records:
                if record.value is not None or not is_moved(record.headers):
                    yield record.key, record.value

    def _follow_growth(self) -> None:
        """Read partitions that the topic has got meanwhile, as far as the client has heard of them."""
        known, assigned = self._consumer.partitions_for_topic(self._topic) or set(), self._consumer.assignment()
        more = [TopicPartition(self._topic, number) for number in sorted(known) if number >= len(assigned)]
        if not more:
            return
        positions = {partition: self._consumer.position(partition) for partition in assigned}
        self._consumer.assign([*sorted(assigned), *more])
        for partition, position in positions.items():
            self._consumer.seek(partition, position)
        self._consumer.seek_to_beginning(*more)
