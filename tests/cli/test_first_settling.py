"""When the first exposure settles is told from the oldest impressions that can be read."""

import asyncio

from schemas.codec import encode
from streams.broker.embedded import EmbeddedBroker
from streams.connections import aiokafka_options
from streams.first_settling import first_settling, told
from streams.publishing import Publisher
from streams.settings import Settings, load
from streams.topics.admin import ensure
from tests.builders import impression

NOON_MS = 1_700_000_000_000


def first(settings: Settings, bootstrap: str) -> str | None:
    return asyncio.run(first_settling(settings, aiokafka_options(settings, bootstrap)))


def test_the_oldest_impression_counts_and_what_cannot_be_read_does_not() -> None:
    settings = load(flags={"profile": "quick"})

    async def publish(bootstrap: str) -> None:
        async with Publisher(bootstrap) as publisher:
            for number, event_ms in enumerate((NOON_MS + 5_000, NOON_MS, NOON_MS + 9_000)):
                shown = impression(event_id=f"i{number}", user_id=f"u{number}", event_ms=event_ms)
                await publisher.publish("impressions", shown.user_id, encode(shown), event_ms=event_ms)
            await publisher.publish("impressions", "u7", b"no json", event_ms=1)

    with EmbeddedBroker(seed=1) as broker:
        assert first(settings, broker.bootstrap) is None, "there is no topic"
        ensure(settings, broker.bootstrap)
        assert first(settings, broker.bootstrap) is None, "there is no impression"
        asyncio.run(publish(broker.bootstrap))
        assert first(settings, broker.bootstrap) == told(settings, NOON_MS)
    assert "20 s after a page is shown" in told(settings, NOON_MS)
