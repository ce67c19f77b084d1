"""Publishes input events, idempotently, keyed by the table of topics."""

from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from streams.reading.topic_names import PLAIN, TopicNames


class Publisher:
    """An idempotent producer that tracks the newest event time.

    `options` are aiokafka's own.
    """

    def __init__(self, bootstrap: str, *, topic_names: TopicNames = PLAIN, **options: Any) -> None:
        self._names = topic_names
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._producer: Any = None
        self._pending: list[Any] = []
        self.newest_ms = 0
        self.published_count = 0

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            enable_idempotence=True, acks="all", linger_ms=5, max_request_size=8 * 1_048_576, **self._options
        )
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def publish(self, topic: str, key: str, value: bytes | None, *, event_ms: int = 0) -> None:
        """Pass one record to the producer; `flush` waits for acknowledgements."""
        self._pending.append(await self._producer.send(self._names.at_broker(topic), value=value, key=key.encode()))
        self.newest_ms = max(self.newest_ms, event_ms)
        self.published_count += 1
        if len(self._pending) >= 10_000:
            await self.flush()

    async def flush(self) -> list[Any]:
        """Wait until all records are acknowledged, and return their offsets; raises the first error."""
        pending, self._pending = self._pending, []
        written = [await acknowledgement for acknowledgement in pending]
        return written if self._names.is_plain else [it._replace(topic=self._names.ours(it.topic)) for it in written]
