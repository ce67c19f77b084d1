"""Events of the driver as structured logs."""

from collections.abc import Collection
from typing import Any

import structlog
from typing_extensions import override

from streams.exactly_once.observer import Observer


class LoggingObserver(Observer):  # documented in the base class
    """Logs changes; throughput is left to metrics."""

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger("shelfwise.worker")

    @override
    def joined(self, partitions: Collection[tuple[str, int]]) -> None:
        self._log.info("joined", partitions=len(partitions))

    @override
    def assigned(self, task: str, partition: int) -> None:
        self._log.info("assigned", task=task, partition=partition)

    @override
    def revoked(self, task: str, partition: int) -> None:
        self._log.info("revoked", task=task, partition=partition)

    @override
    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        self._log.info("restoring", task=task, partition=partition, rows=rows, bytes_read=bytes_read)

    @override
    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        self._log.info("taking_up", task=task, partition=partition, rows=rows, rows_all=rows_all)

    @override
    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self._log.info(
            "restored", task=task, partition=partition, rows=rows, bytes_read=bytes_read, seconds=round(seconds, 3)
        )

    @override
    def caught_up(self, task: str, partition: int) -> None:
        self._log.info("caught_up", task=task, partition=partition)

    @override
    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self._log.debug(
            "committed", task=task, partition=partition, records=records, outputs=outputs, rows=rows, seconds=seconds
        )

    @override
    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        self._log.warning("aborted", task=task, partition=partition, reason=reason)

    @override
    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        self._log.warning("not_opened", task=task, partition=partition, reason=reason)

    @override
    def fenced(self, task: str, partition: int) -> None:
        self._log.warning("fenced", task=task, partition=partition)

    @override
    def broadcast_caught_up(self, *, records: int, seconds: float) -> None:
        self._log.info("broadcast_caught_up", records=records, seconds=round(seconds, 3))

    @override
    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        self._log.error("input_lost", task=task, partition=partition, topic=topic, records=records)

    @override
    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        self._log.warning(
            "positions_differ", task=task, partition=partition, topic=topic, position=position, committed=committed
        )
