"""Closed-loop traffic: simulated listeners see their newest rankings, act, and send events to the topics."""

import asyncio
import time
from collections import deque

import numpy as np

from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.planted_drift import busiest_block
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.catalogue import CatalogueCard
from schemas.codec import encode
from schemas.impressions import Impression
from schemas.rankings import ShelfRanking
from streams.demo.demo_settings import DemoSettings
from streams.publishing import Publisher
from streams.replaying.live import renamed
from streams.subscribers import AsyncRankingSubscriber

STEP_S = 0.1
LATENCIES_KEPT = 20_000


class Traffic:
    """Listeners of one planted world, paced by the wall clock, in compressed event time."""

    def __init__(self, settings: DemoSettings, publisher: Publisher, subscriber: AsyncRankingSubscriber) -> None:
        self.settings = settings
        self.publisher = publisher
        self.subscriber = subscriber
        size = world_settings(settings.world, users=settings.users, cards=settings.cards)
        self.world = SatisfactionWorld(size, world_seed=settings.seed + 1_000_003)
        self.home = SimulatedHome(self.world, HomePageSettings(), seed=settings.seed)
        self.latencies_s: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self.events_count = 0
        self.shift: tuple[int, int, int] | None = None
        self.shown: dict[tuple[str, int], ShelfRanking] = {}
        self._rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(0x7AF,)))
        self._activity = self._rng.gamma(2.0, size=settings.users)
        self._published_s: dict[str, float] = {}
        hours_ms = int(settings.seconds * 1_000 * settings.speed)
        self.base_ms = int(time.time() * 1_000) - hours_ms - 12 * 3_600_000
        self._started_s = time.monotonic()
        self.played_s = 0.0
        self.first_ranking_s: float | None = None

    @property
    def now_ms(self) -> int:
        """Event time."""
        return self.base_ms + int((time.monotonic() - self._started_s) * 1_000 * self.settings.speed)

    @property
    def elapsed_s(self) -> float:
        """Wall-clock time since the start."""
        return time.monotonic() - self._started_s

    @property
    def ended_ms(self) -> int:
        """Event time at the end of play; later events are the ends of streams that were still playing."""
        return self.base_ms + int(self.played_s * 1_000 * self.settings.speed)

    def catalogue(self) -> list[CatalogueCard]:
        """The cards of the world."""
        return self.home.catalogue

    async def run(self) -> None:
        """Play until time is up or enough events have been published; the world changes once."""
        self._started_s = time.monotonic()
        watching = asyncio.create_task(self._watch_latency())
        done_ms = self.base_ms
        while self.elapsed_s < self.settings.seconds and not self._has_enough():
            if self.shift is None and self.elapsed_s >= self.settings.seconds * self.settings.shift_at:
                self._change_world()
            now_ms = self.now_ms
            self._visit(done_ms, now_ms)
            done_ms = now_ms
            await self._publish_until(now_ms)
            await asyncio.sleep(STEP_S)
        self.played_s = self.elapsed_s
        watching.cancel()

    async def close_books(self, settle_ms: int) -> None:
        """Publish the ends of playing streams, then an event in each partition that lets all exposures settle."""
        end_ms = self.now_ms
        await self._publish_until(end_ms + 10 * 24 * 3_600_000)
        end_ms = max(end_ms, self.publisher.newest_ms)
        for number in range(64):  # any users, enough to reach every partition
            user_id = f"clock-{number}"
            clock = Impression(
                event_id=f"end-{end_ms}-{number}", user_id=user_id, event_ms=end_ms + settle_ms, shelves=()
            )
            await self.publisher.publish("impressions", clock.user_id, encode(clock))
        await self.publisher.flush()

    def _has_enough(self) -> bool:
        limit = self.settings.events_max
        return limit is not None and self.events_count >= limit

    def _visit(self, from_ms: int, until_ms: int) -> None:
        expected = self.settings.visits_per_second * (until_ms - from_ms) / 1_000 / self.settings.speed
        visits = int(self._rng.poisson(expected))
        if visits == 0:
            return
        share = self._activity / self._activity.sum()
        users = self._rng.choice(self.settings.users, size=visits, p=share).tolist()
        times = np.sort(self._rng.integers(from_ms, max(from_ms + 1, until_ms), size=visits)).tolist()
        self.home.visit(users, times, self._pages(users))

    def _pages(self, users: list[int]) -> dict[str, ShelfRanking]:
        found = {self.home.user_id(user): self.subscriber.get(self.home.user_id(user)) for user in set(users)}
        pages = {name: page.ranking for name, page in found.items() if page is not None and page.source == "own"}
        self.shown.update(((name, page.ranking_number), page) for name, page in pages.items())
        return pages

    async def _publish_until(self, event_ms: int) -> None:
        run = f"demo-{self.settings.seed}-{self.base_ms}"  # another demo on the same broker must not be a duplicate
        for event in (renamed(event, run) for event in self.home.events_until(event_ms)):
            topic = "impressions" if isinstance(event, Impression) else "stream-ends"
            await self.publisher.publish(topic, event.user_id, encode(event), event_ms=event.event_ms)
            self._published_s[event.user_id] = time.monotonic()
            self.events_count += 1
        await self.publisher.flush()

    async def _watch_latency(self) -> None:
        async for user_id in self.subscriber.follow():
            if self.first_ranking_s is None:
                self.first_ranking_s = round(self.elapsed_s, 2)
            published_s = self._published_s.pop(user_id, None)
            if published_s is not None:
                self.latencies_s.append(time.monotonic() - published_s)

    def _change_world(self) -> None:
        """Shift the co-cluster with most expected streams."""
        user_group, card_group = busiest_block(self.world, self._activity)
        self.world.shift(user_group, card_group, self.settings.shift_log_factor)
        self.shift = (user_group, card_group, self.now_ms)
