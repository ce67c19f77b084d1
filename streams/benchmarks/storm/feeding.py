"""Feeds the pipeline during a storm: events of a simulated world at a steady rate, and events that close the books."""

import asyncio
import time
from collections.abc import Iterable, Iterator

from processors.worlds.home_page import Event
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from streams.benchmarks.filling import keyed
from streams.benchmarks.storm.forget_mid_storm import Asked
from streams.exactly_once.records.partitioner import Partitioner
from streams.forgetting.asking import INPUTS
from streams.publishing import Publisher
from streams.settings import Settings

AHEAD_S = 0.02


class Feeder:
    """Publishes events in order at a rate per second, whatever happens to the broker.

    `patience_ms` is how long a batch waits for a restarting broker, and for a lost response.
    """

    def __init__(self, bootstrap: str, settings: Settings, *, patience_ms: int) -> None:
        self.published = self.asked = 0
        self.newest_ms = 0
        self._bootstrap = bootstrap
        self._settings = settings
        self._patience_ms = patience_ms

    async def catalogue(self, cards: Iterable[CatalogueCard]) -> None:
        """Publish the catalogue."""
        async with self._publisher() as publisher:
            for card in cards:
                topic, key, value, *_ = keyed(card)
                await publisher.publish(topic, key.decode(), value)
            await publisher.flush()

    async def feed(self, events: Iterable[Event | Asked], per_second: float) -> None:
        """Publish events and requests; raises the broker's error if one was not acknowledged in time."""
        async with self._publisher() as publisher:
            started_s = time.monotonic()
            for event in events:
                if isinstance(event, Asked):
                    for name in INPUTS:
                        await publisher.publish(name, event.user_id, None)
                    self.asked += 1
                    continue
                topic, key, value, *_ = keyed(event)
                await publisher.publish(topic, key.decode(), value)
                self.published += 1
                self.newest_ms = max(self.newest_ms, event.event_ms)
                ahead_s = self.published / per_second - (time.monotonic() - started_s)
                if ahead_s > AHEAD_S:
                    await asyncio.sleep(ahead_s)
            await publisher.flush()

    async def close_books(self) -> None:
        """Advance event time in every partition of both topics, so that all exposures settle."""
        settlement = self._settings.settlement
        end_ms = self.newest_ms + settlement.horizon_ms + 2 * settlement.lateness_ms
        async with self._publisher() as publisher:
            for event in clocks(self._settings.page_partitions, end_ms):
                topic, key, value, *_ = keyed(event)
                await publisher.publish(topic, key.decode(), value)
            await publisher.flush()

    def _publisher(self) -> Publisher:
        return Publisher(self._bootstrap, request_timeout_ms=self._patience_ms)


def clocks(partitions: int, end_ms: int) -> Iterator[Event]:
    """A page without cards and an organic stream for one listener of every partition."""
    partition_of = Partitioner().partition_of
    missing, number = set(range(partitions)), 0
    while missing:
        user_id = f"clock-{number}"
        number += 1
        if (place := partition_of(user_id.encode(), partitions)) in missing:
            missing.remove(place)
            yield Impression(event_id=f"end-{place}", user_id=user_id, event_ms=end_ms, shelves=())
            yield StreamEnd(
                event_id=f"end-{place}", user_id=user_id, card_id="clock", started_ms=end_ms, event_ms=end_ms,
                played_ms=0,
            )  # fmt: skip
