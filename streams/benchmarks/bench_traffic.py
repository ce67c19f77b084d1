"""Input for benchmarks: any number of events of a simulated world, with unique ids."""

import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from processors.worlds.home_page import Event, HomePageSettings, SimulatedHome
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression

PAGES_A_ROUND = 20_000
PAGE_EVERY_MS = 1_000
TAIL_MS = 24 * 3_600_000


class TrafficSettings(Struct, frozen=True, kw_only=True):
    """Parameters of the world; a round is played once and then repeated with later times and other ids."""

    seed: int = 0
    users: int = 5_000
    cards: int = 120
    pages: int = PAGES_A_ROUND
    page_every_ms: int = PAGE_EVERY_MS


class Traffic:
    """Catalogue and events of a planted world (W1) whose listeners see random pages.

    About one event in three is an impression of some 2 kB with nine cards seen, two are stream-ends of 200 bytes.

    >>> traffic = Traffic(TrafficSettings(users=20, cards=12, pages=30), end_ms=10**12)
    >>> events = list(traffic.events(150)); len(events), len({event.event_id for event in events}) > 140
    (150, True)
    """

    def __init__(self, settings: TrafficSettings, end_ms: int | None = None) -> None:
        self._settings = settings
        self._end_ms = int(time.time() * 1_000) if end_ms is None else end_ms
        world = SatisfactionWorld(
            world_settings("W1", users=settings.users, cards=settings.cards), world_seed=settings.seed
        )
        self._home = SimulatedHome(world, HomePageSettings(control_share=1.0), seed=settings.seed + 1)

    @property
    def catalogue(self) -> list[CatalogueCard]:
        """The cards of the world."""
        return self._home.catalogue

    def events(self, count: int) -> Iterator[Event]:
        """`count` events in order of arrival, all before `end_ms` in event time."""
        span_ms = self._settings.pages * self._settings.page_every_ms
        first = self._first_round()
        rounds = -(-count // len(first))
        base_ms = self._end_ms - TAIL_MS - rounds * span_ms
        moved = (_moved(event, number, base_ms + number * span_ms) for number in range(rounds) for event in first)
        return islice(moved, count)

    def _first_round(self) -> list[Event]:
        settings = self._settings
        rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(0xBE,)))
        for first in range(0, settings.pages, 500):
            times = [settings.page_every_ms * number for number in range(first, min(first + 500, settings.pages))]
            self._home.visit(rng.integers(settings.users, size=len(times)).tolist(), times, {})
        until_ms = settings.pages * settings.page_every_ms + TAIL_MS
        span_ms = settings.pages * settings.page_every_ms
        return [event for event in self._home.events_until(until_ms) if event.event_ms < span_ms]


def _moved(event: Event, number: int, by_ms: int) -> Event:
    event_id, event_ms = f"{event.event_id}.{number}", event.event_ms + by_ms
    if isinstance(event, Impression):
        return replace(event, event_id=event_id, event_ms=event_ms)
    named = event.impression_id and f"{event.impression_id}.{number}"
    return replace(
        event, event_id=event_id, event_ms=event_ms, started_ms=event.started_ms + by_ms, impression_id=named
    )
