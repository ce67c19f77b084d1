"""Accounts for the events of one file: which are in the topics, and what resulted from each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from schemas.catalogue import CatalogueCard
from schemas.codec import decode
from schemas.impressions import Impression
from schemas.outcomes import OutcomeSettled, one_by_one
from schemas.stream_ends import StreamEnd, StreamEvent
from schemas.whole_numbers import decoded
from streams.auditing.reading import read_committed, stream_committed

Event = Impression | StreamEvent
Name = tuple[str, str]
INPUTS = ("impressions", "stream-ends")
LETTERS = tuple(f"{topic}.dlq" for topic in INPUTS)


class _Named(Struct):
    """The fields that identify an event."""

    user_id: str
    event_id: str
    event_ms: int


class Present(Struct, frozen=True, kw_only=True):
    """Existing content of the input topics: names of events, the newest time, and dead letters."""

    names: frozenset[Name] = frozenset()
    newest_ms: int = 0
    dead_letters: int = 0


async def present_events(bootstrap: str, options: Mapping[str, Any]) -> Present:
    """Read the input topics."""
    decoder = msgspec.json.Decoder(_Named)
    names: set[Name] = set()
    newest_ms = 0
    for topic in INPUTS:
        async for record in stream_committed(bootstrap, topic, options):
            try:
                event = decoded(decoder, record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue  # not an event: it has a dead letter
            names.add((event.user_id, event.event_id))
            newest_ms = max(newest_ms, event.event_ms)
    return Present(
        names=frozenset(names), newest_ms=newest_ms, dead_letters=await count_dead_letters(bootstrap, options)
    )


async def count_dead_letters(bootstrap: str, options: Mapping[str, Any]) -> int:
    """Number of dead letters of the input topics."""
    return sum([len(await read_committed(bootstrap, topic, options)) for topic in LETTERS])


class Account(Struct, frozen=True, kw_only=True):
    """Compares events of a file with the output: each exposure must settle once, each stream count once."""

    exposures: int
    settled: int
    settled_again: int
    streamed: int
    streams: int
    interactions: int
    interactions_again: int
    users_are_sampled: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything has been processed."""
        return self.settled == self.exposures and (self.users_are_sampled or self.interactions == self.streams)

    @property
    def adds_up(self) -> bool:
        """Whether everything has been processed exactly once."""
        return self.is_complete and not self.settled_again and not self.interactions_again

    @property
    def open_count(self) -> int:
        """Number of unprocessed exposures and streams."""
        return self.exposures - self.settled + self.streams - self.interactions


class Books:
    """The events of a file by name, duplicates once."""

    def __init__(self, events: Iterable[Event], *, users_are_sampled: bool = False) -> None:
        self.streams: set[Name] = set()
        self.exposures: set[tuple[str, str, int, int]] = set()
        self.users: set[str] = set()
        self._sampled = users_are_sampled
        for event in events:
            self.users.add(event.user_id)
            if not isinstance(event, Impression):
                if isinstance(event, StreamEnd):
                    self.streams.add((event.user_id, event.event_id))
                continue
            for row, shelf in enumerate(event.shelves):
                self.exposures.update((event.user_id, event.event_id, row, slot) for slot in shelf.seen)

    async def balanced(self, bootstrap: str, options: Mapping[str, Any]) -> Account:
        """The output so far."""
        settled: Counter[tuple[str, str, int, int]] = Counter()
        streamed: set[tuple[str, str, int, int]] = set()
        outcomes = (decode("outcomes", value) for _, value in await read_committed(bootstrap, "outcomes", options))
        for outcome in one_by_one(outcomes):
            exposure = (outcome.user_id, outcome.impression_id, outcome.row, outcome.slot)
            if exposure in self.exposures:
                settled[exposure] += isinstance(outcome, OutcomeSettled)
                if outcome.played_ms > 0:
                    streamed.add(exposure)
        interactions: Counter[Name] = Counter()
        for _, value in await read_committed(bootstrap, "interactions", options):
            message = decode("interactions", value)
            interactions.update(self.streams.intersection(zip(message.user_id, message.event_id, strict=True)))
        return Account(
            exposures=len(self.exposures),
            settled=len(+settled),
            settled_again=settled.total() - len(+settled),
            streamed=len(streamed),
            streams=len(self.streams),
            interactions=len(interactions),
            interactions_again=interactions.total() - len(interactions),
            users_are_sampled=self._sampled,
        )

    async def count_rankings(self, bootstrap: str, options: Mapping[str, Any]) -> int:
        """Number of these listeners' rankings in the topic."""
        decoder = msgspec.json.Decoder(_Ranked)
        records = await read_committed(bootstrap, "shelf-rankings", options)
        return sum(decoder.decode(value).user_id in self.users for _, value in records if value)


class _Ranked(Struct):
    """The listener of a ranking."""

    user_id: str


async def count_cards(bootstrap: str, cards: Iterable[CatalogueCard], options: Mapping[str, Any]) -> int:
    """Number of these cards with statistics."""
    known = {key for key, _ in await read_committed(bootstrap, "card-statistics", options)}
    return len(known & {card.card_id.encode() for card in cards})
