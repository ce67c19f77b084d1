"""Computes when the first exposure can settle; before that nothing is learned, and every score is zero."""

import time
from typing import Any

from aiokafka import TopicPartition

from schemas.codec import UnreadableError, decode
from schemas.impressions import Impression
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of
from streams.settings import Settings

TOPIC = "impressions"
LOOK_MS = 1_000


async def first_settling(settings: Settings, options: dict[str, Any]) -> str | None:
    """The time before which nothing settles, from these settings and the oldest retained impressions.

    None if there are no impressions. Workers with another horizon settle at other times.
    """
    shown_ms = await _first_shown_ms(options)
    return None if shown_ms is None else told(settings, shown_ms)


def settles_ms(settings: Settings, shown_ms: int) -> int:
    """When an exposure that was shown at this time settles.

    >>> settles_ms(Settings(profile="standard"), 0)
    1860000
    """
    return shown_ms + settings.settlement.horizon_ms + settings.settlement.lateness_ms


def told(settings: Settings, shown_ms: int) -> str:
    """A line of text."""
    clock = time.strftime("%H:%M:%S", time.localtime(settles_ms(settings, shown_ms) / 1_000))
    horizon_s = settings.settlement.horizon_ms // 1_000
    return f"nothing settled before {clock}: the horizon is {horizon_s:,} s after a page is shown"


async def _first_shown_ms(options: dict[str, Any]) -> int | None:
    consumer = Consumer(
        **options, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        await consumer.start()
        partitions = [TopicPartition(TOPIC, number) for number in await partitions_of(consumer, TOPIC)]
        if not partitions:
            return None
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = []
        for tp, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(tp) < end:
                fetched = await consumer.getmany(tp, timeout_ms=LOOK_MS)
                shown = [ms for record in fetched.get(tp, ()) if (ms := _shown_ms(record.value)) is not None]
                if shown:
                    found.append(min(shown))
                    break
        return min(found, default=None)
    finally:
        await consumer.stop()


def _shown_ms(value: bytes | None) -> int | None:
    try:
        message = decode(TOPIC, value)
    except UnreadableError:
        return None
    return message.event_ms if isinstance(message, Impression) else None
