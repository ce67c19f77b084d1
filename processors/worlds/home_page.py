"""Simulated listeners at a home page: they look at the top of their page, play, and stop.

The events include the difficulties of real logs: streams with and without the name of their impression, organic play,
unknown cards, duplicates, events out of order, and streams of many hours.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from processors.policies.keyed_draws import name_key
from processors.policies.uniform import UniformPolicy
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from processors.rewards.reward_catalogue import reward_named
from processors.worlds.satisfaction import Kind, SatisfactionWorld
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression, ShownShelf
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd, StreamPlaying

GENRES = ("sleep", "jazz", "pop", "news", "focus", "party", "folk", "metal", "kids", "soul", "latin", "ambient", "rock")
LEARNING, CONTROL = "learning", "control"
Event = Impression | StreamEnd | StreamPlaying


class HomePageSettings(Struct, frozen=True, kw_only=True):
    """Behaviour of listeners; all shares are probabilities.

    With `playing_every_ms`, their clients tell this often that a stream is still playing. `again_share` is the
    probability that a card is played once more, from the same page.
    """

    control_share: float = 0.3
    organic_share: float = 0.05
    unknown_card_share: float = 0.01
    duplicate_share: float = 0.01
    unnamed_share: float = 0.2
    delay_max_ms: int = 20_000
    look_deeper: float = 0.6
    look_along: float = 0.75
    decide_ms: int = 120_000
    playing_every_ms: int = 0
    again_share: float = 0.0
    mixed_shelves: int = 0
    """Number of shelves to which cards are dealt whatever their genre; 0 for a shelf of each genre."""


class SimulatedHome:
    """Listeners of one world. Equal seeds, times and pages give equal events."""

    def __init__(self, world: SatisfactionWorld, settings: HomePageSettings, seed: int) -> None:
        self.world = world
        self.settings = settings
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x40E,)))
        # its own, so that the other events are the same with and without
        self._playing_rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x9A1,)))
        self._again_rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0xA6A,)))
        self.catalogue = _catalogue(world, self._rng)
        if settings.mixed_shelves:
            self.catalogue = _mixed(self.catalogue, settings.mixed_shelves)
        self._learned = Learned(("static",))
        for card in self.catalogue:
            self._learned.put_card(card.card_id, card)
        ranking = RankingSettings(seed=seed)
        self._random_pages = PageMaker(ranking, UniformPolicy(), reward_named("static"))
        self._card_row = {card.card_id: row for row, card in enumerate(self.catalogue)}
        self._visits = self._named = self._published = 0
        self._due: list[tuple[int, int, Event]] = []
        self.satisfied: set[tuple[str, int, int]] | None = None
        """Set it to remember what no event tells: impression, row and slot of the exposures that satisfied."""

    def user_id(self, user: int) -> str:
        """Name of a listener."""
        return f"u{user}"

    def variant_of(self, user_id: str) -> str:
        """The permanent arm of a listener."""
        return CONTROL if name_key("arm " + user_id) < self.settings.control_share * 2.0**64 else LEARNING

    def visit(self, users: Sequence[int], times_ms: Sequence[int], pages: Mapping[str, ShelfRanking]) -> None:
        """Let listeners open the home page at these times, see their page or a random one, and act."""
        random_pages = self._draw_random_pages(users, times_ms)
        for user, event_ms, random_page in zip(users, times_ms, random_pages, strict=True):
            user_id = self.user_id(user)
            variant = self.variant_of(user_id)
            page = pages.get(user_id, random_page) if variant == LEARNING else random_page
            impression = self._look(page, user_id, event_ms, variant)
            self._publish(impression, self._rng)
            self._play(user, impression)
            if self._rng.random() < self.settings.organic_share:
                self._play_organically(user, event_ms)

    def events_until(self, event_ms: int) -> list[Event]:
        """Events to publish by this time, in order of arrival: some late, some twice."""
        events = []
        while self._due and self._due[0][0] <= event_ms:
            events.append(heappop(self._due)[2])
        return events

    def _draw_random_pages(self, users: Sequence[int], times_ms: Sequence[int]) -> list[ShelfRanking]:
        first = self._visits
        self._visits += len(users)
        requests = [
            RankingRequest(
                user_id=self.user_id(user), ranking_number=first + number, event_ms=event_ms, plays=(), sources={}
            )
            for number, (user, event_ms) in enumerate(zip(users, times_ms, strict=True))
        ]
        return self._random_pages.rank(self._learned, requests)

    def _look(self, page: ShelfRanking, user_id: str, event_ms: int, variant: str) -> Impression:
        rows = min(len(page.shelves), int(self._rng.geometric(1.0 - self.settings.look_deeper)))
        along = self._rng.geometric(1.0 - self.settings.look_along, len(page.shelves))
        self._named += 1
        return Impression(
            event_id=f"i{self._named}",
            user_id=user_id,
            event_ms=event_ms,
            variant=variant,
            shelves=tuple(
                ShownShelf(
                    shelf_id=shelf.shelf_id,
                    cards=shelf.cards,
                    propensities=shelf.propensities,
                    propensity=shelf.propensity,
                    order_log_propensities=shelf.order_log_propensities,
                    row_log_propensity=shelf.row_log_propensity,
                    seen=tuple(range(min(len(shelf.cards), int(slots)))) if row < rows else (),
                )
                for row, (shelf, slots) in enumerate(zip(page.shelves, along, strict=True))
            ),
            policy_version=page.policy_version,
            reward_version=page.reward_version,
            model_version=page.model_version,
            assignments=page.assignments,
            ranking_number=page.ranking_number if page.policy_version != "uniform" else None,
        )

    def _play(self, user: int, impression: Impression) -> None:
        seen = [shelf.cards[slot] for shelf in impression.shelves for slot in shelf.seen]
        rows = np.array([self._card_row[card_id] for card_id in seen], dtype=np.int64)
        kinds, seconds = self.world.play(np.full(len(rows), user), rows, self._rng)
        if self.satisfied is not None:
            places = [(row, slot) for row, shelf in enumerate(impression.shelves) for slot in shelf.seen]
            happy = np.flatnonzero(kinds == Kind.SATISFIED).tolist()
            self.satisfied.update((impression.event_id, *places[number]) for number in happy)
        for card_id, played_s in zip(seen, seconds.tolist(), strict=True):
            if played_s > 0.0:
                named = self._rng.random() >= self.settings.unnamed_share
                named_id = impression.event_id if named else None
                self._end(user, card_id, impression.event_ms, played_s, named_id)
                while self.settings.again_share and self._again_rng.random() < self.settings.again_share:
                    _, more = self.world.play(np.array([user]), np.array([self._card_row[card_id]]), self._again_rng)
                    self._end(user, card_id, impression.event_ms, float(more[0]) or played_s, named_id)

    def _play_organically(self, user: int, event_ms: int) -> None:
        if self._rng.random() < self.settings.unknown_card_share / self.settings.organic_share:
            self._end(user, f"withdrawn-{self._rng.integers(5)}", event_ms, 60.0, None)
            return
        row = int(self._rng.integers(len(self.catalogue)))
        log_mean = self.world.log_mean[self.world.user_group[user], self.world.card_group[row]]
        played_s = float(np.minimum(np.exp(log_mean + 0.6 * self._rng.standard_normal()), 21_600.0))
        self._end(user, self.catalogue[row].card_id, event_ms, played_s, None)

    def _end(self, user: int, card_id: str, shown_ms: int, played_s: float, impression_id: str | None) -> None:
        started_ms = shown_ms + int(self._rng.integers(1, self.settings.decide_ms))
        self._named += 1
        stream = StreamEnd(
            event_id=f"s{self._named}",
            user_id=self.user_id(user),
            card_id=card_id,
            started_ms=started_ms,
            event_ms=started_ms + round(played_s * 1_000),
            played_ms=round(played_s * 1_000),
            impression_id=impression_id,
        )
        self._publish(stream, self._rng)
        if self.settings.playing_every_ms:
            for heard_ms in range(self.settings.playing_every_ms, stream.played_ms, self.settings.playing_every_ms):
                self._publish(_while_playing(stream, heard_ms), self._playing_rng)

    def _publish(self, event: Event, rng: np.random.Generator) -> None:
        copies = 2 if rng.random() < self.settings.duplicate_share else 1
        for _ in range(copies):
            delay_ms = int(rng.integers(self.settings.delay_max_ms + 1))
            self._published += 1
            heappush(self._due, (event.event_ms + delay_ms, self._published, event))


def _while_playing(stream: StreamEnd, heard_ms: int) -> StreamPlaying:
    """What a client tells of a stream after this time."""
    return StreamPlaying(
        event_id=f"{stream.event_id}-{heard_ms}",
        stream_id=stream.event_id,
        user_id=stream.user_id,
        card_id=stream.card_id,
        started_ms=stream.started_ms,
        event_ms=stream.started_ms + heard_ms,
        played_ms=heard_ms,
        impression_id=stream.impression_id,
    )


def _catalogue(world: SatisfactionWorld, rng: np.random.Generator) -> list[CatalogueCard]:
    """A card's genre mostly follows its planted group; it is valid in its genre's shelf, some also in `discover`."""
    cards = []
    for row, group in enumerate(world.card_group.tolist()):
        drawn = group if rng.random() < 0.85 else int(rng.integers(world.settings.card_groups))
        genre = GENRES[drawn % len(GENRES)]
        discover = ("discover",) if rng.random() < 0.3 else ()
        title = f"{genre.title()} {row}"
        cards.append(CatalogueCard(card_id=f"c{row}", title=title, shelves=(genre, *discover), genres=(genre,)))
    return cards


def _mixed(cards: Sequence[CatalogueCard], shelves: int) -> list[CatalogueCard]:
    """The cards dealt to so many shelves, in turn."""
    return [replace(card, shelves=(f"mix-{number % shelves}",)) for number, card in enumerate(cards)]
