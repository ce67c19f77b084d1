"""Waits until the published co-clusters have learned from every interaction in the topics."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from processors.telling import Tell
from schemas.codec import decode
from schemas.interactions import Interactions
from schemas.learning import CoClusters
from streams.auditing.reading import read_committed
from streams.settings import Settings
from streams.worker_process import WorkerProcess

SILENT_S = 120.0
"""Without another version for this long, the learner has published what it will: a first fit takes a while."""


async def wait_until_learned(
    bootstrap: str, settings: Settings, options: Mapping[str, Any], worker: WorkerProcess, tell: Tell
) -> None:
    """Wait for them, if there are enough interactions for a first fit."""
    expected = 0
    for _, value in await read_committed(bootstrap, "interactions", options):
        message = decode("interactions", value)
        expected += len(message.user_id) if isinstance(message, Interactions) else 0
    if expected < settings.coclusters.warmup_events:
        await asyncio.sleep(2.0 * settings.publish_interval_ms / 1_000)
        return
    known, since_s = -1, time.monotonic()
    while known < expected and time.monotonic() - since_s < SILENT_S:
        worker.refuse_if_dead()
        models = await read_committed(bootstrap, "co-clusters", options)
        learned = learned_count(decode("co-clusters", models[-1][1])) if models else 0
        if learned > known:
            known, since_s = learned, time.monotonic()
        tell("interactions learned", known, expected)
        await asyncio.sleep(1.0)


def learned_count(model: CoClusters) -> int:
    """Interactions that the model has learned from, or that were taken out of it since.

    >>> learned_count(CoClusters(generation=1, version=1, event_ms=0, user_prior=(1.0,), card_prior=(1.0,),
    ...     mean=((3.0,),), variance=((1.0,),), count=((9.9999999,),), global_mean=3.0, global_variance=1.0,
    ...     withdrawn_count=2))
    12
    """
    return round(sum(map(sum, model.count))) + model.unplaced_count + model.withdrawn_count
