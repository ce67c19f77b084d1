"""The auditor's own definitions of the messages: the fields that it checks, with types only."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, ValidationError, convert, field, json


class ShelfSeen(Struct, frozen=True, gc=False):
    """One shelf of an impression."""

    cards: list[str]
    seen: list[int]


class ImpressionRead(Struct, frozen=True):
    """A page that was shown."""

    event_id: str
    user_id: str
    event_ms: int
    shelves: list[ShelfSeen]

    def seen(self) -> dict[tuple[int, int], str]:
        """The card in every slot that was seen, by row and slot."""
        return {(row, slot): shelf.cards[slot] for row, shelf in enumerate(self.shelves) for slot in shelf.seen}


class StreamEndRead(Struct, frozen=True, gc=False):
    """A stream that ended."""

    event_id: str
    user_id: str
    card_id: str
    started_ms: int
    event_ms: int
    played_ms: int
    impression_id: str | None = None


class OutcomeRead(Struct, frozen=True, gc=False):
    """A settled exposure, or (with `stream_event_id`) a correction of one."""

    impression_id: str
    row: int
    slot: int
    user_id: str
    card_id: str
    shown_ms: int
    played_ms: int
    stream_count: int
    settled_ms: int = 0
    previous_ms: int = 0
    stream_event_id: str | None = None


class CorrectionRead(OutcomeRead, frozen=True, gc=False, tag="outcome-corrected.v1", tag_field="type"):
    """A correction, a record of its own."""


class OutcomesRead(Struct, frozen=True, gc=False, tag="outcomes-settled.v1", tag_field="type"):
    """Settled exposures of one card, in columns."""

    card_id: str
    impression_id: list[str]
    row: list[int]
    slot: list[int]
    user_id: list[str]
    shown_ms: list[int]
    played_ms: list[int]
    stream_count: list[int]
    settled_ms: list[int]


def outcomes_in(message: CorrectionRead | OutcomesRead) -> Iterator[OutcomeRead]:
    """Iterate over single outcomes of a record."""
    if isinstance(message, CorrectionRead):
        yield message
        return
    whose = zip(message.impression_id, message.row, message.slot, message.user_id, strict=True)
    what = zip(message.shown_ms, message.played_ms, message.stream_count, message.settled_ms, strict=True)
    for (impression_id, row, slot, user_id), (shown_ms, played_ms, stream_count, settled_ms) in zip(
        whose, what, strict=True
    ):
        yield OutcomeRead(
            impression_id, row, slot, user_id, message.card_id, shown_ms, played_ms, stream_count, settled_ms
        )


class InteractionsRead(Struct, frozen=True, gc=False):
    """Streams for the learner, in columns."""

    event_id: list[str]
    user_id: list[str]
    card_id: list[str]
    played_ms: list[int]


class ForgottenRead(Struct, frozen=True, gc=False):
    """A listener to forget."""

    user_id: str


class PositionRead(Struct, frozen=True, gc=False):
    """One transaction of a task: its number, and by input topic where it began and the next offset after it."""

    transaction: int
    inputs: dict[str, tuple[int, int]]


class EngagementRead(Struct, frozen=True):
    """Sums by block, in columns."""

    exposures: list[float]
    streams: list[float]
    played_s: list[float]
    counters: dict[str, int] = field(default_factory=dict)


class RewardRead(Struct, frozen=True):
    """Sums of one reward by user group."""

    total: list[float]


class CardStatisticsRead(Struct, frozen=True):
    """Statistics of one card by user group."""

    card_id: str
    exposures: list[float]
    rewards: dict[str, RewardRead]
    half_life_ms: int = 0
    epoch: int = 0

    def weight(self, shown_ms: int) -> float:
        """Weight of an outcome shown at this time: one, unless statistics decay."""
        return 2.0 ** (shown_ms / self.half_life_ms - self.epoch) if self.half_life_ms else 1.0


class CoClustersRead(Struct, frozen=True):
    """Block statistics."""

    count: list[list[float]]
    unplaced_count: int = 0
    withdrawn_count: int = 0


class ShelfRead(Struct, frozen=True):
    """One shelf of a ranking."""

    shelf_id: str
    propensity: float
    cards: list[str]
    propensities: list[float]
    scores: list[float]


class RankingRead(Struct, frozen=True):
    """A ranking."""

    user_id: str
    ranking_number: int
    shelves: list[ShelfRead]
    sources: dict[str, int] = field(default_factory=dict)
    surface: str = "home"

    @property
    def key(self) -> str:
        """The expected key: each surface has its own rankings."""
        user_id, surface = (name.replace("%", "%25").replace("@", "%40") for name in (self.user_id, self.surface))
        return user_id if self.surface == "home" else f"{user_id}@{surface}"


class CardRead(Struct, frozen=True):
    """A card of the catalogue."""

    card_id: str
    shelves: list[str]


DECODERS: dict[str, Any] = {
    "impressions": json.Decoder(ImpressionRead),
    "stream-ends": json.Decoder(StreamEndRead),
    "outcomes": json.Decoder(CorrectionRead | OutcomesRead),
    "interactions": json.Decoder(InteractionsRead),
    "engagement": json.Decoder(EngagementRead),
    "card-statistics": json.Decoder(CardStatisticsRead),
    "co-clusters": json.Decoder(CoClustersRead),
    "shelf-rankings": json.Decoder(RankingRead),
    "catalogue": json.Decoder(CardRead),
}


def decoded(topic: str, value: bytes) -> Any:
    """Decode an input record, whose integers may be written as whole floats; raises msgspec's errors."""
    try:
        return DECODERS[topic].decode(value)
    except ValidationError:
        return convert(_whole(json.decode(value)), DECODERS[topic].type)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {key: _whole(one) for key, one in value.items()} if isinstance(value, dict) else value
