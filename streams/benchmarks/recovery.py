"""`bench recovery`: duration and memory of restoring a large state, and gaps in its progress reports."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.settlement.state.rows import changed_rows
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd
from streams.app import LISTENERS_FORMAT
from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.filling import Keyed, fill
from streams.benchmarks.process_figures import resident_mb
from streams.exactly_once.records.partitioner import Partitioner
from streams.exactly_once.transactions.restore import format_row
from streams.settings import Settings
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess

LISTENERS_A_BATCH = 10_000
DEADLINE_S = 1_200.0
LOOK_EVERY_S = 0.2
PROGRESS = ("restoring", "taking_up", "restored")
CARDS = tuple(f"c{number}" for number in range(10))
SHELF = ShownShelf(shelf_id="jazz", cards=CARDS, propensities=(0.1,) * len(CARDS), seen=tuple(range(len(CARDS))))


def bench_recovery(settings: Settings, backend: Backend, *, listeners: int) -> dict[str, Any]:
    """Restore the state of this many listeners, each with one open impression of ten cards and one recent stream.

    Rows are written by the settlement itself. Time is measured from the start of the worker's first restore to the end
    of its last; `silence_s_max` is the longest time without progress in the log.
    """
    with broker_for(backend, settings.broker) as bootstrap, tempfile.TemporaryDirectory() as folder:
        ensure(settings, bootstrap)
        started_s = time.monotonic()
        written = asyncio.run(fill(bootstrap, state_records(settings.page_partitions, listeners)))
        filled_s = time.monotonic() - started_s
        told = _restored(bootstrap, Path(folder) / "worker.log", settings.page_partitions)
    return {
        "benchmark": "recovery",
        "listener_rows": listeners,
        "rows": sum(written.values()),
        "fill_s": round(filled_s, 1),
        **told,
        "memory_bytes_per_listener": round(1e6 * (told["memory_peak_mb"] - told["memory_before_mb"]) / listeners),
    }


def state_records(partitions: int, listeners: int) -> Iterator[Keyed]:
    """The rows of a listeners task by partition, format rows first."""
    for partition in range(partitions):
        key, value = format_row(LISTENERS_FORMAT)
        assert value is not None
        yield Keyed("listeners-state", key, value, partition=partition)
    partition_of = Partitioner().partition_of
    settlements = [Settlement(SettlementSettings()) for _ in range(partitions)]
    event_ms = int(time.time() * 1_000) - 60_000
    for first in range(0, listeners, LISTENERS_A_BATCH):
        numbers: list[list[int]] = [[] for _ in settlements]
        for number in range(first, min(first + LISTENERS_A_BATCH, listeners)):
            numbers[partition_of(_name(number).encode(), partitions)].append(number)
        for settlement, own in zip(settlements, numbers, strict=True):
            settlement.arrive_impressions([(number, _page(number, event_ms)) for number in own])
            settlement.arrive_streams([(number, _stream_end(number, event_ms)) for number in own])
        yield from (row for place, settlement in enumerate(settlements) for row in _rows(place, settlement))
        settlements = [_follower(settlement) for settlement in settlements]  # only the rows matter here


def _name(number: int) -> str:
    return f"listener-{number}"


def _page(number: int, event_ms: int) -> Impression:
    return Impression(event_id=f"i{number}", user_id=_name(number), event_ms=event_ms, shelves=(SHELF,))


def _stream_end(number: int, event_ms: int) -> StreamEnd:
    return StreamEnd(
        event_id=f"s{number}",
        user_id=_name(number),
        card_id="c3",
        started_ms=event_ms,
        event_ms=event_ms + 40_000,
        played_ms=40_000,
        impression_id=f"i{number}",
    )


def _follower(settlement: Settlement) -> Settlement:
    """A settlement without listeners that continues the counters."""
    follower = Settlement(settlement.settings)
    follower.book.totals["touches"] = settlement.touches
    return follower


def _rows(partition: int, settlement: Settlement) -> Iterator[Keyed]:
    for key, value in changed_rows(settlement):
        if value is not None:
            yield Keyed("listeners-state", key, value, partition=partition)


def _restored(bootstrap: str, log: Path, partitions: int) -> dict[str, Any]:
    """Start a worker and watch it until all partitions are restored."""
    environment = {"SHELFWISE_LOG_FORMAT": "json"}
    peak_mb = before_mb = 0.0
    with WorkerProcess(bootstrap, environment, log, ["--tasks", "listeners"]) as worker:
        deadline_s = time.monotonic() + DEADLINE_S
        while len(_told(log, ("restored",))) < partitions:
            worker.refuse_if_dead()
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"not restored within {DEADLINE_S:.0f} s")
            assert worker.process is not None
            now_mb = resident_mb(worker.process.pid)
            before_mb = before_mb if _told(log, PROGRESS) else now_mb
            peak_mb = max(peak_mb, now_mb)
            time.sleep(LOOK_EVERY_S)
    lines = _told(log, (*PROGRESS, "broadcast_caught_up"))
    moments_s = sorted(_seconds_of(line) for line in lines)
    restored = [line for line in lines if line["event"] == "restored"]
    return {
        "restore_s": round(moments_s[-1] - moments_s[0], 2),
        "read_s_by_partition": [line["seconds"] for line in restored],
        "restored_rows": sum(line["rows"] for line in restored),
        "restored_mb": round(sum(line["bytes_read"] for line in restored) / 1e6, 1),
        "progress_lines": len(lines),
        "silence_s_max": round(max(b - a for a, b in pairwise(moments_s)), 2),
        "memory_before_mb": before_mb,
        "memory_peak_mb": peak_mb,
    }


def _told(log: Path, events: tuple[str, ...]) -> list[dict[str, Any]]:
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    return [line for line in lines if line.get("event") in events]


def _seconds_of(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()
