"""What the driver does, as structured logs and Prometheus metrics."""

from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from typing_extensions import override

from streams.exactly_once.observer import Observer

_LABELS = ("task", "partition")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class LoggingObserver(Observer):  # each method is documented where it is declared
    """Logs what changes, counts what flows; metrics are served where a port is given, on loopback by default."""

    def __init__(self, metrics_port: int = 0, metrics_host: str = "127.0.0.1") -> None:
        self.registry = CollectorRegistry()
        self._log: Any = structlog.get_logger("shelfwise.worker")
        registry = self.registry
        self._records = Counter("shelfwise_records", "Records processed", (*_LABELS, "topic"), registry=registry)
        self._seconds = Histogram(
            "shelfwise_batch_seconds", "Time to process one batch", _LABELS, buckets=_SECONDS, registry=registry
        )
        self._commits = Histogram(
            "shelfwise_commit_seconds", "Time of one commit", _LABELS, buckets=_SECONDS, registry=registry
        )
        self._outputs = Counter("shelfwise_outputs", "Records written", _LABELS, registry=registry)
        self._rows = Counter("shelfwise_state_rows", "State rows written", _LABELS, registry=registry)
        self._aborts = Counter("shelfwise_aborts", "Transactions that did not commit", _LABELS, registry=registry)
        self._fencings = Counter("shelfwise_fencings", "Transactions refused to a zombie", _LABELS, registry=registry)
        self._owned = Gauge("shelfwise_partitions_owned", "Partitions owned now", ("task",), registry=registry)
        self._restored_rows = Gauge("shelfwise_restored_rows", "Rows read back so far", _LABELS, registry=registry)
        self._restored_share = Gauge(
            "shelfwise_restored_share", "Share of the rows read back that is taken up", _LABELS, registry=registry
        )
        self._lost = Counter("shelfwise_input_lost", "Input deleted unread", (*_LABELS, "topic"), registry=registry)
        self._differences = Counter(
            "shelfwise_positions_differ",
            "Inputs whose offset in the group was not that of the state, at opening",
            (*_LABELS, "topic"),
            registry=registry,
        )
        if metrics_port:
            start_http_server(metrics_port, addr=metrics_host, registry=registry)

    @override
    def assigned(self, task: str, partition: int) -> None:
        self._owned.labels(task).inc()
        self._log.info("assigned", task=task, partition=partition)

    @override
    def revoked(self, task: str, partition: int) -> None:
        self._owned.labels(task).dec()
        self._log.info("revoked", task=task, partition=partition)

    @override
    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        self._restored_rows.labels(task, partition).set(rows)
        self._log.info("restoring", task=task, partition=partition, rows=rows, bytes_read=bytes_read)

    @override
    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        self._restored_share.labels(task, partition).set(rows / max(1, rows_all))
        self._log.info("taking_up", task=task, partition=partition, rows=rows, rows_all=rows_all)

    @override
    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self._restored_share.labels(task, partition).set(1.0)
        self._log.info(
            "restored", task=task, partition=partition, rows=rows, bytes_read=bytes_read, seconds=round(seconds, 3)
        )

    @override
    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self._records.labels(task, partition, topic).inc(records)
        self._seconds.labels(task, partition).observe(seconds)

    @override
    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self._commits.labels(task, partition).observe(seconds)
        self._outputs.labels(task, partition).inc(outputs)
        self._rows.labels(task, partition).inc(rows)
        self._log.debug(
            "committed", task=task, partition=partition, records=records, outputs=outputs, rows=rows, seconds=seconds
        )

    @override
    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        self._aborts.labels(task, partition).inc()
        self._log.warning("aborted", task=task, partition=partition, reason=reason)

    @override
    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        self._log.warning("not_opened", task=task, partition=partition, reason=reason)

    @override
    def fenced(self, task: str, partition: int) -> None:
        self._fencings.labels(task, partition).inc()
        self._log.warning("fenced", task=task, partition=partition)

    @override
    def broadcast_caught_up(self, *, records: int, seconds: float) -> None:
        self._log.info("broadcast_caught_up", records=records, seconds=round(seconds, 3))

    @override
    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        self._lost.labels(task, partition, topic).inc(records)
        self._log.error("input_lost", task=task, partition=partition, topic=topic, records=records)

    @override
    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        self._differences.labels(task, partition, topic).inc()
        self._log.warning(
            "positions_differ", task=task, partition=partition, topic=topic, position=position, committed=committed
        )
