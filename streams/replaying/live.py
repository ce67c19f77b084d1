"""Simulates listeners of a planted world in real time."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from processors.worlds.home_page import Event, SimulatedHome
from schemas.codec import encode
from schemas.impressions import Impression
from streams.publishing import Publisher

STEP_S = 0.5


def renamed(event: Event, run: str) -> Event:
    """Rename an event for this run, so that another run of the same seed is not a duplicate.

    >>> from tests.builders import impression, stream_end
    >>> renamed(impression(event_id="i1"), "r7").event_id, renamed(stream_end(impression_id="i1"), "r7").impression_id
    ('r7-i1', 'r7-i1')
    """
    name = f"{run}-{event.event_id}"
    if isinstance(event, Impression):
        return msgspec.structs.replace(event, event_id=name)
    shown = event.impression_id and f"{run}-{event.impression_id}"
    return msgspec.structs.replace(event, event_id=name, impression_id=shown)


async def live(
    bootstrap: str,
    home: SimulatedHome,
    users: int,
    *,
    pages: int,
    pages_per_second: float,
    rng: np.random.Generator,
    stop: asyncio.Event,
    options: dict[str, Any],
) -> int:
    """Open random pages at this rate, until stopped; returns the number of events sent.

    `options` are aiokafka's own. Streams that are still playing at the end are not sent.
    """
    started_s, shown, run = time.time(), 0, f"r{time.time_ns() // 1_000_000}"
    async with Publisher(bootstrap, **options) as publisher:
        for card in home.catalogue:
            await publisher.publish("catalogue", card.card_id, encode(card))
        while shown < pages and not stop.is_set():
            now_s = time.time()
            due = min(pages, round((now_s - started_s) * pages_per_second)) - shown
            home.visit(rng.integers(users, size=due).tolist(), [round(now_s * 1_000)] * due, {})
            shown += due
            await _send(publisher, home.events_until(round(now_s * 1_000)), run)
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP_S):
                    await stop.wait()
        last_ms = round(time.time() * 1_000) + home.settings.delay_max_ms  # pages in flight
        await _send(publisher, home.events_until(last_ms), run)
        return publisher.published_count


async def _send(publisher: Publisher, events: Sequence[Event], run: str) -> None:
    for event in events:
        topic = "impressions" if isinstance(event, Impression) else "stream-ends"
        await publisher.publish(topic, event.user_id, encode(renamed(event, run)), event_ms=event.event_ms)
    await publisher.flush()
