"""With the broadcast state pinned a disturbed run writes what an undisturbed one does, byte for byte."""

import asyncio
import os
import signal
import time
from pathlib import Path

import msgspec
import numpy as np

from schemas.topics import TOPICS, Role
from streams.auditing.audit import SETTLEMENT_TOPICS
from streams.auditing.comparison import Snapshot, differences, snapshot
from streams.broker.embedded import EmbeddedBroker
from streams.pinned_model import PinnedRecord
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess
from tests.auditing.history import small_run
from tests.pipeline.conftest import ENVIRONMENT, audited, records, wait_for
from tests.pipeline.test_pipeline import NOW_MS, traffic


def pinned_model(folder: Path) -> Path:
    """What a small run had learned, as a file."""
    broadcast = {name for name, topic in TOPICS.items() if topic.role is Role.BROADCAST}
    newest = {(r.topic, r.key): r for r in small_run() if r.topic in broadcast and r.key and r.value}
    lines = [
        msgspec.json.encode(
            PinnedRecord(topic=r.topic, partition=0, offset=r.offset, timestamp=0, key=key, value=value)
        )
        for (_, key), r in newest.items()
        if key and (value := r.value)
    ]
    file = folder / "model.jsonl"
    file.write_bytes(b"\n".join(lines))
    return file


def run_once(model: Path, log: Path, *, kills: int) -> Snapshot:
    home = traffic(pages=500, seed=8)
    events = home.events_until(NOW_MS + 10**10)
    rng = np.random.default_rng(9)
    with EmbeddedBroker() as broker:
        ensure(Settings(), broker.bootstrap)

        def worker() -> WorkerProcess:
            return WorkerProcess(broker.bootstrap, ENVIRONMENT, log, ["--pin-model", str(model)])

        asyncio.run(send(broker.bootstrap, home.catalogue, events))
        asyncio.run(close_books(broker.bootstrap, max(event.event_ms for event in events), Settings()))
        for _ in range(kills):
            with worker() as victim:
                assert victim.process is not None
                before = len(records(broker.bootstrap, "shelf-rankings"))
                wait_for(lambda seen=before: len(records(broker.bootstrap, "shelf-rankings")) >= seen, "the worker")  # type: ignore[misc]
                time.sleep(rng.uniform(2.0, 3.5))
                os.kill(victim.process.pid, signal.SIGKILL)
        with worker():
            wait_for(
                lambda: audited(broker.bootstrap, (*SETTLEMENT_TOPICS, "card-statistics")).holds, "the audit to hold"
            )
        return asyncio.run(snapshot(broker.bootstrap))


def test_with_a_pinned_model_kills_change_no_byte(tmp_path: Path) -> None:
    model = pinned_model(tmp_path)
    undisturbed = run_once(model, tmp_path / "undisturbed.log", kills=0)
    disturbed = run_once(model, tmp_path / "disturbed.log", kills=2)
    assert len(undisturbed.digests["shelf-rankings"]) > 50
    assert len(undisturbed.digests["outcomes"]) > 20
    assert list(differences(disturbed, undisturbed)) == []
