"""One transactional producer: writes outputs, state rows and source offsets together or not at all."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.exactly_once.errors import OutputRefusedError, ReopenNeeded, TopicMissingError
from streams.exactly_once.partitioner import Partitioner
from streams.exactly_once.settings import DriverSettings
from streams.exactly_once.task import Produced

DISCARD_TIMEOUT_S = 2.0
_REFUSALS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
)


class TransactionalWriter:
    """Holds one transactional id.

    Opening fences whoever held it before and ends their open transaction, so what is read from the log
    afterwards cannot change any more. After any error the writer is of no use: discard it.
    """

    def __init__(self, settings: DriverSettings, transactional_id: str, partitioner: Partitioner) -> None:
        self._settings = settings
        self._partitioner = partitioner
        self._producer = AIOKafkaProducer(
            **settings.client_options(),
            transactional_id=transactional_id,
            transaction_timeout_ms=settings.transaction_timeout_ms,
            max_batch_size=settings.produce_max_batch_bytes,
            compression_type=settings.compression,
        )

    @classmethod
    async def open(cls, settings: DriverSettings, transactional_id: str, partitioner: Partitioner) -> Self:
        """Connect, fence, and end what was open.

        Raises ReopenNeeded when the broker does not answer within the transaction timeout.
        """
        writer = cls(settings, transactional_id, partitioner)
        try:
            await asyncio.wait_for(writer._producer.start(), settings.transaction_timeout_ms / 1000)
        except (KafkaError, TimeoutError, OSError) as error:
            await writer.discard()
            raise ReopenNeeded(f"cannot open {transactional_id}: {error!r}") from error
        except BaseException:
            await writer.discard()
            raise
        return writer

    async def transact(
        self, produced: Sequence[Produced], offsets: Mapping[TopicPartition, int], *, default_partition: int
    ) -> None:
        """Write one transaction; offsets are the next ones to process.

        Raises ReopenNeeded when it did not commit or may not have, OutputRefusedError or TopicMissingError
        when trying again cannot help.
        """
        try:
            await asyncio.wait_for(
                self._transact(produced, offsets, default_partition),
                self._settings.transaction_timeout_ms / 1000,
            )
        except ProducerFenced as error:
            raise ReopenNeeded("fenced: another worker has opened this task", fenced=True) from error
        except UnknownTopicOrPartitionError as error:
            names = ", ".join(sorted({record.topic for record in produced}))
            raise TopicMissingError(f"one of the output topics {names} does not exist: create it") from error
        except _REFUSALS as error:
            raise OutputRefusedError(f"the broker refuses what the task produced: {error!r}") from error
        except (
            KafkaError,
            TimeoutError,
            OSError,
            AssertionError,
        ) as error:  # aiokafka asserts its own states
            raise ReopenNeeded(f"the transaction did not commit: {error!r}") from error

    async def discard(self) -> None:
        """Close without flushing, in bounded time, whether a broker answers or not."""
        producer = self._producer
        producer._closed = True  # noqa: SLF001  its own stop() flushes first, for ever when the broker is gone
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer._sender.close(), DISCARD_TIMEOUT_S)  # noqa: SLF001
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), DISCARD_TIMEOUT_S)

    async def _transact(
        self, produced: Sequence[Produced], offsets: Mapping[TopicPartition, int], default_partition: int
    ) -> None:
        producer = self._producer
        await producer.begin_transaction()
        deliveries: list[asyncio.Future[Any]] = []
        for (topic, partition), records in (await self._by_partition(produced, default_partition)).items():
            deliveries.extend(await self._send(topic, partition, records))
        waiting = asyncio.gather(*deliveries)
        if offsets:
            await asyncio.gather(waiting, producer.send_offsets_to_transaction(offsets, self._settings.group))
        else:
            await waiting
        await producer.commit_transaction()

    async def _by_partition(
        self, produced: Iterable[Produced], default_partition: int
    ) -> dict[tuple[str, int], list[Produced]]:
        counts: dict[str, int] = {}
        partition_of = self._partitioner.partition_of
        grouped: dict[tuple[str, int], list[Produced]] = {}
        for record in produced:
            count = counts.get(record.topic)
            if count is None:
                count = counts[record.topic] = len(await self._producer.partitions_for(record.topic))
            if record.partition is not None:
                partition = record.partition
            elif record.key is not None:
                partition = partition_of(record.key, count)
            else:
                partition = default_partition % count
            grouped.setdefault((record.topic, partition), []).append(record)
        return grouped

    async def _send(
        self, topic: str, partition: int, records: Iterable[Produced]
    ) -> list[asyncio.Future[Any]]:
        producer = self._producer
        deliveries = []
        batch = producer.create_batch()
        for _, key, value, headers, _, timestamp_ms in records:
            while batch.append(timestamp=timestamp_ms, key=key, value=value, headers=list(headers)) is None:
                deliveries.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
        deliveries.append(await producer.send_batch(batch, topic, partition=partition))
        return deliveries
