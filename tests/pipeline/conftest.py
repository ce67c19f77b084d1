"""A broker with our topics, and worker processes that can be killed."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from processors.metrics.metrics_settings import MetricsSettings
from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.books import READING_ORDER
from streams.auditing.findings import Audit
from streams.auditing.reading import read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.settings import Settings
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess

DEADLINE_S = 400.0
ENVIRONMENT = {
    "SHELFWISE_SETTLEMENT__IDLE_MS": "1500",
    "SHELFWISE_COCLUSTERS__WARMUP_EVENTS": "500",
    "SHELFWISE_LEADERBOARD__SHARE": "0.5",
    "SHELFWISE_METRICS__ENABLED": "true",
    "SHELFWISE_METRICS__PUBLISH_INTERVAL_MS": "300",
    "SHELFWISE_SESSION_TIMEOUT_MS": "2000",
}


@pytest.fixture
def bootstrap(tmp_path: Path) -> Iterator[str]:
    with EmbeddedBroker(data_dir=tmp_path / "broker") as broker:
        ensure(Settings(), broker.bootstrap)
        yield broker.bootstrap


@pytest.fixture
def worker(bootstrap: str, tmp_path: Path) -> Callable[[], WorkerProcess]:
    return lambda: WorkerProcess(bootstrap, ENVIRONMENT, tmp_path / "worker.log")


def records(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    return asyncio.run(read_committed(bootstrap, topic))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so, a third of the time at most: an audit takes the processor from the workers it waits for."""
    begun_s = asked_s = time.monotonic()
    while not condition():
        now_s = time.monotonic()
        assert now_s < begun_s + DEADLINE_S, f"waited {DEADLINE_S:.0f} s for {what}"
        time.sleep(max(0.2, 2 * (now_s - asked_s)))
        asked_s = time.monotonic()


def audited(bootstrap: str, topics: Sequence[str] = READING_ORDER) -> Audit:
    return asyncio.run(
        audit(bootstrap, audit_rules(Settings(metrics=MetricsSettings(enabled=True)), closed=True), topics=topics)
    )


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)
